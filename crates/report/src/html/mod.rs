//! Pages of HTML that need nothing but themselves.

mod escape;

pub use escape::escape;
