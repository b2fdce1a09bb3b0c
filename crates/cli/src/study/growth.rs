//! A study whose list of seeds became longer.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use counterpoint_report::record::Study;

use crate::folder;

/// The seeds that a list has beyond a known one; `None` if it does not begin with all of that.
pub fn added<'a>(seeds: &'a [u64], known: &[u64]) -> Option<&'a [u64]> {
    seeds.strip_prefix(known).filter(|more| !more.is_empty())
}

/// What is to be known of seeds that a study does not have yet; `None` if there are none.
///
/// Whoever adds seeds may have seen how the first ones came out: a study that is prolonged until it shows something
/// shows it too often.
pub fn note(seeds: &[u64], known: &Study, place: &Path) -> Option<String> {
    if known.seeds.is_empty() {
        return None;
    }
    let more = added(seeds, &known.seeds)?;
    let words: Vec<String> = more.iter().map(u64::to_string).collect();
    // Runs of other machines may have been evaluated without the record of the study knowing it.
    let seen = known.runs.iter().filter(|run| folder::looks(&place.join(&run.place)) > 0).count();
    let when = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let after = match seen {
        0 => "before any run was evaluated on the test split".to_owned(),
        1 => "after a first look: 1 run had been evaluated on the test split".to_owned(),
        _ => format!("after a first look: {seen} runs had been evaluated on the test split"),
    };
    let what = if more.len() == 1 { "seed" } else { "seeds" };
    Some(format!("{what} {} added on {} (UTC), {after}", words.join(", "), date(when)))
}

/// The day of a time in seconds since 1970, as `2026-01-31`.
fn date(unix_time: u64) -> String {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut month, mut day) = (1970, 1, unix_time / 86_400);
    loop {
        let days = match month {
            2 if leap(year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day < days {
            return format!("{year}-{month:02}-{:02}", day + 1);
        }
        day -= days;
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        // From `date -u -d 2024-02-29 +%s` and so on.
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_399, "2000-02-28"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(date(seconds), day);
        }
    }

    #[test]
    fn only_seeds_at_the_end_are_added() {
        assert_eq!(added(&[1, 2, 3], &[1, 2]), Some(&[3][..]));
        for seeds in [&[1, 2][..], &[1], &[2, 1, 3], &[3, 1, 2]] {
            assert_eq!(added(seeds, &[1, 2]), None, "{seeds:?}");
        }
    }
}
