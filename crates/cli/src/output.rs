//! Everything that leaves the program on standard output and standard error.
//!
//! `println!` and `eprintln!` panic when the reader is gone or the disk is full,
//! and a panic hook that prints panics again. A training that took days must not
//! end because a log viewer did, so nothing here fails: a reader that has gone
//! has what it wanted, and any other fault of standard output is kept for the
//! exit code.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

use counterpoint_report::text::visible_lines;

/// The first fault of standard output other than a reader that has gone.
static FAULT: Mutex<Option<io::Error>> = Mutex::new(None);

/// Writes lines of results to standard output. Names in them come from files
/// and may hold anything; what steers a terminal is replaced.
pub fn result(text: impl Display) {
    note(line(&mut io::stdout().lock(), &visible_lines(&text.to_string())));
}

/// Writes a result for programs to standard output, as it is: JSON escapes what
/// steers a terminal.
pub fn json(value: &serde_json::Value) {
    note(line(&mut io::stdout().lock(), &value.to_string()));
}

/// Writes a line about the work to standard error. One that cannot be written
/// is lost: there is nobody to tell.
pub fn say(text: impl Display) {
    let _ = line(&mut io::stderr().lock(), &visible_lines(&text.to_string()));
}

/// Takes note of how writing results went.
pub fn note(written: io::Result<()>) {
    match written {
        Err(fault) if fault.kind() != ErrorKind::BrokenPipe => {
            let mut first = FAULT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            first.get_or_insert(fault);
        }
        _ => {}
    }
}

/// Why standard output lacks results that were meant for it.
pub fn fault() -> Option<io::Error> {
    FAULT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
}

/// In one piece, so that lines of several threads do not mix, and flushed, so
/// that a fault shows here and not at the end.
fn line(out: &mut impl Write, text: &str) -> io::Result<()> {
    let text = format!("{text}\n");
    out.write_all(text.as_bytes())?;
    out.flush()
}
