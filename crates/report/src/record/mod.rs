//! What a run writes about itself while it trains: one JSON object per line of
//! `metrics.jsonl`.
//!
//! The format is append-only and forgiving in both directions. A reader skips
//! events it does not know (a newer version wrote them), fills fields it does
//! not find with nothing, and survives a last line that power loss cut in two.
//! A number that is not defined, such as the correlation with constant targets,
//! is `null`; an infinite one is written as `"inf"` or `"-inf"`, because JSON has
//! no such number and a diverged loss is exactly what a reader needs to see.

mod alone;
mod appender;
mod aside;
mod confusion;
mod event;
mod log;
mod metric;
mod number;
mod study;
mod values;

pub use alone::{Alone, Convention, conventions};
pub use appender::Appender;
pub use aside::ASIDE;
pub use confusion::Confusion;
pub use event::{End, Epoch, Event, Start, Step, Test, Warning};
pub use log::{Damage, Log, RecordError};
pub use metric::{Better, Metric};
pub use study::{Choice, Kind, State, Study, StudyMethod, StudyRun};
pub use values::{Scores, Values};
