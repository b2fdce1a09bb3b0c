//! What a data set has to say: its samples, their parts, and how to prepare them.

use std::collections::{BTreeSet, HashSet};

use counterpoint_batch::{check_class, check_name};

use crate::composition;
use crate::error::{DataError, ErrorKind};
use crate::media::Want;
use crate::prepare::Draft;
use crate::record::{Part, Record};
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// A data set that is read but not yet checked and fitted.
#[derive(Debug)]
pub struct Plan {
    /// Names of classes or labels; none for numbers.
    pub classes: Vec<String>,
    /// The kind of truth that all records have.
    pub labelling: Labelling,
    /// How each modality is prepared, in order.
    pub drafts: Vec<Draft>,
    /// The samples, in order.
    pub records: Vec<Record>,
    /// Things that users should know, such as values that were replaced.
    pub notes: Vec<String>,
}

impl Plan {
    /// What each modality wants of a film.
    pub(crate) fn wants(&self) -> impl Iterator<Item = Option<Want>> {
        self.drafts.iter().map(|draft| draft.preparation.steps.want())
    }

    /// Keeps the chosen modalities, in their order, of a set that gave all of its own: a set may read
    /// only what was chosen, but need not. Names with `*` are patterns, which a set resolves itself.
    ///
    /// # Errors
    /// If one was chosen that the set does not have.
    pub(crate) fn choose(&mut self, chosen: Option<&[String]>) -> Result<(), DataError> {
        let Some(names) = chosen.filter(|names| !names.iter().any(|name| name.contains('*'))) else {
            return Ok(());
        };
        let place = |name: &String| {
            let found = self.drafts.iter().position(|draft| draft.preparation.modality == *name);
            found.ok_or_else(|| {
                let available: Vec<&str> =
                    self.drafts.iter().map(|draft| draft.preparation.modality.as_str()).collect();
                DataError::config(format!(
                    "`modalities` names `{name}`, this data set has: {}",
                    available.join(", ")
                ))
            })
        };
        let places = names.iter().map(place).collect::<Result<Vec<_>, _>>()?;
        self.drafts = places.iter().map(|&place| self.drafts[place].clone()).collect();
        for record in &mut self.records {
            record.sources = places.iter().map(|&place| record.sources[place].clone()).collect();
        }
        Ok(())
    }

    /// Finds files whose names their list spells in another way.
    pub(crate) fn respell(&mut self) {
        for record in &mut self.records {
            if let Truth::Map(source) = &mut record.truth {
                source.respell();
            }
            record.sources.iter_mut().flatten().for_each(Source::respell);
        }
    }

    /// Refuses duplicate names, empty parts, files that are not there and
    /// classes that training never shows; leaves out samples that have nothing of
    /// what was `chosen`, and notes what users should know of the rest.
    pub(crate) fn settle(&mut self, chosen: bool) -> Result<(), DataError> {
        self.check_names()?;
        let mut seen = HashSet::new();
        if let Some(twice) = self.records.iter().find(|record| !seen.insert(record.id.as_str())) {
            return split(format!("two samples have the id `{}`; ids must be unique", twice.id));
        }
        if let Some(part) = self.empty_part() {
            return split(format!("the {} split is empty; give it at least one sample", part.name()));
        }
        self.check_labels()?;
        for (modality, draft) in self.drafts.iter().enumerate() {
            let has = |record: &Record| record.part == Part::Train && record.sources[modality].is_some();
            if !self.records.iter().any(has) {
                return split(format!(
                    "no sample of the train split has modality `{}`; leave it out",
                    draft.preparation.modality
                ));
            }
        }
        self.leave_out(chosen)?;
        let names = self.drafts.iter().map(|draft| draft.preparation.modality.as_str());
        self.notes.extend(composition::notes(names, &self.records));
        self.check_files()
    }

    /// The first part without a sample.
    fn empty_part(&self) -> Option<Part> {
        Part::ALL.into_iter().find(|part| self.records.iter().all(|record| record.part != *part))
    }

