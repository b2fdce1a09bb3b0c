//! The pickles in use: a dictionary of `train`, `valid` and `test`, each one of arrays.

use std::cell::RefCell;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use counterpoint_batch::npy::{NpyArray, Values};
use counterpoint_data::set::Part;
use counterpoint_formats::pickle::{Pickle, PickleError, Ref};

use super::Found;
use super::padding::real;
use super::source::{Modality, Row, Source, Utterance};
use crate::content::look;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::problem::Finding;

/// Names of the splits in pickles.
const PARTS: [(&str, Part); 5] = [
    ("train", Part::Train),
    ("valid", Part::Val),
    ("val", Part::Val),
    ("dev", Part::Val),
    ("test", Part::Test),
];
const MODALITIES: [&str; 3] = ["text", "audio", "vision"];

/// Opens a pickle.
pub fn open(folder: &Folder, name: &Path) -> Result<Found, PrepareError> {
    let path = folder.root().join(name);
    look(&path)
        .map_err(|finding| PrepareError::data(format!("`{}`: {}", path.display(), finding.words())))?;
    let cannot =
        |cause: std::io::Error| PrepareError::data(format!("`{}` cannot be read: {cause}", path.display()));
    let mut file = File::open(&path).map_err(cannot)?;
    let pickle = Pickle::read(&mut file).map_err(|error| {
        let advice = match error {
            PickleError::Refused(_) => {
                "; only dictionaries, lists, texts, numbers and arrays of NumPy are read, nothing is executed"
            }
            PickleError::Damaged(_) => "; get the file again",
        };
        PrepareError::data(format!("`{}` is not used: {error}{advice}", path.display()))
    })?;
    let mut export = Export { path, file, pickle, parts: Vec::new(), modalities: Vec::new() };
    let mut found = Vec::new();
    for (key, part) in PARTS {
        let Some(at) = export.pickle.entry(export.pickle.root(), key) else { continue };
        let begin: usize = export.parts.iter().map(|part| part.count).sum();
        found.extend(export.part(key, part, at, begin, name)?);
    }
    if export.parts.is_empty() {
        return Err(PrepareError::data(format!(
            "`{}` is no export of CMU-MOSI: expected a dictionary with train, valid and test, found the keys {:?}",
            export.path.display(),
            export.pickle.keys(export.pickle.root())
        )));
    }
    export.modalities = export.find_modalities()?;
    let notes = if found.iter().any(|utterance: &Utterance| utterance.video.is_none()) {
        vec!["the export does not say which video an utterance is of: groups are not known".to_owned()]
    } else {
        Vec::new()
    };
    Ok(Found {
        utterances: found,
        problems: Vec::new(),
        notes,
        sources: vec![name.to_owned()],
        features: Box::new(export),
    })
}

struct Export {
    path: PathBuf,
    file: File,
    pickle: Pickle,
    parts: Vec<Piece>,
    modalities: Vec<Modality>,
}

/// The arrays of one split.
struct Piece {
    key: &'static str,
    count: usize,
    arrays: Vec<Option<Features>>,
    /// Real steps as the export gives them, for each modality.
    lengths: Vec<Option<Vec<i64>>>,
}

struct Features {
    at: Ref,
    /// Steps and width, or a width alone.
    steps: Option<usize>,
    width: usize,
    /// All of it, where it cannot be read row by row.
    whole: RefCell<Option<NpyArray>>,
}

impl Export {
    fn wrong(&self, key: &str, array: &str, what: impl std::fmt::Display) -> PrepareError {
        PrepareError::data(format!("`{}`: `{array}` of `{key}` {what}", self.path.display()))
    }

