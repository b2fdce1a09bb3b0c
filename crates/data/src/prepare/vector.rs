//! Ready-made features: columns chosen, standardised and limited.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::NanPolicy;
use crate::error::DataError;
use crate::moments::{Moments, ROUNDING};
use crate::rows::Rows;

/// Steps from a row of features to an array `[d]` or `[length, d]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorSteps {
    /// Steps in time; `None` for features without a time axis.
    pub length: Option<usize>,
    /// Columns of the raw features.
    pub width: usize,
    /// Their names, where they are columns of a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Whether a sample may have fewer steps.
    #[serde(default)]
    pub ragged: bool,
    /// What training does with values that are NaN or infinite.
    #[serde(default)]
    pub nan: NanPolicy,
    /// The raw columns that are kept, ascending.
    pub columns: Vec<usize>,
    /// Subtracted from each kept column; empty = not standardised.
    pub mean: Vec<f64>,
    /// Divides each kept column; as long as `mean`.
    pub std: Vec<f64>,
    /// With [`NanPolicy::Mean`], the mean of each kept column, which takes the place of NaN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fill: Vec<f64>,
    /// Limit of the absolute value after that; `None` = none.
    pub limit: Option<f32>,
}

/// What is fitted on the training rows.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// Leave out constant columns.
    pub drop_constant: bool,
    /// Shift and scale each column to mean 0 and deviation 1.
    pub standardise: bool,
}

impl VectorSteps {
    /// All columns as they are.
    pub(crate) fn plain(length: Option<usize>, width: usize, limit: Option<f32>) -> Self {
        Self {
            length,
            width,
            names: Vec::new(),
            ragged: false,
            nan: NanPolicy::default(),
            columns: (0..width).collect(),
            mean: Vec::new(),
            std: Vec::new(),
            fill: Vec::new(),
            limit,
        }
    }

    /// `[d]` or `[length, d]` with `d` the number of kept columns.
    pub fn shape(&self) -> Vec<usize> {
        self.length.into_iter().chain([self.columns.len()]).collect()
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        let standardised = self.mean.len() == self.columns.len() && self.std.len() == self.columns.len();
        let plain = self.mean.is_empty() && self.std.is_empty();
        let kept = !self.columns.is_empty() && self.columns.iter().all(|&c| c < self.width);
        let filled = (self.nan == NanPolicy::Mean) == (self.fill.len() == self.columns.len());
        let named = self.names.is_empty() || self.names.len() == self.width;
        if !kept
            || !filled
            || !named
            || !(standardised || plain)
            || self.length == Some(0)
            || self.std.iter().any(|&s| s <= 0.0)
        {
            return Err(DataError::config(
                "the saved preparation of features is damaged: its columns do not fit",
            ));
        }
        Ok(())
    }

    /// Refuses an array of a file whose axes are not those of training. A
    /// leading axis of 1, a batch of one, is passed over.
    pub(crate) fn admit(&self, shape: &[usize]) -> Result<(), DataError> {
        let expected: Vec<usize> = self.length.into_iter().chain([self.width]).collect();
        let sample = match shape {
            [1, sample @ ..] if sample.len() == expected.len() => sample,
            sample => sample,
        };
        let shorter = self.ragged
            && matches!((sample, expected.as_slice()), (&[n, w], &[most, width]) if w == width && (1..=most).contains(&n));
        if sample == expected || shorter {
            return Ok(());
        }
        let up_to = if self.ragged { " (or fewer steps)" } else { "" };
        Err(DataError::shape(format!(
            "features have shape {shape:?}, expected {expected:?}{up_to} as in training{}",
            hint(sample, &expected)
        )))
    }

