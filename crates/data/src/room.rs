//! Whether the machine has the memory that a file would take.

use crate::error::DataError;

/// Refuses what does not fit into the memory that is free, before any is taken.
///
/// # Errors
/// Both figures; never where the system does not tell what is free.
pub fn require(bytes: u64) -> Result<(), DataError> {
    match free() {
        Some(free) if bytes > free => Err(DataError::format(format!(
            "needs {} of memory, {} are free; use a smaller file or a machine with more",
            gigabytes(bytes),
            gigabytes(free)
        ))),
        _ => Ok(()),
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Bytes that can be had without swapping, where Linux tells.
fn free() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_there_is_is_refused_with_both_figures() {
        assert!(require(1000).is_ok());
        if let Some(free) = free() {
            let message = require(free + (1 << 40)).unwrap_err().to_string();
            assert!(message.contains("GB of memory") && message.contains("are free"), "{message}");
        }
    }
}
