//! The terminal's second screen: taken, drawn on, and always given back.

use std::io::{IsTerminal, Write, stderr};
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// Switches to the second screen and hides the cursor. `false` where stderr is
/// no terminal that can do that.
pub fn take() -> bool {
    let able = stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    if able {
        TAKEN.store(true, Ordering::SeqCst);
        write("\x1b[?1049h\x1b[?25l\x1b[2J");
    }
    able
}

/// Gives the screen back as it was; does nothing if it was not taken. Called
/// at the end of a run, and before a panic, an error or a signal speaks.
pub fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        write("\x1b[?25h\x1b[?1049l");
    }
}

/// Columns and lines.
pub fn size() -> (usize, usize) {
    let (lines, columns) = Term::stderr().size();
    (columns.into(), lines.into())
}

/// Columns for lines on stderr: those of the terminal; elsewhere those that
/// `COLUMNS` names, or no limit.
pub fn columns() -> usize {
    if stderr().is_terminal() {
        return size().0.max(20);
    }
    let named = std::env::var("COLUMNS").ok().and_then(|text| text.trim().parse::<usize>().ok());
    named.map_or(usize::MAX, |columns| columns.max(20))
}

/// Draws lines from the top, if the screen is ours.
pub fn draw(lines: &[String]) {
    if !TAKEN.load(Ordering::SeqCst) {
        return;
    }
    let mut frame = String::from("\x1b[H");
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            frame += "\r\n";
        }
        frame += line;
        // To the end of the line, where an older frame may have been longer.
        frame += "\x1b[0m\x1b[K";
    }
    frame += "\x1b[J";
    write(&frame);
}

fn write(text: &str) {
    let mut out = stderr().lock();
    // A terminal that is gone cannot be told.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
