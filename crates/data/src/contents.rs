//! What every sample consists of, so that two states of a data set can be
//! compared file by file.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use sha2::digest::Update;
use sha2::{Digest, Sha256};

/// The label of a sample among its parts.
pub(crate) const LABEL: &str = "label";

/// Short hashes of all parts of all samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// `label`, then the modalities.
    roles: Vec<String>,
    /// By split and id.
    samples: BTreeMap<(String, String), Vec<Part>>,
}

/// What is otherwise of one sample, or of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The sample's split; `None` if all samples changed.
    pub split: Option<String>,
    words: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// One part of a sample.
#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    /// The start of its SHA-256 in hexadecimal; empty if it is absent.
    content: String,
    /// Its file now; not stored.
    file: Option<PathBuf>,
}

impl Contents {
    /// No samples yet, of these modalities.
    pub(crate) fn of<'a>(modalities: impl Iterator<Item = &'a str>) -> Self {
        let roles = std::iter::once(LABEL).chain(modalities).map(str::to_owned).collect();
        Self { roles, samples: BTreeMap::new() }
    }

    /// Adds a sample with the hash and file of each part.
    pub(crate) fn add(&mut self, split: &str, id: &str, parts: Vec<(String, Option<PathBuf>)>) {
        let parts = parts.into_iter().map(|(content, file)| Part { content, file }).collect();
        self.samples.insert((split.to_owned(), id.to_owned()), parts);
    }

    /// The hash of one part of a sample: its label, then its modalities. `None`
    /// if it lacks that, or there is no such sample.
    pub(crate) fn of_sample(&self, split: &str, id: &str, role: usize) -> Option<&str> {
        let parts = self.samples.get(&(split.to_owned(), id.to_owned()))?;
        parts.get(role).map(|part| part.content.as_str()).filter(|content| !content.is_empty())
    }

    /// As JSON lines: the roles, then one line for each sample with its split,
    /// its id and a hash for each role.
    pub fn to_lines(&self) -> String {
        let mut text = serde_json::json!(self.roles).to_string() + "\n";
        for ((split, id), parts) in &self.samples {
            let line: Vec<&str> = [split.as_str(), id]
                .into_iter()
                .chain(parts.iter().map(|part| part.content.as_str()))
                .collect();
            let _ = writeln!(text, "{}", serde_json::json!(line));
        }
        text
    }

    /// Reads such lines; `None` if they are damaged.
    pub fn from_lines(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(serde_json::from_str::<Vec<String>>);
        let roles = lines.next()?.ok()?;
        let mut samples = BTreeMap::new();
        for line in lines {
            let mut line = line.ok()?.into_iter();
            let key = (line.next()?, line.next()?);
            let parts: Vec<Part> = line.map(|content| Part { content, file: None }).collect();
            if parts.len() != roles.len() {
                return None;
            }
            samples.insert(key, parts);
        }
        Some(Self { roles, samples })
    }

    /// What is otherwise now than it was, one sample in each entry.
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        if self.roles != now.roles {
            let list = |of: &Self| of.roles.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(", ");
            let words = format!("the modalities are {}, they were {}", list(now), list(self));
            return vec![Change { split: None, words }];
        }
        let mut changes = Vec::new();
        let mut push = |split: &String, words| changes.push(Change { split: Some(split.clone()), words });
        for (key @ (split, id), parts) in &now.samples {
            let Some(before) = self.samples.get(key) else {
                push(split, format!("`{id}` is new in the {split} split"));
                continue;
            };
            let changed: Vec<String> = (self.roles.iter().zip(parts).zip(before))
                .filter(|((_, part), before)| part.content != before.content)
                .map(|((role, part), before)| part.change(role, before))
                .collect();
            if !changed.is_empty() {
                push(split, format!("`{id}` of the {split} split: {}", changed.join(", ")));
            }
        }
        for (split, id) in self.samples.keys().filter(|key| !now.samples.contains_key(key)) {
            push(split, format!("`{id}` of the {split} split is gone"));
        }
        changes
    }
}

impl Part {
    fn change(&self, role: &str, before: &Self) -> String {
        match (&self.file, before.content.is_empty(), self.content.is_empty()) {
            (_, _, true) => format!("{role} is absent now"),
            (_, true, _) => format!("{role} was absent"),
            (Some(file), ..) => format!("{role} ({})", file.display()),
            (None, ..) => role.to_owned(),
        }
    }
}

/// Feeds the hash of a whole and that of a part of it.
pub(crate) struct Both<'a> {
    whole: &'a mut Sha256,
    part: Sha256,
}

impl<'a> Both<'a> {
    /// A new part of a whole.
    pub(crate) fn new(whole: &'a mut Sha256) -> Self {
        Self { whole, part: Sha256::new() }
    }

    /// The first 12 hexadecimal digits of the part's hash: enough to see a change.
    pub(crate) fn short(self) -> String {
        self.part.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Update for Both<'_> {
    fn update(&mut self, data: &[u8]) {
        Update::update(self.whole, data);
        Update::update(&mut self.part, data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(samples: &[(&str, &str, [&str; 2])]) -> Contents {
        let mut contents = Contents::of(["audio"].into_iter());
        for (split, id, parts) in samples {
            let part = |hash: &&str| ((*hash).to_owned(), Some(PathBuf::from(format!("{id}.wav"))));
            contents.add(split, id, parts.iter().map(part).collect());
        }
        contents
    }

    #[test]
    fn changes_name_sample_split_and_file() {
        let before = contents(&[
            ("train", "a", ["1", "2"]),
            ("test", "b", ["1", "3"]),
            ("test", "c", ["1", ""]),
            ("val", "d", ["1", "4"]),
        ]);
        let stored = Contents::from_lines(&before.to_lines()).unwrap();
        assert!(stored.changes(&before).is_empty());
        let now = contents(&[
            ("train", "a", ["1", "2"]),
            ("test", "b", ["1", "9"]),
            ("test", "c", ["1", "5"]),
            ("val", "e\t\"", ["1", "4"]),
        ]);
        let words = |changes: Vec<Change>| changes.iter().map(Change::to_string).collect::<Vec<_>>();
        assert_eq!(
            words(stored.changes(&now)),
            [
                "`b` of the test split: audio (b.wav)",
                "`c` of the test split: audio was absent",
                "`e\t\"` is new in the val split",
                "`d` of the val split is gone",
            ]
        );
        assert_eq!(Contents::from_lines(&now.to_lines()).unwrap().to_lines(), now.to_lines());
        assert_eq!(Contents::from_lines("[\"label\"]\n[\"train\",\"a\"]\n"), None);
        let fewer = Contents::of(std::iter::empty());
        assert_eq!(words(stored.changes(&fewer)), ["the modalities are , they were audio"]);
    }
}
