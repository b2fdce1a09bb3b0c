//! What a data set consists of, as a hash of the whole and of every part.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::contents::{Both, Contents};
use crate::dataset::Dataset;
use crate::error::DataError;
use crate::hash::field;
use crate::source::Source;

impl Dataset {
    /// SHA-256 over everything that decides what a model sees, except the
    /// preparation, and a short one of every part of it.
    pub fn digest(&self) -> Result<&(String, Contents), DataError> {
        if let Some(known) = self.digest.get() {
            return Ok(known);
        }
        let mut hasher = Sha256::new();
        field(&mut hasher, b"counterpoint-data 1");
        for name in self.classes.iter().chain(self.preparations.iter().map(|p| &p.modality)) {
            field(&mut hasher, name.as_bytes());
        }
        let mut contents = Contents::of(self.preparations.iter().map(|p| p.modality.as_str()));
        for (done, record) in self.records.iter().enumerate() {
            self.progress.tell("samples compared by content", done, self.records.len());
            field(&mut hasher, record.id.as_bytes());
            let mut label = Both::new(&mut hasher);
            field(&mut label, record.group.as_deref().unwrap_or_default().as_bytes());
            field(&mut label, record.part.name().as_bytes());
            record.truth.hash(&mut label)?;
            let mut parts =
                vec![(label.short(), record.truth.map().and_then(Source::path).map(Path::to_owned))];
            for source in &record.sources {
                match source {
                    Some(source) => {
                        let mut part = Both::new(&mut hasher);
                        source.hash(&mut part)?;
                        parts.push((part.short(), source.path().map(Path::to_owned)));
                    }
                    None => {
                        field(&mut hasher, b"absent");
                        parts.push((String::new(), None));
                    }
                }
            }
            contents.add(record.part.name(), &record.id, parts);
        }
        let text: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(self.digest.get_or_init(|| (text, contents)))
    }
}
