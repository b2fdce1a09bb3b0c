//! How much memory there is, so that what cannot fit is refused before it is taken.

use std::fs;

/// Bytes that may still be taken: what the system has left, or less where this
/// process is confined (control groups); `None` where the system does not tell.
pub fn free() -> Option<u64> {
    let table = fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let system = line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024;
    let number = |file: &str| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    // Version 2, then version 1; `max` in a file means unlimited.
    let confined = number("/sys/fs/cgroup/memory.max")
        .zip(number("/sys/fs/cgroup/memory.current"))
        .or_else(|| {
            number("/sys/fs/cgroup/memory/memory.limit_in_bytes")
                .zip(number("/sys/fs/cgroup/memory/memory.usage_in_bytes"))
        })
        .map(|(most, taken)| most.saturating_sub(taken));
    Some(confined.map_or(system, |confined| confined.min(system)))
}

/// A number of bytes for people.
///
/// ```
/// use counterpoint_batch::memory::shown;
/// assert_eq!(shown(40_300_000_000), "40 GB");
/// assert_eq!(shown(1_260_000_000), "1.3 GB");
/// assert_eq!(shown(20_000_000), "20 MB");
/// ```
pub fn shown(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b >= 1e16 => format!("{:.0e} GB", b / 1e9),
        b if b >= 1e10 => format!("{:.0} GB", b / 1e9),
        b if b >= 1e9 => format!("{:.1} GB", b / 1e9),
        b => format!("{:.0} MB", (b / 1e6).ceil()),
    }
}
