//! Small pictures as SVG: curves, dots or bars with intervals, matrices.
//!
//! A plot is plain data; [`Figure`] is the drawn result, as a file of its own or
//! for a page. Colours are CSS variables that follow the reader's light or dark
//! scheme; series differ in dash as well as in colour. Every figure has a title
//! and a description for people who do not see it, and none needs a script.

mod axis;
mod dots;
mod figure;
mod heat;
mod lines;
mod series;
mod style;
mod svg;

pub use axis::Axis;
pub use dots::{Dot, DotPlot, Mark};
pub use figure::Figure;
pub use heat::HeatMap;
pub use lines::LinePlot;
pub use series::Series;
pub(crate) use style::{COLOURS, COLOURS_DARK, RULES};
