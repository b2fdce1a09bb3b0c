//! What the samples of a batch or a split ask to be predicted.

use crate::{ClassMap, ShapeError, Target};

/// The targets of several samples, all of one kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Targets {
    /// A class index per sample.
    Classes(Vec<usize>),
    /// A real number per sample.
    Values(Vec<f32>),
    /// Per sample for every label whether it applies.
    Labels {
        /// Labels of one sample.
        width: usize,
        /// Row-major `[samples, width]`.
        flags: Vec<bool>,
    },
    /// Per sample a class index for every pixel, [`ClassMap::VOID`] where none is known.
    Maps {
        /// Rows of one map.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// `[samples, height, width]`, row-major.
        pixels: Vec<u8>,
    },
}

impl Default for Targets {
    /// Of no sample; what is appended first says of which kind.
    fn default() -> Self {
        Self::Classes(Vec::new())
    }
}

impl Targets {
    /// Targets of the kind and size of one sample's, so far of no sample.
    fn like(target: &Target) -> Self {
        match target {
            Target::Class(_) => Self::Classes(Vec::new()),
            Target::Value(_) => Self::Values(Vec::new()),
            Target::Labels(flags) => Self::Labels { width: flags.len(), flags: Vec::new() },
            Target::Map(ClassMap { height, width, .. }) => {
                Self::Maps { height: *height, width: *width, pixels: Vec::new() }
            }
        }
    }

    /// Puts the targets of samples together.
    ///
    /// # Errors
    /// If there is none, or they differ in kind or size; the message names the sample.
    pub fn collate<'a>(samples: impl IntoIterator<Item = (&'a str, Target)>) -> Result<Self, ShapeError> {
        let mut all: Option<Self> = None;
        for (id, target) in samples {
            let all = all.get_or_insert_with(|| Self::like(&target));
            let fits = match (&mut *all, target) {
                (Self::Classes(all), Target::Class(class)) => {
                    all.push(class);
                    true
                }
                (Self::Values(all), Target::Value(value)) => {
                    all.push(value);
                    true
                }
                (Self::Labels { width, flags }, Target::Labels(more)) => {
                    flags.extend(&more);
                    *width == more.len()
                }
                (Self::Maps { height, width, pixels }, Target::Map(map)) => {
                    pixels.extend(&map.pixels);
                    [*height, *width] == [map.height, map.width] && map.pixels.len() == *height * *width
                }
                _ => false,
            };
            if !fits {
                return Err(ShapeError(format!(
                    "sample `{id}`: the target differs in kind or size from the others ({})",
                    all.describe()
                )));
            }
        }
        all.ok_or_else(|| ShapeError("a batch needs at least one sample".into()))
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(all) => all.len(),
            Self::Values(all) => all.len(),
            Self::Labels { width, flags } => flags.len() / (*width).max(1),
            Self::Maps { height, width, pixels } => pixels.len() / (height * width).max(1),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The kind and size in words, for messages: `class indices`, `maps of 120 x 160 classes`.
    pub fn describe(&self) -> String {
        match self {
            Self::Classes(_) => "class indices".into(),
            Self::Values(_) => "real numbers".into(),
            Self::Labels { width, .. } => format!("{width} labels per sample"),
            Self::Maps { height, width, .. } => format!("maps of {height} x {width} classes"),
        }
    }

    /// The class indices, if these are classes.
    pub fn classes(&self) -> Option<&[usize]> {
        match self {
            Self::Classes(classes) => Some(classes),
            _ => None,
        }
    }

    /// The targets of the given samples, in their order.
    ///
    /// # Panics
    /// If there is no such sample.
    #[must_use]
    pub fn pick(&self, samples: &[usize]) -> Self {
        if samples.len() == self.len() && samples.is_sorted() {
            return self.clone();
        }
        match self {
            Self::Classes(all) => Self::Classes(rows(all, 1, samples)),
            Self::Values(all) => Self::Values(rows(all, 1, samples)),
            Self::Labels { width, flags } => {
                Self::Labels { width: *width, flags: rows(flags, *width, samples) }
            }
            Self::Maps { height, width, pixels } => {
                Self::Maps { height: *height, width: *width, pixels: rows(pixels, height * width, samples) }
            }
        }
    }

    /// Adds the targets of further samples. Where there were none, the kind and
    /// size of `more` are taken over.
    ///
    /// # Panics
    /// If both hold samples and differ in kind or size, which one source never gives.
    pub fn append(&mut self, more: Self) {
        if more.is_empty() {
            return;
        }
        if self.is_empty() {
            *self = more;
            return;
        }
        match (self, more) {
            (Self::Classes(all), Self::Classes(more)) => all.extend(more),
            (Self::Values(all), Self::Values(more)) => all.extend(more),
            (Self::Labels { width, flags: all }, Self::Labels { width: same, flags: more })
                if *width == same =>
            {
                all.extend(more);
            }
            (Self::Maps { height, width, pixels: all }, Self::Maps { height: h, width: w, pixels: more })
                if [*height, *width] == [h, w] =>
            {
                all.extend(more);
            }
            (all, more) => panic!("targets of one split: {} and {}", all.describe(), more.describe()),
        }
    }
}

