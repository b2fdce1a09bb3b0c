//! Labels of ready-made features: classes, numbers, or sets of labels.

use counterpoint_batch::npy::{NpyArray, Values};

use super::FeaturesConfig;
use crate::decode::archive::Archive;
use crate::error::{DataError, ErrorKind};
use crate::set::labels::{Classes, TargetName};
use crate::truth::{Labelling, Truth};

/// The label of every row, before rows are chosen.
pub(super) enum Labels {
    Classes(Vec<String>),
    Values(Vec<f32>),
    Sets { width: usize, flags: Vec<bool> },
}

impl Labels {
    /// Reads the array.
    pub(super) fn read(config: &FeaturesConfig, archive: &mut Archive) -> Result<Self, DataError> {
        let array = archive.get(&config.label)?;
        let place = |e: DataError| e.at(format_args!("array `{}`", config.label));
        Self::of(&array, config.target).map_err(place)
    }

    fn of(array: &NpyArray, target: Option<TargetName>) -> Result<Self, DataError> {
        let shape = &array.shape;
        let looks = match shape[..] {
            [_, k] if k > 1 => TargetName::Labels,
            _ if array.names().is_some() => TargetName::Class,
            _ => TargetName::Value,
        };
        let expected = |what: &str| {
            Err(DataError::new(
                ErrorKind::Label,
                format!("has shape {shape:?}, expected {what}; `target` says what labels are"),
            ))
        };
        match (target.unwrap_or(looks), &shape[..]) {
            (TargetName::Class, [_]) => match array.names() {
                Some(names) => Ok(Self::Classes(names)),
                None => Err(DataError::format(
                    "holds fractions, expected whole numbers or texts; set `target` = \"value\" to predict numbers",
                )),
            },
            (TargetName::Value, [_] | [_, 1]) => match array.real() {
                Some(values) => Ok(Self::Values(values)),
                None => Err(DataError::format("holds texts, expected numbers")),
            },
            (TargetName::Labels, &[_, width]) => match &array.values {
                Values::Text(_) => Err(DataError::format("holds texts, expected 0 and 1")),
                _ => {
                    let values = array.real().unwrap_or_default();
                    match values.iter().position(|&v| v != 0.0 && v != 1.0) {
                        Some(at) => Err(DataError::new(
                            ErrorKind::Label,
                            format!(
                                "holds {} in row {}, column {}, expected 0 or 1",
                                values[at],
                                at / width,
                                at % width
                            ),
                        )),
                        None => Ok(Self::Sets { width, flags: values.iter().map(|&v| v == 1.0).collect() }),
                    }
                }
            },
            (TargetName::Class, _) => expected("one axis of classes"),
            (TargetName::Value, _) => expected("one axis of numbers"),
            (TargetName::Labels, _) => expected("[n, k] of 0 and 1"),
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Classes(all) => all.len(),
            Self::Values(all) => all.len(),
            Self::Sets { width, flags } => flags.len() / (*width).max(1),
        }
    }

    /// Names of classes or labels, their kind, and the truth about each row.
    pub(super) fn truths(
        self,
        given: Option<&[String]>,
        ids: &[String],
    ) -> Result<(Vec<String>, Labelling, Vec<Truth>), DataError> {
        match self {
            Self::Classes(labels) => {
                let classes = Classes::new(given, labels.iter().map(String::as_str))?;
                let of = |(label, id): (&String, &String)| classes.of(label, id).map(Truth::Class);
                let truths = labels.iter().zip(ids).map(of).collect::<Result<_, _>>()?;
                Ok((classes.names, Labelling::Classes, truths))
            }
            Self::Values(values) => match given {
                Some(_) => {
                    Err(DataError::config("`classes` is for classes and labels, but labels are numbers"))
                }
                None => Ok((Vec::new(), Labelling::Values, values.into_iter().map(Truth::Value).collect())),
            },
            Self::Sets { width, flags } => {
                let names =
                    given.map_or_else(|| (0..width).map(|k| k.to_string()).collect(), <[String]>::to_vec);
                let truths = flags.chunks_exact(width).map(|row| Truth::Labels(row.to_vec())).collect();
                if names.len() != width {
                    return Err(DataError::config(format!(
                        "`classes` names {} labels, the array of labels has {width} columns",
                        names.len()
                    )));
                }
                Ok((names, Labelling::Labels, truths))
            }
        }
    }
}
