//! Self-contained HTML pages.

mod page;
mod style;

pub use page::{Block, Page, Section};
