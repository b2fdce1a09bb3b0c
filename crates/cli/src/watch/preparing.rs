//! How far a preparation is, and when it will be done.

use std::io::{IsTerminal, Write, stderr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::output;

/// Clips before the time that is left can be guessed.
const ENOUGH: usize = 3;

/// A line on standard error that moves on a terminal, and appears now and then elsewhere; silent if `quiet`.
pub fn progress(quiet: bool) -> Box<dyn Fn(usize, usize) + Sync> {
    if quiet {
        return Box::new(|_, _| {});
    }
    let terminal = stderr().is_terminal();
    let every = if terminal { Duration::from_millis(200) } else { Duration::from_secs(15) };
    let begun = Instant::now();
    let last = Mutex::new(begun);
    Box::new(move |done, total| {
        let Ok(mut last) = last.lock() else { return };
        if done == total {
            if terminal {
                let _ = write!(stderr(), "\r\x1b[K");
            }
            return;
        }
        if last.elapsed() < every {
            return;
        }
        *last = Instant::now();
        let seconds = begun.elapsed().as_secs_f64();
        let left = seconds / done as f64 * (total - done) as f64;
        let eta = if done < ENOUGH { String::new() } else { format!(", {} left", duration(left)) };
        let line = format!("prepared {done} of {total} clips, {:.1} a second{eta}", done as f64 / seconds);
        if terminal {
            let _ = write!(stderr(), "\r{line}\x1b[K");
        } else {
            output::say(line);
        }
    })
}

fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
