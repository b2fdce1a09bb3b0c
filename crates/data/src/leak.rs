//! What could carry knowledge from one part into another: groups and contents
//! that occur in two.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use sha2::{Digest, Sha256};

use crate::check::in_parallel;
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::record::Record;

/// Groups and contents that several samples share. Labels are not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaks {
    /// Whether the samples have groups; without, nothing is known of speakers or sessions.
    pub grouped: bool,
    /// Groups with samples in more than one part.
    pub groups: Vec<SharedGroup>,
    /// Contents that more than one sample has, in the order of the modalities.
    pub duplicates: Vec<Duplicate>,
}

/// A group with samples in more than one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedGroup {
    /// Its name.
    pub name: String,
    /// Samples in each part that has some: `train`, `val`, `test`.
    pub samples: BTreeMap<&'static str, usize>,
}

/// One content that more than one sample has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The modality.
    pub modality: String,
    /// Part and name of each sample, in the order of the set.
    pub samples: Vec<(&'static str, String)>,
}

impl Duplicate {
    /// The parts it occurs in.
    pub fn parts(&self) -> BTreeSet<&'static str> {
        self.samples.iter().map(|(part, _)| *part).collect()
    }
}

impl Leaks {
    /// Whether something is in two parts. Equal contents inside one part leak nothing.
    pub fn cross(&self) -> bool {
        !self.groups.is_empty() || self.duplicates.iter().any(|d| d.parts().len() > 1)
    }

    /// Compares groups and contents of all samples: files as they are stored,
    /// or what they decode to, on this many threads.
    pub(crate) fn find(set: &Dataset, decoding: Option<usize>) -> Result<Self, DataError> {
        let (grouped, groups) = groups(&set.records);
        let mut duplicates = Vec::new();
        for (modality, preparation) in set.preparations.iter().enumerate() {
            let mut contents = match decoding {
                Some(threads) => decoded(set, modality, threads)?,
                None => stored(set, modality)?,
            };
            contents.retain(|members| {
                let source =
                    members.first().and_then(|&number| set.records[number].sources[modality].as_ref());
                source.is_some_and(|source| preparation.steps.telling(source))
            });
            contents.sort_unstable();
            let name = |&number: &usize| {
                let record = &set.records[number];
                (record.part.name(), record.id.clone())
            };
            duplicates.extend(contents.iter().map(|members| Duplicate {
                modality: preparation.modality.clone(),
                samples: members.iter().map(name).collect(),
            }));
        }
        Ok(Self { grouped, groups, duplicates })
    }
}

/// Whether samples have groups, and those that are in more than one part.
pub(crate) fn groups(records: &[Record]) -> (bool, Vec<SharedGroup>) {
    let mut groups: BTreeMap<&str, BTreeMap<&'static str, usize>> = BTreeMap::new();
    for record in records {
        if let Some(group) = &record.group {
            *groups.entry(group).or_default().entry(record.part.name()).or_default() += 1;
        }
    }
    let grouped = !groups.is_empty();
    let shared = groups.into_iter().filter(|(_, parts)| parts.len() > 1);
    (grouped, shared.map(|(name, samples)| SharedGroup { name: name.to_owned(), samples }).collect())
}

/// Samples whose files are equal, by the short hashes that are known first.
fn stored(set: &Dataset, modality: usize) -> Result<Vec<Vec<usize>>, DataError> {
    let (_, hashes) = set.digest()?;
    let mut alike: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, record) in set.records.iter().enumerate() {
        // The label comes before the modalities.
        if let Some(hash) = hashes.of_sample(record.part.name(), &record.id, modality + 1) {
            alike.entry(hash).or_default().push(number);
        }
    }
    let mut contents = Vec::new();
    for members in alike.into_values().filter(|members| members.len() > 1) {
        let hash = |&number: &usize| {
            let source = set.records[number].sources[modality].as_ref();
            source.map(|source| hashed(|hasher| source.hash(hasher)).map(|hash| (number, hash))).transpose()
        };
        let hashes = members.iter().filter_map(|number| hash(number).transpose());
        contents.extend(equal(hashes.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(contents)
}

/// Samples whose files decode to the same.
fn decoded(set: &Dataset, modality: usize, threads: usize) -> Result<Vec<Vec<usize>>, DataError> {
    let found: Vec<OnceLock<[u8; 32]>> = set.records.iter().map(|_| OnceLock::new()).collect();
    let sources = set.records.iter().enumerate();
    let items: Vec<_> =
        sources.filter_map(|(number, r)| Some((number, r.sources[modality].as_ref()?))).collect();
    let want = set.preparations[modality].steps.want();
    let done = AtomicUsize::new(0);
    let broken = in_parallel(&items, threads, &|(number, source)| {
        set.progress.tell("samples decoded and compared", done.fetch_add(1, Relaxed), items.len());
        let extract = set.extract(&set.records[*number], source, want)?;
        let hash = hashed(|hasher| source.hash_decoded(extract.as_ref(), hasher))?;
        found[*number].get_or_init(|| hash);
        Ok(())
    });
    if let Some((at, error)) = broken.into_iter().min_by_key(|(at, _)| *at) {
        let record = &set.records[items[at].0];
        return Err(error.at(format_args!("sample `{}` ({} split)", record.id, record.part.name())));
    }
    Ok(equal(found.iter().enumerate().filter_map(|(number, hash)| Some((number, *hash.get()?)))))
}

fn hashed(of: impl FnOnce(&mut Sha256) -> Result<(), DataError>) -> Result<[u8; 32], DataError> {
    let mut hasher = Sha256::new();
    of(&mut hasher)?;
    Ok(hasher.finalize().into())
}

/// Samples of equal hashes; those that are like no other are left out.
pub(crate) fn equal(samples: impl IntoIterator<Item = (usize, [u8; 32])>) -> Vec<Vec<usize>> {
    let mut contents: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for (number, hash) in samples {
        contents.entry(hash).or_default().push(number);
    }
    contents.into_values().filter(|members| members.len() > 1).collect()
}