    /// Chooses and fits columns on the training rows; returns how many were dropped.
    ///
    /// A column is constant if it varies by no more than the rounding of its
    /// numbers, in proportion to their size; the unit does not matter.
    pub(crate) fn fit<'a>(
        &mut self,
        rows: impl Iterator<Item = (&'a Rows, Range<usize>)>,
        rule: Columns,
    ) -> Result<usize, DataError> {
        let mut kept = vec![Moments::default(); self.width];
        let mut rows = rows.peekable();
        let first = rows.peek().map(|(rows, _)| *rows);
        let origin: Vec<f64> = (0..self.width).map(|c| first.map_or(0.0, |rows| rows.origin(c))).collect();
        for (rows, at) in rows {
            for step in rows.kept(at)?.chunks_exact(self.width) {
                let known = kept.iter_mut().zip(step).filter(|(_, value)| !value.is_nan());
                known.for_each(|(moments, &value)| moments.push(f64::from(value)));
            }
        }
        // Without an origin numbers may come from 32 bits.
        let constant = |c: usize| match (origin[c], kept[c].mean_std()) {
            (0.0, _) => kept[c].constant(),
            (origin, (mean, std)) => std <= ROUNDING * f64::EPSILON * (origin + mean).abs(),
        };
        self.columns = (0..self.width).filter(|&c| !rule.drop_constant || !constant(c)).collect();
        if self.columns.is_empty() {
            return Err(DataError::shape(format!(
                "all {} columns are constant over the training rows; remove this modality",
                self.width
            )));
        }
        let means: Vec<f64> = self.columns.iter().map(|&c| origin[c] + kept[c].mean_std().0).collect();
        if self.nan == NanPolicy::Mean {
            self.fill.clone_from(&means);
        }
        if rule.standardise {
            self.mean = means;
            let scale = |&c: &usize| if constant(c) { 1.0 } else { kept[c].mean_std().1 };
            self.std = self.columns.iter().map(scale).collect();
        }
        Ok(self.width - self.columns.len())
    }

    /// The kept columns of one row, shifted, scaled and limited.
    pub(crate) fn arrange(&self, row: &[f64]) -> Result<Vec<f32>, DataError> {
        let expected = self.length.unwrap_or(1) * self.width;
        let shorter = !row.is_empty() && row.len() <= expected && row.len().is_multiple_of(self.width);
        if row.len() != expected && !(self.ragged && shorter) {
            let up_to = if self.ragged { format!("steps of {}, up to ", self.width) } else { String::new() };
            return Err(DataError::shape(format!(
                "features have {} values, expected {up_to}{expected}",
                row.len()
            )));
        }
        let gaps = self.nan == NanPolicy::Mean;
        if let Some(bad) = row.iter().position(|v| !(v.is_finite() || gaps && v.is_nan())) {
            return Err(DataError::format(format!("feature {bad} is not a finite number")));
        }
        let mut out = Vec::with_capacity(self.length.unwrap_or(1) * self.columns.len());
        for step in row.chunks_exact(self.width) {
            for (at, &column) in self.columns.iter().enumerate() {
                let mut value = step[column];
                if value.is_nan() {
                    value = self.fill.get(at).copied().unwrap_or(0.0);
                }
                if let (Some(mean), Some(std)) = (self.mean.get(at), self.std.get(at)) {
                    value = (value - mean) / std;
                }
                let value = value as f32;
                out.push(self.limit.map_or(value, |limit| value.clamp(-limit, limit)));
            }
        }
        Ok(out)
    }
}