    /// Leaves out samples that have none of the modalities in use. Where none
    /// were chosen, a sample without any is a mistake in the list.
    fn leave_out(&mut self, chosen: bool) -> Result<(), DataError> {
        let nothing = |record: &Record| record.sources.iter().all(Option::is_none);
        let Some(first) = self.records.iter().find(|record| nothing(record)) else { return Ok(()) };
        if !chosen {
            return split(format!("sample `{}` has no modality; remove it", first.id));
        }
        let names: Vec<&str> = self.drafts.iter().map(|d| d.preparation.modality.as_str()).collect();
        let (names, all) = (names.join(", "), self.records.len());
        let of = composition::by_part(&self.records, nothing);
        self.records.retain(|record| !nothing(record));
        if let Some(part) = self.empty_part() {
            return split(format!(
                "no sample of the {} split has one of the modalities in use ({names})",
                part.name()
            ));
        }
        let gone = all - self.records.len();
        self.notes.push(format!(
            "{gone} of {all} samples have none of the modalities in use ({names}) and are left \
                                 out: {of}"
        ));
        Ok(())
    }

    /// Refuses names of modalities that stand for something else in records, and
    /// names of classes that cannot be shown.
    fn check_names(&self) -> Result<(), DataError> {
        let modalities = self.drafts.iter().map(|draft| {
            let name = &draft.preparation.modality;
            ("modality", name, check_name(name))
        });
        let classes = self.classes.iter().map(|name| ("class", name, check_class(name)));
        match modalities.chain(classes).find_map(|(what, name, checked)| Some((what, name, checked.err()?))) {
            Some((what, name, why)) => {
                Err(DataError::config(format!("{what} `{}`: {why}", name.escape_debug())))
            }
            None => Ok(()),
        }
    }

    /// Refuses labels without meaning: of no class, of a class that training
    /// never shows, numbers that are none.
    fn check_labels(&self) -> Result<(), DataError> {
        let label = |message: String| Err(DataError::new(ErrorKind::Label, message));
        let least = match self.labelling {
            Labelling::Classes | Labelling::Maps(_) => 2,
            Labelling::Labels => 1,
            Labelling::Values => 0,
        };
        if self.classes.len() < least {
            return label(format!("there must be at least {least} classes, got {:?}", self.classes));
        }
        for Record { id, truth, .. } in &self.records {
            let fault = match truth {
                Truth::Class(class) => {
                    (*class >= self.classes.len()).then(|| "has a label without a class".into())
                }
                Truth::Value(value) => {
                    (!value.is_finite()).then(|| format!("has the label {value}, expected a finite number"))
                }
                Truth::Labels(flags) => (flags.len() != self.classes.len())
                    .then(|| format!("has {} labels, expected {}", flags.len(), self.classes.len())),
                Truth::Map(_) => None,
            };
            if let Some(fault) = fault {
                return label(format!("sample `{id}` {fault}"));
            }
        }
        if !matches!(self.labelling, Labelling::Classes) {
            return Ok(());
        }
        let train = self.records.iter().filter(|record| record.part == Part::Train);
        let trained: BTreeSet<usize> = train.filter_map(|record| record.truth.class()).collect();
        match (0..self.classes.len()).find(|class| !trained.contains(class)) {
            Some(unseen) => label(format!(
                "class `{}` has no sample in the train split; add one or leave the class out",
                self.classes[unseen]
            )),
            None => Ok(()),
        }
    }

    fn check_files(&self) -> Result<(), DataError> {
        let gone: Vec<_> = self
            .records
            .iter()
            .flat_map(|record| {
                let map = match &record.truth {
                    Truth::Map(source) => Some(source),
                    _ => None,
                };
                record.sources.iter().flatten().chain(map).map(move |source| (record, source))
            })
            .filter_map(|(record, source)| {
                source.path().filter(|path| !path.exists()).map(|path| (record, path))
            })
            .collect();
        match gone.as_slice() {
            [] => Ok(()),
            [(record, path), rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                Err(DataError::missing(format!(
                    "`{}` of sample `{}` does not exist{more}; check `root` and the list of files",
                    path.display(),
                    record.id
                )))
            }
        }
    }
}

fn split<T>(message: String) -> Result<T, DataError> {
    Err(DataError::new(ErrorKind::Split, message))
}
