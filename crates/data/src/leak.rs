//! What could carry knowledge from one part into another: groups and contents
//! that occur in two.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::dataset::Dataset;
use crate::error::DataError;

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

    /// Compares groups and contents of all samples.
    pub(crate) fn find(set: &Dataset) -> Result<Self, DataError> {
        let mut groups: BTreeMap<&str, BTreeMap<&'static str, usize>> = BTreeMap::new();
        for record in &set.records {
            if let Some(group) = &record.group {
                *groups.entry(group).or_default().entry(record.part.name()).or_default() += 1;
            }
        }
        let grouped = !groups.is_empty();
        let shared = groups.into_iter().filter(|(_, parts)| parts.len() > 1);
        let groups = shared.map(|(name, samples)| SharedGroup { name: name.to_owned(), samples }).collect();
        let (_, hashes) = set.digest()?;
        let mut duplicates = Vec::new();
        for (modality, preparation) in set.preparations.iter().enumerate() {
            let mut alike: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (number, record) in set.records.iter().enumerate() {
                // The label comes before the modalities.
                if let Some(hash) = hashes.of_sample(record.part.name(), &record.id, modality + 1) {
                    alike.entry(hash).or_default().push(number);
                }
            }
            let mut contents = Vec::new();
            for members in alike.into_values().filter(|members| members.len() > 1) {
                contents.extend(equal(set, modality, &members)?);
            }
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

/// Samples whose short hashes are equal, parted by their contents; those that
/// are like no other are left out.
fn equal(set: &Dataset, modality: usize, members: &[usize]) -> Result<Vec<Vec<usize>>, DataError> {
    let mut contents: BTreeMap<[u8; 32], Vec<usize>> = BTreeMap::new();
    for &number in members {
        if let Some(source) = &set.records[number].sources[modality] {
            let mut hasher = Sha256::new();
            source.hash(&mut hasher)?;
            contents.entry(hasher.finalize().into()).or_default().push(number);
        }
    }
    Ok(contents.into_values().filter(|members| members.len() > 1).collect())
}