/// What to do about a shape that does not fit, where that can be seen.
fn hint(found: &[usize], expected: &[usize]) -> &'static str {
    match (found, expected) {
        (&[a, b], &[length, width]) if a == width && b == length => {
            "; the axes are exchanged: transpose the array (steps in time first)"
        }
        (&[_, d], &[width]) if d == width => "; give one row of the array",
        (&[_, a, b], &[length, width]) if a == length && b == width => "; give one sample of the array",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_columns_go_and_the_others_are_standardised_and_limited() {
        let mut steps = VectorSteps::plain(None, 3, Some(5.0));
        let rows = [1.0, 7.0, 0.0, 3.0, 7.0, 2.0];
        assert_eq!(fit(&mut steps, &rows, vec![0.0; 3]).unwrap(), 1);
        assert_eq!((steps.shape(), &steps.columns[..]), (vec![2], &[0, 2][..]));
        assert_eq!(steps.arrange(&[3.0, 9.0, 100.0]).unwrap(), [1.0, 5.0]);
        assert!(steps.arrange(&[3.0, 9.0]).unwrap_err().to_string().contains("have 2 values, expected 3"));
        assert!(steps.arrange(&[3.0, 9.0, f64::NAN]).is_err());
    }

    #[test]
    fn sequences_share_statistics_over_time() {
        let mut steps = VectorSteps::plain(Some(2), 1, None);
        fit(&mut steps, &[1.0, 3.0], vec![0.0]).unwrap();
        assert_eq!((steps.shape(), steps.arrange(&[1.0, 5.0]).unwrap()), (vec![2, 1], vec![-1.0, 3.0]));
    }

    #[test]
    fn nothing_left_is_an_error() {
        let mut steps = VectorSteps::plain(None, 1, None);
        let message = fit(&mut steps, &[4.0, 4.0], vec![0.0]).unwrap_err().to_string();
        assert!(message.contains("all 1 columns are constant"), "{message}");
    }

    #[test]
    fn arrays_of_files_must_have_the_axes_of_training() {
        let mut steps = VectorSteps::plain(Some(4), 6, None);
        let fault =
            |steps: &VectorSteps, shape: &[usize]| steps.admit(shape).map_err(|e| e.to_string()).err();
        assert!(fault(&steps, &[4, 6]).is_none() && fault(&steps, &[1, 4, 6]).is_none());
        let transposed = fault(&steps, &[6, 4]).unwrap();
        assert!(transposed.contains("shape [6, 4], expected [4, 6]") && transposed.contains("transpose"));
        for shape in [&[24][..], &[6, 6], &[3, 6], &[2, 2, 6], &[2, 4, 6], &[]] {
            assert!(fault(&steps, shape).unwrap().contains(&format!("shape {shape:?}, expected [4, 6]")));
        }
        steps.ragged = true;
        assert!(fault(&steps, &[3, 6]).is_none() && fault(&steps, &[1, 6]).is_none());
        for shape in [&[6, 4][..], &[6, 2], &[5, 6], &[0, 6], &[8], &[24]] {
            assert!(fault(&steps, shape).unwrap().contains("or fewer steps"), "{shape:?}");
        }
        let flat = VectorSteps::plain(None, 3, None);
        assert!(fault(&flat, &[3]).is_none() && fault(&flat, &[1, 3]).is_none());
        assert!(fault(&flat, &[5, 3]).unwrap().contains("give one row"));
    }

    #[test]
    fn constants_are_judged_in_proportion_to_their_size() {
        for column in [[1e-8, 3e-8], [1.7e9, 1.7e9 + 10.0], [5.6e6, 5.6e6 + 0.1], [1.7e18, 1.7e18 + 1e9]] {
            let mut moments = Moments::default();
            column.iter().for_each(|&v| moments.push(v));
            let mut steps = VectorSteps::plain(None, 1, None);
            fit(&mut steps, &column, vec![Rows::origin_of(&moments)]).unwrap();
            for (value, expected) in column.into_iter().zip([-1.0, 1.0]) {
                let seen = steps.arrange(&[value]).unwrap()[0];
                assert!((seen - expected).abs() < 1e-6, "{value}: {seen}");
            }
        }
        // The noise of one rounding step of 32 bits is no data.
        let step = [f64::from(0.1_f32), f64::from(f32::from_bits(0.1_f32.to_bits() + 1))];
        assert!(fit(&mut VectorSteps::plain(None, 1, None), &step, vec![0.0]).is_err());
    }

    /// Fits on rows of as many columns as there are origins, one step each.
    fn fit(steps: &mut VectorSteps, values: &[f64], origin: Vec<f64>) -> Result<usize, DataError> {
        let stride = steps.length.unwrap_or(1) * steps.width;
        let rows = Rows::new(values.iter().copied(), origin);
        let rule = Columns { drop_constant: true, standardise: true };
        steps.fit((0..values.len() / stride).map(|r| (&rows, r * stride..(r + 1) * stride)), rule)
    }
}
