//! Whether data are still those that a run was started with.

use std::path::Path;

use counterpoint_data::Change;
use serde::Serialize;

use super::Run;
use crate::exit::{Code, Failure};
use crate::folder;

/// Changed data that somebody took as they are, for the record of a look.
#[derive(Clone, Debug, Serialize)]
pub struct Acceptance {
    /// Why.
    pub reason: String,
    /// What changed, sample by sample.
    pub changes: Vec<String>,
    /// SHA-256 over the data as they are now.
    pub hash: String,
}

/// The data as they are, beside those that a run was started with.
enum Standing {
    /// Every file is the same.
    Same,
    /// Changed, and taken as they are at an earlier look.
    Accepted,
    /// Changed; sample by sample if that is known.
    Changed(Option<Vec<Change>>),
}

impl Run {
    fn standing(&self, place: &Path) -> Result<Standing, Failure> {
        let (_, known) = folder::read(place)?;
        let hash = self.splits.fingerprint()?;
        if hash == known.data_hash {
            return Ok(Standing::Same);
        }
        if folder::accepted(place)?.contains(&hash) {
            return Ok(Standing::Accepted);
        }
        let (before, now) = (folder::contents(place)?, self.splits.contents()?);
        Ok(Standing::Changed(before.map(|before| before.changes(now))))
    }

    /// Refuses to train on with other data than those that a run was started
    /// with. The test split may change: training does not read it.
    pub fn check_training_data(&self, place: &Path) -> Result<(), Failure> {
        match self.standing(place)? {
            Standing::Same => Ok(()),
            Standing::Changed(Some(changes))
                if !changes.is_empty() && changes.iter().all(|c| c.split.as_deref() == Some("test")) =>
            {
                Ok(())
            }
            // Accepted for a look, which says nothing about training.
            Standing::Accepted => {
                let before = folder::contents(place)?;
                let changes = before.map(|before| Ok::<_, Failure>(before.changes(self.splits.contents()?)));
                match changes.transpose()? {
                    Some(changes) if changes.iter().all(|c| c.split.as_deref() == Some("test")) => Ok(()),
                    changes => Err(changed(place, changes.as_deref())),
                }
            }
            Standing::Changed(changes) => Err(changed(place, changes.as_deref())),
        }
    }

    /// The run, ready to be scored on its data, and what the record of a look
    /// says of data that changed. Changed data need a reason, once; inputs are
    /// then prepared as they were for training.
    ///
    /// # Errors
    /// If the data changed and no reason is given, or they cannot be opened.
    pub fn accepting(
        self,
        place: &Path,
        reason: Option<&str>,
    ) -> Result<(Self, Option<Acceptance>), Failure> {
        if reason.is_some_and(|reason| reason.trim().is_empty()) {
            return Err(Failure::new(
                Code::Usage,
                "--accept-changed-data: expected a reason, which is recorded with the run",
            ));
        }
        let acceptance = match (self.standing(place)?, reason) {
            (Standing::Same, _) => return Ok((self.prepared_as_trained(place)?, None)),
            (Standing::Accepted, _) => None,
            (Standing::Changed(changes), None) => return Err(changed(place, changes.as_deref())),
            (Standing::Changed(changes), Some(reason)) => {
                let words = |changes: Vec<Change>| changes.iter().map(Change::to_string).collect();
                Some(Acceptance {
                    reason: reason.to_owned(),
                    changes: changes.map_or_else(|| vec![UNKNOWN.into()], words),
                    hash: self.splits.fingerprint()?,
                })
            }
        };
        Ok((self.prepared_as_trained(place)?, acceptance))
    }

    /// The run with its inputs prepared as when training began, even where
    /// defaults of this version or the data are others by now.
    ///
    /// # Errors
    /// If the data cannot be opened so.
    pub fn prepared_as_trained(self, place: &Path) -> Result<Self, Failure> {
        let (_, info) = folder::read(place)?;
        if self.splits.preparations == info.preparations {
            return Ok(self);
        }
        let splits = self.config.data.open_prepared(&self.base, &info.preparations)?;
        Ok(Self { splits, ..self })
    }
}

const UNKNOWN: &str = "the files are not known, because an older version started the run";

fn changed(place: &Path, changes: Option<&[Change]>) -> Failure {
    let place = place.display();
    let what = changes.map_or(UNKNOWN.into(), shown);
    Failure::new(
        Code::Data,
        format!(
            "the data changed since {place} was started: {what}; restore them, or start a new run. If the change is \
             intended (for example a repaired file), `counterpoint evaluate {place} --accept-changed-data \
             \"REASON\"` evaluates the run on them and records the reason"
        ),
    )
}

/// The first few changes and how many there are.
fn shown(changes: &[Change]) -> String {
    const SHOWN: usize = 3;
    let first = changes.iter().take(SHOWN).map(Change::to_string).collect::<Vec<_>>().join("; ");
    match changes.len().saturating_sub(SHOWN) {
        _ if changes.is_empty() => "the order of the samples, or the names of classes or groups".into(),
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}
