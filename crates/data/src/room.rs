//! Whether the machine has the memory that a file would take.

use counterpoint_batch::memory::{free, shown};

/// Refuses what does not fit into the memory that is free, before any is taken.
///
/// # Errors
/// Both figures; never where the system does not tell what is free.
pub fn require(bytes: u64) -> Result<(), String> {
    match free() {
        Some(free) if bytes > free => Err(format!(
            "needs {} of memory, {} are free; use a smaller file or a machine with more",
            shown(bytes),
            shown(free)
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_with_both_figures() {
        assert!(require(1000).is_ok());
        if let Some(free) = free() {
            let message = require(free + (1 << 40)).unwrap_err();
            assert!(message.contains("GB of memory") && message.contains("are free"), "{message}");
        }
    }
}
