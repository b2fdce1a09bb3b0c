//! Which class was predicted as which.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Classes of a file that is not damaged.
const MOST: usize = 1 << 24;

/// How often samples (or pixels) of each class were taken for each class.
///
/// Only pairs that occurred are kept, so that ten thousand classes cost no more
/// than their samples. In a file it is `{"classes": 3, "pairs": [[0, 2, 5]]}`:
/// 5 samples of class 0 were taken for class 2. The matrix
/// `[true class][predicted class]` of earlier versions reads the same.
///
/// ```
/// use counterpoint_report::record::Confusion;
/// let counts = Confusion::from(vec![vec![3, 1], vec![0, 4]]);
/// assert_eq!((counts.get(0, 1), counts.get(1, 0)), (1, 0));
/// assert_eq!(counts.recall(0), 0.75);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    pairs: BTreeMap<[usize; 2], u64>,
}

impl Confusion {
    /// Counts of `[true, predicted]` among this many classes.
    pub fn new(classes: usize, pairs: BTreeMap<[usize; 2], u64>) -> Self {
        Self { classes, pairs }
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The count of one pair.
    pub fn get(&self, truth: usize, predicted: usize) -> u64 {
        self.pairs.get(&[truth, predicted]).copied().unwrap_or(0)
    }

    /// The pairs that occurred, `[true, predicted]`, with their counts.
    pub fn pairs(&self) -> impl Iterator<Item = ([usize; 2], u64)> {
        self.pairs.iter().map(|(pair, count)| (*pair, *count))
    }

    /// Counts of a class by what it was taken for.
    pub fn row(&self, truth: usize) -> impl Iterator<Item = (usize, u64)> {
        self.pairs.range([truth, 0]..=[truth, usize::MAX]).map(|([_, predicted], count)| (*predicted, *count))
    }

    /// Samples of a class.
    pub fn total(&self, truth: usize) -> f64 {
        self.row(truth).map(|(_, count)| count as f64).sum()
    }

    /// Share of a class that was recognised; NaN without a sample of it.
    pub fn recall(&self, truth: usize) -> f64 {
        self.get(truth, truth) as f64 / self.total(truth)
    }

    /// Adds the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.classes = self.classes.max(other.classes);
        for (pair, count) in other.pairs() {
            let sum = self.pairs.entry(pair).or_default();
            *sum = sum.saturating_add(count);
        }
    }
}

/// From a matrix `[true][predicted]`; it is as wide as its longest side.
impl From<Vec<Vec<u64>>> for Confusion {
    fn from(matrix: Vec<Vec<u64>>) -> Self {
        let classes = matrix.iter().map(Vec::len).max().unwrap_or(0).max(matrix.len());
        let counted = matrix.iter().enumerate().flat_map(|(truth, row)| {
            row.iter().enumerate().map(move |(predicted, count)| ([truth, predicted], *count))
        });
        Self { classes, pairs: counted.filter(|(_, count)| *count > 0).collect() }
    }
}

#[derive(Serialize, Deserialize)]
struct Sparse {
    classes: usize,
    pairs: Vec<(usize, usize, u64)>,
}

impl Serialize for Confusion {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let pairs = self.pairs().map(|([truth, predicted], count)| (truth, predicted, count)).collect();
        Sparse { classes: self.classes, pairs }.serialize(out)
    }
}

impl<'de> Deserialize<'de> for Confusion {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Sparse(Sparse),
            Matrix(Vec<Vec<u64>>),
        }
        match Either::deserialize(input)? {
            Either::Matrix(matrix) => Ok(matrix.into()),
            Either::Sparse(Sparse { classes, pairs }) => {
                let outside = pairs.iter().any(|(truth, predicted, _)| *truth.max(predicted) >= classes);
                if outside || classes > MOST {
                    let limits = format!("pairs must lie below `classes`, and `classes` is at most {MOST}");
                    return Err(D::Error::custom(limits));
                }
                let pairs = pairs.into_iter().map(|(truth, predicted, count)| ([truth, predicted], count));
                Ok(Self { classes, pairs: pairs.collect() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_the_matrix_of_earlier_versions_read_the_same() {
        let matrix: Confusion = serde_json::from_str("[[3,1,0],[0,4]]").unwrap();
        let pairs: Confusion =
            serde_json::from_str(r#"{"classes":3,"pairs":[[0,0,3],[0,1,1],[1,1,4]]}"#).unwrap();
        assert_eq!(matrix, pairs);
        let text = serde_json::to_string(&matrix).unwrap();
        assert_eq!(text, r#"{"classes":3,"pairs":[[0,0,3],[0,1,1],[1,1,4]]}"#);
        assert!(matrix.recall(2).is_nan());
        for damaged in [r#"{"classes":2,"pairs":[[0,2,1]]}"#, r#"{"classes":1000000000000,"pairs":[]}"#] {
            assert!(serde_json::from_str::<Confusion>(damaged).is_err(), "{damaged}");
        }
        assert_eq!((matrix.total(0), matrix.recall(1)), (4.0, 1.0));
    }

    #[test]
    fn sums_are_as_wide_as_the_widest() {
        let mut sum = Confusion::default();
        sum.add(&vec![vec![u64::MAX]].into());
        sum.add(&vec![vec![1, 2], vec![0, 0], vec![0, 0]].into());
        assert_eq!((sum.classes(), sum.get(0, 0), sum.get(0, 1)), (3, u64::MAX, 2));
    }
}
