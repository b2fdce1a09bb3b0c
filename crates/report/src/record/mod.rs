//! What a run writes about itself while it trains: one JSON object per line of
//! `metrics.jsonl`.
//!
//! The format is append-only and forgiving in both directions. A reader skips
//! events it does not know (a newer version wrote them), fills fields it does
//! not find with nothing, and survives a last line that power loss cut in two.
//! A number that is not defined, such as the correlation with constant targets,
//! is `null`; an infinite one is written as `"inf"` or `"-inf"`, because JSON has
//! no such number and a diverged loss is exactly what a reader needs to see.

mod appender;
mod aside;
mod confusion;
pub(crate) mod earlier;
mod event;
mod log;
mod metric;
mod number;
mod study;
mod unimodal;
mod values;

pub use crate::text::PLAIN;
pub use appender::Appender;
pub use aside::ASIDE;
pub use confusion::Confusion;
pub use earlier::TEST_ACCESSES;
pub use event::{End, Epoch, Event, Readout, Start, Step, Test, Warning};
pub use log::{Damage, Log, RecordError};
pub use metric::{Better, Metric};
pub use study::{Choice, Kind, State, Study, StudyMethod, StudyRun};
pub use unimodal::{Convention, UnimodalReading, conventions};
pub use values::{Scores, Values};
