//! Stopping without losing work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::{Code, Failure};
use crate::watch::screen;

/// Sets a flag on Ctrl-C, SIGTERM or SIGHUP; a second signal ends at once.
#[expect(clippy::print_stderr, reason = "an answer to a signal belongs on stderr")]
pub fn on_signal() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        // On the second screen nobody would read the answer.
        screen::leave();
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(Code::Interrupted as i32);
        }
        eprintln!("stopping after this step; once more ends at once");
    })
    .map_err(|e| Failure::new(Code::Bug, format!("cannot listen for signals: {e}")))?;
    Ok(stop)
}

/// Sets the flag when standard input closes, which happens however the process
/// that holds the other end dies.
pub fn on_closed_input(stop: &Arc<AtomicBool>) {
    let flag = Arc::clone(stop);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        flag.store(true, Ordering::Relaxed);
    });
}