    /// The utterances of a split; their features are noted down.
    fn part(
        &mut self,
        key: &'static str,
        part: Part,
        at: Ref,
        begin: usize,
        file: &Path,
    ) -> Result<Vec<Utterance>, PrepareError> {
        let get = |this: &mut Self, name: &str| -> Result<Option<NpyArray>, PrepareError> {
            let Some(at) = this.pickle.entry(at, name) else { return Ok(None) };
            let values = this.pickle.values(&mut this.file, at);
            values.map(Some).map_err(|error| this.wrong(key, name, error))
        };
        let (name, labels) = match get(self, "regression_labels")? {
            Some(labels) => ("regression_labels", labels),
            None => match get(self, "labels")? {
                Some(labels) => ("labels", labels),
                None => {
                    let keys = self.pickle.keys(at).join(", ");
                    return Err(self.wrong(
                        key,
                        "regression_labels",
                        format!("is absent; there are: {keys}"),
                    ));
                }
            },
        };
        let count = labels.shape.first().copied().unwrap_or(0);
        let scores = labels.doubles().filter(|scores| scores.len() == count).ok_or_else(|| {
            let shape = &labels.shape;
            self.wrong(key, name, format!("has shape {shape:?}, expected one number per utterance"))
        })?;
        let ids = match get(self, "id")? {
            Some(ids) => Some(names(&ids, count).ok_or_else(|| {
                self.wrong(key, "id", format!("has shape {:?}, expected {count} names", ids.shape))
            })?),
            None => None,
        };
        let words = get(self, "raw_text")?.and_then(|words| match words.values {
            Values::Text(words) if words.len() == count => Some(words),
            _ => None,
        });
        let mut piece = Piece { key, count, arrays: Vec::new(), lengths: Vec::new() };
        for name in MODALITIES {
            let features = self.features(at, key, name, count)?;
            let given = match name {
                "text" => get(self, "text_bert")?.as_ref().and_then(|bert| mask(bert, count)),
                _ => match get(self, &format!("{name}_lengths"))?.map(|lengths| lengths.values) {
                    Some(Values::Whole(lengths)) => Some(lengths),
                    Some(Values::Double(lengths)) => Some(lengths.iter().map(|n| *n as i64).collect()),
                    _ => None,
                },
            };
            // BERT pads to its own length, which counts where the features have it as well.
            let given = given.filter(|given| given.len() == count);
            piece.lengths.push(given.filter(|_| features.as_ref().is_some_and(|f| f.steps.is_some())));
            piece.arrays.push(features);
        }
        self.parts.push(piece);
        let utterance = |row: usize| {
            let (id, video) = match &ids {
                Some(ids) => ids[row].clone(),
                None => (format!("{key}-{row:05}"), None),
            };
            let words = words.as_ref().map(|words| words[row].clone());
            Utterance {
                id,
                video,
                score: scores[row],
                part: Some(part),
                words,
                file: file.into(),
                number: begin + row,
            }
        };
        Ok((0..count).map(utterance).collect())
    }

    fn features(
        &mut self,
        part: Ref,
        key: &'static str,
        name: &str,
        count: usize,
    ) -> Result<Option<Features>, PrepareError> {
        let Some(at) = self.pickle.entry(part, name) else { return Ok(None) };
        let counterpoint_formats::pickle::Object::Array(array) = self.pickle.get(at) else {
            return Err(self.wrong(key, name, "is not an array of NumPy"));
        };
        let (steps, width) = match array.shape[..] {
            [rows, width] if rows == count && width > 0 => (None, width),
            [rows, steps, width] if rows == count && steps > 0 && width > 0 => (Some(steps), width),
            ref shape => {
                let what = format!(
                    "has shape {shape:?}, expected [{count}, steps, width] because there are {count} labels"
                );
                return Err(self.wrong(key, name, what));
            }
        };
        Ok(Some(Features { at, steps, width, whole: RefCell::new(None) }))
    }

    /// The modalities that every split has, in one width.
    fn find_modalities(&self) -> Result<Vec<Modality>, PrepareError> {
        let mut modalities = Vec::new();
        for (number, name) in MODALITIES.iter().enumerate() {
            let mut found: Option<Modality> = None;
            for part in &self.parts {
                let Some(features) = &part.arrays[number] else {
                    return Err(self.wrong(
                        part.key,
                        name,
                        "is absent; every split needs text, audio and vision",
                    ));
                };
                let here =
                    Modality { name: (*name).to_owned(), longest: features.steps, width: features.width };
                match &mut found {
                    Some(there)
                        if there.width != here.width || there.longest.is_some() != here.longest.is_some() =>
                    {
                        let what = format!("has {} numbers a step, {} elsewhere", here.width, there.width);
                        return Err(self.wrong(part.key, name, what));
                    }
                    Some(there) => there.longest = there.longest.max(here.longest),
                    None => found = Some(here),
                }
            }
            modalities.extend(found);
        }
        Ok(modalities)
    }

