//! Films, and recordings of any kind, through the system's `ffmpeg`.
//!
//! What [`probe`] finds in a file says which frames there are; [`take`] hands them over as JPEG or PNG files, and
//! the sound as a WAV file. Data sets that name films themselves keep both in their cache, and the crate
//! `counterpoint-prepare` writes them into a folder.

mod extract;
mod picture;
mod probe;
mod rule;
mod take;
mod tools;
mod wav;

pub(crate) use extract::{Extract, Want, content, extract, extract_both, foreign};
pub use probe::{Probe, Short, Track, probe};
pub use rule::{Encoding, FilmRule, Frames};
pub use take::{Taken, Wanted, still, take};
pub use tools::{Ended, Input, Tools};
