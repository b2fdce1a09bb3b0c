//! How far the reading of the data is, where it takes long enough to wonder.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use counterpoint_data::Progress;

use crate::output;

/// Below this nobody wonders.
const SOON: Duration = Duration::from_secs(2);

/// When a line was last shown.
struct Shown {
    begun: Instant,
    last: Option<Instant>,
}

/// A line on standard error that moves on a terminal, and appears now and
/// then elsewhere; silent if `quiet`.
pub fn progress(quiet: bool) -> Progress {
    if quiet {
        return Progress::default();
    }
    let terminal = stderr().is_terminal();
    let every = if terminal { Duration::from_millis(500) } else { Duration::from_secs(15) };
    let shown = Mutex::new(Shown { begun: Instant::now(), last: None });
    Progress::new(move |what, done, total| {
        let Ok(mut shown) = shown.lock() else { return };
        if done + 1 == total && terminal && shown.last.is_some() {
            shown.last = Some(Instant::now());
            let _ = write!(stderr(), "\r\x1b[K");
            return;
        }
        if shown.begun.elapsed() < SOON || shown.last.is_some_and(|last| last.elapsed() < every) {
            return;
        }
        shown.last = Some(Instant::now());
        let line = format!("reading data: {done} of {total} {what}");
        if terminal {
            // Over itself; the end of the count takes it away.
            let _ = write!(stderr(), "\r{line}\x1b[K");
        } else {
            output::say(line);
        }
    })
}
