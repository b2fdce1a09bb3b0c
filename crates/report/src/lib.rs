//! Records, statistics, tables, plots and reports of training runs: plain data
//! in, text and pictures out.
//!
//! - [`record`]: the lines of a run's `metrics.jsonl`.
//! - [`statistics`]: means, intervals, tests, and whether a gap is noise.
//! - [`table`]: one table as text, Markdown, CSV, LaTeX and HTML.
//! - [`plot`]: curves, dots, bars and matrices as SVG.
//! - [`html`]: pages that open offline.
//! - [`report`]: the page about one or several runs.
//! - [`tensorboard`]: event files.
//! - [`warning`]: what in a run deserves a second look, with a remedy.
//! - [`predictions`]: scores, features and correctness of single samples.
//!
//! Nothing here knows tensors, models or a training loop, nothing prints, and
//! no name or number that a run folder holds can break the output.

pub mod html;
pub mod plot;
pub mod predictions;
pub mod record;
pub mod report;
pub mod statistics;
pub mod table;
pub mod tensorboard;
pub mod text;
pub mod warning;
