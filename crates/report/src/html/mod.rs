//! Pages of HTML that need nothing but themselves.

mod page;
mod style;

pub use page::{Block, Page, Section};
