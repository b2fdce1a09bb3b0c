//! Which loss each parameter group receives to, and the two evaluators that
//! turn the answer into gradients.
//!
//! The whole library hangs on one small matrix `W`: terms are losses, columns
//! are parameter groups,
//!
//! ```text
//! gradient(g) = sum over terms r of  W[r, g] * d loss(r) / d g
//! ```
//!
//! [`PerRow`] is its definition, one forward and one backward for each term.
//! [`Cut`] computes the same with one forward and one backward of every stream
//! up to where modalities meet, however many terms there are. Only this module
//! calls `backward`.

mod arrived;
mod boundary;
mod context;
mod cut;
mod per_row;
mod tape;
mod term_loss;
mod whole;

pub use context::{Evaluator, StepContext};
pub use cut::Cut;
pub use per_row::PerRow;

pub(crate) use boundary::{AtBoundary, Boundary};
