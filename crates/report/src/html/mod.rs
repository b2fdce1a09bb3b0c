//! Pages of HTML that need nothing but themselves.

mod escape;
mod page;
mod style;

pub use escape::escape;
pub use page::{Block, Page, Section};
