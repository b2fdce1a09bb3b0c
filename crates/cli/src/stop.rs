//! Stopping without losing work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::{Code, Failure};
use crate::output;
use crate::screen;

/// Whether there is work that a signal must not cut short.
static WORKING: AtomicBool = AtomicBool::new(false);

/// Sets a flag on Ctrl-C, SIGTERM or SIGHUP (a closed terminal).
///
/// Before [`from_here_on`] there is nothing to lose, and the first signal ends
/// the process; afterwards the second does. A signal that whoever started this
/// process told it to ignore (`nohup` does so with SIGHUP) stays ignored.
pub fn on_signal() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let ignored = ignored::which();
    ctrlc::set_handler(move || {
        // On the second screen nobody would read the answer.
        screen::leave();
        let again = flag.swap(true, Ordering::Relaxed);
        if !WORKING.load(Ordering::Relaxed) {
            output::say("interrupted before any training; nothing is lost");
            std::process::exit(Code::Interrupted as i32);
        }
        if again {
            std::process::exit(Code::Interrupted as i32);
        }
        output::say("stopping after this step; a second signal stops at once");
    })
    .map_err(|e| Failure::new(Code::Bug, format!("cannot listen for signals: {e}")))?;
    ignored::keep(&ignored);
    Ok(stop)
}

/// From here on a signal waits for the end of a step and its checkpoint.
pub fn from_here_on() {
    WORKING.store(true, Ordering::Relaxed);
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

/// Signals that are ignored already when the process starts.
#[cfg(unix)]
mod ignored {
    const STOPPING: [libc::c_int; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

    /// Which of those that stop are ignored.
    pub fn which() -> Vec<libc::c_int> {
        STOPPING.into_iter().filter(|&signal| is(signal)).collect()
    }

    #[expect(unsafe_code, reason = "there is no safe interface to sigaction")]
    fn is(signal: libc::c_int) -> bool {
        // SAFETY: a null action changes nothing; the old one is written to memory that is ours,
        // and all of its fields may be zero.
        unsafe {
            let mut now: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, std::ptr::null(), &raw mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
        }
    }

    /// Ignores them again.
    #[expect(unsafe_code, reason = "there is no safe interface to signal")]
    pub fn keep(signals: &[libc::c_int]) {
        for &signal in signals {
            // SAFETY: SIG_IGN runs no code of ours.
            unsafe { libc::signal(signal, libc::SIG_IGN) };
        }
    }
}

#[cfg(not(unix))]
mod ignored {
    pub fn which() {}
    pub fn keep(_: &()) {}
}
