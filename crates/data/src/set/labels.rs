//! Class lists and their indices.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{DataError, ErrorKind};
use crate::truth::{Labelling, Truth};

/// What labels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TargetName {
    /// A class per sample: a whole number or a text.
    Class,
    /// A number per sample.
    Value,
    /// `[n, k]`: for each of k labels 1 if it applies, else 0.
    Labels,
}

/// Classes in order, and the index of a label among them.
#[derive(Clone, Debug)]
pub struct Classes {
    /// Their names, in order.
    pub names: Vec<String>,
    index: HashMap<String, usize>,
}

impl Classes {
    /// The given classes, or those that occur: by value if all are whole
    /// numbers, else by alphabet.
    ///
    /// # Errors
    /// If a class is given twice.
    pub fn new<'a>(
        given: Option<&[String]>,
        labels: impl Iterator<Item = &'a str>,
    ) -> Result<Self, DataError> {
        let names = given.map_or_else(
            || {
                let found: BTreeSet<&str> = labels.filter(|label| !label.is_empty()).collect();
                let mut names: Vec<String> = found.into_iter().map(str::to_owned).collect();
                if names.iter().all(|name| name.parse::<i64>().is_ok()) {
                    names.sort_by_key(|name| name.parse::<i64>().unwrap_or(0));
                }
                names
            },
            <[String]>::to_vec,
        );
        let mut index = HashMap::new();
        for (number, name) in names.iter().enumerate() {
            if index.insert(name.clone(), number).is_some() {
                return Err(DataError::config(format!("`classes` names `{name}` twice")));
            }
        }
        Ok(Self { names, index })
    }

    /// Index of a label, which `sample` has.
    ///
    /// # Errors
    /// If the label is not one of the classes.
    pub fn of(&self, label: &str, sample: &str) -> Result<usize, DataError> {
        self.index.get(label).copied().ok_or_else(|| {
            DataError::new(
                ErrorKind::Label,
                format!(
                    "label `{label}` of sample `{sample}` is not one of the {} classes ({}{})",
                    self.names.len(),
                    self.names.iter().take(12).cloned().collect::<Vec<_>>().join(", "),
                    if self.names.len() > 12 { ", ..." } else { "" }
                ),
            )
        })
    }
}

/// The label of a sample as its list has it.
pub(super) struct Label {
    /// Name of the sample.
    pub id: String,
    /// Where it stands, for messages.
    pub place: String,
    /// The label.
    pub text: String,
}

/// The truth about every sample of a list.
pub(super) struct Labelled {
    pub classes: Vec<String>,
    pub labelling: Labelling,
    pub truths: Vec<Truth>,
}

impl Labelled {
    /// What labels mean; the classes are those that are `given`, or that occur.
    ///
    /// # Errors
    /// If a label is not one of the given classes or no number.
    pub fn read(
        target: Option<TargetName>,
        given: Option<&[String]>,
        labels: &[Label],
    ) -> Result<Self, DataError> {
        let target = target.unwrap_or(TargetName::Class);
        if given.is_some() && target == TargetName::Value {
            return Err(DataError::config("`classes` is for classes and labels, but `target` is value"));
        }
        let occurring: Vec<&str> = match target {
            TargetName::Class => labels.iter().map(|label| label.text.as_str()).collect(),
            TargetName::Value => Vec::new(),
            TargetName::Labels => labels.iter().flat_map(|label| parts_of(&label.text)).collect(),
        };
        let classes = Classes::new(given, occurring.into_iter())?;
        let labelling = match target {
            TargetName::Class => Labelling::Classes,
            TargetName::Value => Labelling::Values,
            TargetName::Labels => Labelling::Labels,
        };
        let truth = |label: &Label| {
            let place = |e: DataError| e.at(&label.place);
            Ok(match target {
                TargetName::Class => Truth::Class(classes.of(&label.text, &label.id).map_err(place)?),
                TargetName::Value => Truth::Value(label.text.parse().map_err(|_| {
                    let message = format!("the label is `{}`, expected a number", label.text);
                    place(DataError::new(ErrorKind::Label, message))
                })?),
                TargetName::Labels => {
                    let mut flags = vec![false; classes.names.len()];
                    for text in parts_of(&label.text) {
                        flags[classes.of(text, &label.id).map_err(place)?] = true;
                    }
                    Truth::Labels(flags)
                }
            })
        };
        let truths = labels.iter().map(truth).collect::<Result<_, DataError>>()?;
        Ok(Self { classes: classes.names, labelling, truths })
    }
}

/// The labels of a cell.
fn parts_of(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|text| !text.is_empty())
}

/// Classes that are likely to be a slip of the list.
pub fn doubtful(names: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut before: BTreeMap<String, &str> = BTreeMap::new();
    for name in names {
        let plain = name.to_lowercase();
        if matches!(plain.as_str(), "nan" | "na" | "n/a" | "null") {
            notes.push(format!("`{name}` is a class, but looks like a missing label"));
        }
        if let Some(other) = before.insert(plain, name) {
            notes.push(format!("`{other}` and `{name}` are two classes that differ in capitals only"));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value_and_words_by_alphabet() {
        let names = |labels: &[&str]| Classes::new(None, labels.iter().copied()).unwrap().names;
        assert_eq!(names(&["10", "9", "-1", "9"]), ["-1", "9", "10"]);
        assert_eq!(names(&["b", "10", "", "9"]), ["10", "9", "b"]);
        assert!(Classes::new(Some(&["a".into(), "a".into()]), std::iter::empty()).is_err());
    }

    #[test]
    fn slips_are_noted() {
        let notes = |names: [&str; 3]| doubtful(&names.map(str::to_owned));
        assert!(notes(["sad", "happy", "angry"]).is_empty());
        let found = notes(["Happy", "NaN", "happy"]);
        assert!(
            found[0].contains("`NaN` is a class") && found[1].contains("`Happy` and `happy`"),
            "{found:?}"
        );
    }
}