    /// All steps of a row, padding and all.
    fn padded(&mut self, piece: usize, modality: usize, row: usize) -> Result<Vec<f32>, PrepareError> {
        let Self { parts, pickle, file, .. } = self;
        let part = &parts[piece];
        let Some(features) = &part.arrays[modality] else { return Ok(Vec::new()) };
        let size = features.steps.unwrap_or(1) * features.width;
        let read = if pickle.by_rows(features.at) {
            pickle.rows(file, features.at, row..row + 1).map(|array| array.real())
        } else {
            let mut whole = features.whole.borrow_mut();
            if whole.is_none() {
                *whole = match pickle.values(file, features.at) {
                    Ok(array) => Some(array),
                    Err(error) => {
                        let key = part.key;
                        drop(whole);
                        return Err(self.wrong(key, MODALITIES[modality], error));
                    }
                };
            }
            Ok(whole.as_ref().and_then(|array| {
                (row * size..(row + 1) * size).map(|at| array.get(at).map(|value| value as f32)).collect()
            }))
        };
        let key = part.key;
        match read {
            Ok(Some(values)) => Ok(values),
            Ok(None) => Err(self.wrong(key, MODALITIES[modality], "holds texts, expected numbers")),
            Err(error) => Err(self.wrong(key, MODALITIES[modality], error)),
        }
    }
}

impl Source for Export {
    fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    fn row(&mut self, modality: usize, utterance: usize) -> Result<Row, PrepareError> {
        let (mut piece, mut row) = (0, utterance);
        while row >= self.parts[piece].count {
            row -= self.parts[piece].count;
            piece += 1;
        }
        let steps_of = |this: &Self, m: usize| this.parts[piece].arrays[m].as_ref().and_then(|f| f.steps);
        let width = self.modalities[modality].width;
        let values = self.padded(piece, modality, row)?;
        let Some(steps) = steps_of(self, modality) else { return Ok(Row { values, finding: None }) };
        // Of aligned modalities one may know the length for all.
        let aligned: Vec<usize> =
            (0..MODALITIES.len()).filter(|&m| steps_of(self, m) == Some(steps)).collect();
        let own = self.parts[piece].lengths[modality].as_ref();
        let given = own.or_else(|| aligned.iter().find_map(|&m| self.parts[piece].lengths[m].as_ref()));
        let name = || MODALITIES[modality].to_owned();
        let (range, finding) = match given.map(|lengths| lengths[row]) {
            Some(said) => match usize::try_from(said).ok().filter(|said| *said <= steps) {
                Some(length) => (0..length, None),
                None => (0..steps, Some(Finding::Length { modality: name(), said, held: steps })),
            },
            None => {
                let mut together = vec![(values.clone(), width)];
                for m in aligned.into_iter().filter(|&m| m != modality) {
                    together.push((self.padded(piece, m, row)?, self.modalities[m].width));
                }
                let views: Vec<(&[f32], usize)> = together.iter().map(|(v, w)| (v.as_slice(), *w)).collect();
                (real(&views, steps), None)
            }
        };
        let Range { start, end } = range;
        Ok(Row { values: values[start * width..end * width].to_vec(), finding })
    }
}

/// Steps by the mask in `text_bert`: `[n, 3, length]` of ids, mask and segments.
fn mask(bert: &NpyArray, count: usize) -> Option<Vec<i64>> {
    let &[rows, 3, length] = bert.shape.as_slice() else { return None };
    let of = |row: usize| {
        let real =
            (0..length).filter(|step| bert.get((row * 3 + 1) * length + step).is_some_and(|m| m > 0.0));
        real.count() as i64
    };
    (rows == count).then(|| (0..rows).map(of).collect())
}

/// The names of utterances and of their videos: `VIDEO$_$1`, `VIDEO[1]`, `VIDEO_1`, or columns of video, start and end.
fn names(ids: &NpyArray, count: usize) -> Option<Vec<(String, Option<String>)>> {
    let cells = ids.names()?;
    let columns = cells.len().checked_div(count)?;
    if columns == 0 || columns * count != cells.len() {
        return None;
    }
    let name = |cells: &[String]| match cells {
        [one] => (one.clone(), video(one)),
        [video, rest @ ..] => (format!("{video}[{}]", rest.join("-")), Some(video.clone())),
        [] => (String::new(), None),
    };
    Some(cells.chunks(columns).map(name).collect())
}

fn video(id: &str) -> Option<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let split = id
        .split_once("$_$")
        .or_else(|| id.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')))
        .or_else(|| id.rsplit_once('_'));
    split.filter(|(video, number)| !video.is_empty() && digits(number)).map(|(video, _)| video.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_read_off_the_names_in_use() {
        for (id, expected) in [
            ("03bSnISJMiM$_$1", Some("03bSnISJMiM")),
            ("-3g5yACwYnA[13]", Some("-3g5yACwYnA")),
            ("a_b_7", Some("a_b")),
            ("plain", None),
            ("$_$1", None),
        ] {
            assert_eq!(video(id).as_deref(), expected, "{id}");
        }
    }
}
