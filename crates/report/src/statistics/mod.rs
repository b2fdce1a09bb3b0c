//! Means, intervals and tests for few seeds and many samples.
//!
//! Two sources of chance are kept apart. **Seeds**: train again and the number
//! changes; there are few, so Student's t is the honest interval (with three
//! seeds a percentile bootstrap covers about 75 %, not 95 %). **Samples**: test
//! on other recordings and the number changes; there are many, so the bootstrap
//! serves. [`grid_interval`] counts both.
//!
//! Nothing here panics or invents: what cannot be computed is `None`, values
//! that are not finite are left out and counted.

mod bootstrap;
mod comparison;
mod grid;
mod holm;
mod interval;
mod mcnemar;
mod random;
mod special;
mod summary;

pub use bootstrap::{Resampling, bca_interval, percentile_interval, quantile};
pub use comparison::{Comparison, Verdict, gap_sentence};
pub use grid::grid_interval;
pub use holm::holm;
pub use interval::{Interval, Method};
pub use mcnemar::McNemar;
pub use summary::Summary;
