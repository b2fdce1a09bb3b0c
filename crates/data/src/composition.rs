//! Which modalities samples lack, in words.

use crate::record::{Part, Record};

/// How many samples of each part are so: `3 of 12 train and 1 of 4 val`.
pub fn by_part(records: &[Record], is: impl Fn(&Record) -> bool) -> String {
    let of = |part: Part| {
        let all = || records.iter().filter(|record| record.part == part);
        let some = all().filter(|record| is(record)).count();
        (some > 0).then(|| format!("{some} of {} {}", all().count(), part.name()))
    };
    let parts: Vec<String> = Part::ALL.into_iter().filter_map(of).collect();
    match parts.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        parts => parts.concat(),
    }
}

/// One line for each modality that some samples lack.
pub fn notes<'a>(
    modalities: impl Iterator<Item = &'a str>,
    records: &[Record],
) -> impl Iterator<Item = String> {
    modalities.enumerate().filter_map(|(modality, name)| {
        let of = by_part(records, |record| record.sources[modality].is_none());
        (!of.is_empty()).then(|| format!("modality `{name}`: absent from {of} samples"))
    })
}
