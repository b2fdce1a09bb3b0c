//! Whether the files of a data set can be used, before anybody relies on them.
//!
//! Every split is looked at, the sealed test split too: a check reads files and
//! tells whether they can be read. No label, score or prediction comes out of
//! it, so it is not a look at the test split.

mod header;
mod known;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contents::LABEL;
use crate::error::DataError;
use crate::library::Library;
use crate::media::Want;
use crate::prepare::Preparation;
use crate::progress::Progress;
use crate::record::Record;
use crate::source::Source;
use known::Known;

/// How closely the files of all splits are looked at before training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// Not at all: a damaged file is found when its sample is loaded.
    Off,
    /// Every file exists, and its parts are as long as its headers say.
    #[default]
    Quick,
    /// Every file is decoded, in parallel. A file that passed once is not
    /// decoded again while size and time, or else its content, stay the same.
    Full,
}

/// One file of one sample.
struct Item<'a> {
    record: &'a Record,
    /// `image`, or `label`.
    role: &'a str,
    source: &'a Source,
    /// What is wanted of it if it is a film.
    want: Option<Want>,
}

/// Checks the files of all records.
///
/// # Errors
/// If files cannot be used; the message names the first by sample, split and
/// modality, says what is wrong with it, and lists the others.
pub fn check(
    records: &[Record],
    preparations: &[Preparation],
    library: &Library,
    how: Check,
    threads: usize,
    progress: &Progress,
) -> Result<(), DataError> {
    if how == Check::Off {
        return Ok(());
    }
    let items: Vec<Item<'_>> = records.iter().flat_map(|record| items(record, preparations)).collect();
    let known = (how == Check::Full).then(Known::open);
    let done = AtomicUsize::new(0);
    let test = |item: &Item<'_>| -> Result<(), DataError> {
        progress.tell("files checked", done.fetch_add(1, Ordering::Relaxed), items.len());
        // What a film decodes to is kept, so that it costs nothing to find out whether it can be used.
        let wants = item.record.wants(preparations.iter().map(|of| of.steps.want()));
        if library.open(item.source, item.want, wants)?.is_some() {
            return Ok(());
        }
        match &known {
            None => item.source.files()?.iter().try_for_each(|file| header::check(file)),
            Some(known) => known.unless_known(item.source, || item.source.test()),
        }
    };
    let mut broken = in_parallel(&items, threads, &test);
    if let Some(known) = known {
        known.keep();
    }
    if broken.is_empty() {
        return Ok(());
    }
    broken.sort_by_key(|(index, _)| *index);
    let count = broken.len();
    let others: Vec<String> = broken.iter().skip(1).take(3).map(|(at, _)| place(&items[*at])).collect();
    let (first, error) = broken.swap_remove(0);
    let more = match count - 1 {
        0 => String::new(),
        n if n <= 3 => format!("; the same holds for {}", others.join(", ")),
        n => format!("; the same holds for {n} more files, as {}", others.join(", ")),
    };
    Err(error.at(place(&items[first])).and(&format!(
        "{more}. Repair or replace {}, or remove {} from the list; nothing was trained",
        if count == 1 { "it" } else { "them" },
        if count == 1 { "the sample" } else { "the samples" },
    )))
}

fn items<'a>(record: &'a Record, preparations: &'a [Preparation]) -> impl Iterator<Item = Item<'a>> {
    let item = move |role, source, want| Item { record, role, source, want };
    let label = record.truth.map().map(|source| item(LABEL, source, None));
    let input = move |(of, source): (&'a Preparation, &'a Option<Source>)| {
        Some(item(of.modality.as_str(), source.as_ref()?, of.steps.want()))
    };
    let inputs = preparations.iter().zip(&record.sources).filter_map(input);
    inputs.chain(label).filter(|item| item.source.place().is_some())
}

fn place(item: &Item<'_>) -> String {
    let Item { record, role, .. } = item;
    format!("{role} of sample `{}` ({} split)", record.id, record.part.name())
}

/// Tests all items on several threads; returns those that fail.
pub(crate) fn in_parallel<T: Sync>(
    items: &[T],
    threads: usize,
    test: &(impl Fn(&T) -> Result<(), DataError> + Sync),
) -> Vec<(usize, DataError)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut broken = Vec::new();
        while let Some((index, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
        {
            if let Err(error) = test(item) {
                broken.push((index, error));
            }
        }
        broken
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let mut broken = work();
        for other in others {
            // A panic in a decoder is a bug, and is told as one.
            broken.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        broken
    })
}

/// Size of a file, and its time in nanoseconds since 1970.
fn stamp(path: &Path) -> Result<(u64, u128), DataError> {
    let facts = std::fs::metadata(path).map_err(|cause| DataError::io(path, cause))?;
    let time = facts.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    Ok((facts.len(), time.map_or(0, |t| t.as_nanos())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_tested_once_whatever_the_threads() {
        let items: Vec<usize> = (0..100).collect();
        for threads in [0, 1, 3, 200] {
            let tested = AtomicUsize::new(0);
            let mut broken = in_parallel(&items, threads, &|item| {
                tested.fetch_add(1, Ordering::Relaxed);
                if item % 40 == 7 { Err(DataError::format("is odd")) } else { Ok(()) }
            });
            broken.sort_by_key(|(index, _)| *index);
            assert_eq!(tested.into_inner(), 100);
            assert_eq!(broken.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [7, 47, 87]);
        }
    }
}
