//! How many runs fit into memory side by side.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use counterpoint_batch::memory;
use counterpoint_report::record::Log;

/// A budget, and what runs of each kind were seen to need.
pub struct Memory {
    budget: Option<u64>,
    peaks: BTreeMap<String, u64>,
}

/// After so long a run has shown most of what it needs.
const SETTLED: Duration = Duration::from_secs(30);

impl Memory {
    /// The given budget in bytes, or four fifths of what the system has left;
    /// no limit where it does not tell.
    pub fn new(budget: Option<u64>) -> Self {
        let free = || Some(memory::free()? / 5 * 4);
        Self::of(budget.or_else(free))
    }

    /// The given budget in bytes, or no limit.
    pub fn of(budget: Option<u64>) -> Self {
        Self { budget, peaks: BTreeMap::new() }
    }

    /// Takes note of the peak that a finished run recorded.
    pub fn learn(&mut self, kind: &str, folder: &Path) {
        let log = Log::read(folder.join("metrics.jsonl")).ok();
        if let Some(peak) = log.and_then(|log| log.end()?.peak_bytes) {
            let known = self.peaks.entry(kind.to_owned()).or_default();
            *known = peak.max(*known);
        }
    }

    /// Whether one more run fits beside those that run, given as kind, process
    /// and start. The first of all runs is alone until it has shown its need;
    /// a kind that never ran is taken for the hungriest that did.
    pub fn allows(&self, kind: &str, running: &[(&str, u32, Instant)]) -> bool {
        let Some(budget) = self.budget else { return true };
        if running.is_empty() {
            return true; // one run has to be tried
        }
        let live = |pid: u32| kilobytes(&format!("/proc/{pid}/status"), "VmHWM:").unwrap_or(0) * 1024;
        let hungriest = self.peaks.values().copied().max();
        let settled =
            running.iter().filter(|(.., begun)| begun.elapsed() > SETTLED).map(|(_, pid, _)| live(*pid));
        let Some(guess) = hungriest.or(settled.max()) else { return false };
        let need = |kind: &str| self.peaks.get(kind).copied().unwrap_or(guess);
        let taken: u64 = running.iter().map(|(kind, pid, _)| need(kind).max(live(*pid))).sum();
        taken + need(kind) <= budget
    }
}

/// A number of kilobytes from one of the system's tables.
fn kilobytes(file: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find(|line| line.starts_with(field))?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_decides_how_many_run() {
        let mut memory = Memory::new(Some(1000));
        let now = Instant::now();
        // Process 0 does not exist, so only what is known counts.
        assert!(memory.allows("a", &[]), "one run has to be tried");
        assert!(!memory.allows("a", &[("a", 0, now)]), "the first shows its need alone");
        memory.peaks.insert("a".into(), 400);
        assert!(memory.allows("a", &[("a", 0, now)]));
        assert!(!memory.allows("a", &[("a", 0, now), ("a", 0, now)]), "1200 are too many");
        assert!(memory.allows("b", &[("a", 0, now)]), "an unknown kind is taken for the hungriest");
        memory.peaks.insert("b".into(), 700);
        assert!(!memory.allows("b", &[("a", 0, now)]));
        assert!(!memory.allows("c", &[("a", 0, now)]), "700 is the hungriest now");
    }
}
