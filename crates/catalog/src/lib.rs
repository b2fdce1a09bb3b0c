//! Parts that a configuration names, such as strategies: each describes
//! itself, and the list of them is open.
//!
//! A part is a struct of settings that says its name and one line on itself
//! ([`Settings`]). A [`Catalog`] lists the parts of one [`Kind`] and reads a
//! table `{ name = "..", .. }` into a [`Chosen`] one. Another crate adds its own:
//! [`Catalog::with`], and everything that is read within [`Catalog::during`] knows it.
//!
//! ```
//! use std::sync::Arc;
//! use counterpoint_catalog::{Catalog, Chosen, Kind, Part, Settings, Takes};
//!
//! /// What every filter can do.
//! trait Filter: Part {
//!     fn taps(&self) -> usize;
//! }
//!
//! impl Kind for dyn Filter {
//!     const NOUN: &'static str = "filter";
//!
//!     fn built_in() -> Catalog<Self> {
//!         Catalog::default().with::<Mean>()
//!     }
//! }
//!
//! impl<S: Settings + Filter> Takes<S> for dyn Filter {
//!     fn take(settings: S) -> Arc<Self> {
//!         Arc::new(settings)
//!     }
//! }
//!
//! /// The mean of the last samples.
//! #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! struct Mean {
//!     /// How many samples.
//!     width: usize,
//! }
//!
//! impl Settings for Mean {
//!     const NAME: &'static str = "mean";
//!     const SUMMARY: &'static str = "the mean of the last samples";
//! }
//!
//! impl Filter for Mean {
//!     fn taps(&self) -> usize {
//!         self.width
//!     }
//! }
//!
//! let read = |text: &str| Catalog::<dyn Filter>::current().read(text.parse().unwrap());
//! assert_eq!(read("name = \"mean\"\nwidth = 3").unwrap().taps(), 3);
//! let refusal = |text: &str| read(text).unwrap_err().to_string();
//! assert_eq!(refusal("name = \"maen\""), "unknown filter `maen`, did you mean `mean`? Expected one of mean");
//! assert_eq!(
//!     refusal("name = \"mean\"\nwdth = 3"),
//!     "unknown key `wdth` of filter `mean`, did you mean `width`? Expected one of width"
//! );
//! assert!(refusal("name = \"mean\"\nwidth = \"3\"").starts_with("`width`: invalid type"));
//! ```

mod beside;
mod catalog;
mod chosen;
mod part;
mod read;
mod reference;
mod suggestion;
mod unset;

pub use beside::beside;
pub use catalog::{Catalog, Entry};
pub use chosen::Chosen;
pub use part::{Kind, Part, Settings, Takes};
pub use read::{ReadError, keys, read};
pub use reference::{Page, Setting, pages};
pub use suggestion::{hint, suggestion, unknown};
pub use unset::unset;
