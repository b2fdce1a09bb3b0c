//! Raw recordings to a verified data set: clips are found as their data set lays them out, their
//! sound becomes WAV and their picture a few frames, by the system's `ffmpeg`, and lists, splits,
//! check sums and the origin are written beside them.
//!
//! What differs between data sets is a [`Layout`]: one small file that reads names and lists and
//! yields [`Clip`]s. Everything after that is the same for all of them:
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//!
//! use counterpoint_prepare::{Job, Settings, SplitSettings, layout};
//!
//! let layout = layout::named("generic")?;
//! let job = Job {
//!     layout,
//!     from: "recordings".into(),
//!     to: "prepared".into(),
//!     settings: Settings::default(),
//!     split: SplitSettings::default(),
//!     complete: false,
//!     keep_damaged: false,
//!     uncut: false,
//!     jobs: 2,
//!     command: Vec::new(),
//! };
//! let plan = job.plan()?;
//! println!("{} clips", plan.clips.len());
//! let summary = job.run(&plan, &AtomicBool::new(false), &|done, total| println!("{done} of {total}"))?;
//! println!("{summary}");
//! # Ok::<(), counterpoint_prepare::PrepareError>(())
//! ```
//!
//! A clip is joined to its label by its name and never by its position in a list, and one that cannot
//! be used is written to `problems.csv` with the reason.

mod clip;
pub mod collection;
mod content;
mod error;
mod extract;
mod folder;
mod job;
mod journal;
pub mod layout;
mod lock;
mod made;
mod names;
mod output;
mod place;
mod problem;
mod run;
mod settings;
mod sheet;
mod split;
mod streams;
mod summary;

pub use clip::{Clip, Sources};
pub use collection::{Conversion, ConversionPlan, ConversionSettings};
pub use counterpoint_data::media::{Encoding, Frames, Tools};
pub use error::{ErrorKind, PrepareError};
pub use folder::Folder;
pub use job::{Job, Plan};
pub use layout::{Layout, Listing, Words};
pub use problem::{Finding, Problem};
pub use settings::Settings;
pub use split::{SplitRule, SplitSettings};
pub use summary::{Summary, size};