/// What a data set asks to be predicted, whatever the sample.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetSpec {
    /// One of this many classes.
    Classes {
        /// Number of classes.
        count: usize,
    },
    /// A real number.
    Values,
    /// Any of this many labels.
    Labels {
        /// Number of labels.
        count: usize,
    },
    /// A class for every pixel.
    Maps {
        /// Rows of a map.
        height: usize,
        /// Pixels in a row.
        width: usize,
        /// For each class its share of the pixels of those training maps that
        /// contain it; 0 if none does.
        frequency: Vec<f64>,
    },
}

impl TargetSpec {
    /// In words, for messages.
    pub fn describe(&self) -> String {
        match self {
            Self::Classes { count } => format!("one of {count} classes"),
            Self::Values => "real numbers".into(),
            Self::Labels { count } => format!("sets of {count} labels"),
            Self::Maps { height, width, frequency } => {
                format!("maps of {height} x {width} pixels in {} classes", frequency.len())
            }
        }
    }
}

fn rows<T: Copy>(all: &[T], width: usize, samples: &[usize]) -> Vec<T> {
    samples.iter().flat_map(|&i| &all[i * width..(i + 1) * width]).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pixels: [u8; 2]) -> Target {
        Target::Map(ClassMap { height: 1, width: 2, pixels: pixels.to_vec() })
    }

    #[test]
    fn every_kind_is_collated_picked_and_appended_by_sample() {
        let kinds = [
            [Target::Class(3), Target::Class(4), Target::Class(5)],
            [Target::Value(0.5), Target::Value(-1.0), Target::Value(2.0)],
            [true, false, true].map(|flag| Target::Labels(vec![flag, true])),
            [map([1, 2]), map([255, 4]), map([5, 6])],
        ];
        for kind in kinds {
            let collate =
                |of: &[usize]| Targets::collate(of.iter().map(|&i| ("a", kind[i].clone()))).unwrap();
            let all = collate(&[0, 1, 2]);
            assert_eq!(all.len(), 3);
            assert_eq!(all.pick(&[2, 0]), collate(&[2, 0]));
            assert_eq!(all.pick(&[0, 1, 2]), all);
            assert_ne!(all.pick(&[1, 0, 2]), all);
            let mut grown = Targets::Classes(Vec::new());
            grown.append(all.pick(&[0]));
            grown.append(all.pick(&[1, 2]));
            assert_eq!(grown, all);
        }
    }

    #[test]
    fn another_kind_or_size_is_refused_by_name() {
        let clash = |a: Target, b: Target| Targets::collate([("a", a), ("b", b)]).unwrap_err().0;
        assert_eq!(
            clash(Target::Class(1), Target::Value(1.0)),
            "sample `b`: the target differs in kind or size from the others (class indices)"
        );
        let other = Target::Map(ClassMap { height: 2, width: 1, pixels: vec![0, 0] });
        assert!(clash(map([0, 0]), other).contains("maps of 1 x 2 classes"));
        assert!(clash(Target::Labels(vec![true]), Target::Labels(vec![])).contains("1 labels per sample"));
        assert!(Targets::collate([]).is_err());
    }
}
