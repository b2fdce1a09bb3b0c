//! Ready-made features: columns chosen, standardised and limited.

use serde::{Deserialize, Serialize};

use super::Moments;
use crate::error::DataError;

/// Columns whose standard deviation over the training rows is not above this carry nothing.
const CONSTANT: f64 = 1e-6;

/// Steps from a row of features to an array `[d]` or `[length, d]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorSteps {
    /// Steps in time; `None` for features without a time axis.
    pub length: Option<usize>,
    /// Columns of the raw features.
    pub width: usize,
    /// Whether a sample may have fewer steps.
    #[serde(default)]
    pub ragged: bool,
    /// The raw columns that are kept, ascending.
    pub columns: Vec<usize>,
    /// Subtracted from each kept column; empty = not standardised.
    pub mean: Vec<f32>,
    /// Divides each kept column; as long as `mean`.
    pub std: Vec<f32>,
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
        let (columns, mean, std) = ((0..width).collect(), Vec::new(), Vec::new());
        Self { length, width, ragged: false, columns, mean, std, limit }
    }

    /// `[d]` or `[length, d]` with `d` the number of kept columns.
    pub fn shape(&self) -> Vec<usize> {
        self.length.into_iter().chain([self.columns.len()]).collect()
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        let standardised = self.mean.len() == self.columns.len() && self.std.len() == self.columns.len();
        let plain = self.mean.is_empty() && self.std.is_empty();
        let kept = !self.columns.is_empty() && self.columns.iter().all(|&c| c < self.width);
        if !kept || !(standardised || plain) || self.length == Some(0) || self.std.iter().any(|&s| s <= 0.0) {
            return Err(DataError::config(
                "the saved preparation of features is damaged: its columns do not fit",
            ));
        }
        Ok(())
    }

    /// Chooses and fits columns on the training rows; returns how many were dropped.
    pub(crate) fn fit<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a [f32]>,
        rule: Columns,
    ) -> Result<usize, DataError> {
        let mut moments = vec![Moments::default(); self.width];
        for row in rows {
            for step in row.chunks_exact(self.width) {
                for (column, value) in moments.iter_mut().zip(step) {
                    column.add(std::slice::from_ref(value));
                }
            }
        }
        let fitted: Vec<(f64, f64)> = moments.iter().map(Moments::mean_std).collect();
        self.columns = (0..self.width).filter(|&c| !rule.drop_constant || fitted[c].1 > CONSTANT).collect();
        if self.columns.is_empty() {
            return Err(DataError::shape(format!(
                "all {} columns are constant over the training rows; remove this modality",
                self.width
            )));
        }
        if rule.standardise {
            self.mean = self.columns.iter().map(|&c| fitted[c].0 as f32).collect();
            let scale = |&c: &usize| if fitted[c].1 > CONSTANT { fitted[c].1 as f32 } else { 1.0 };
            self.std = self.columns.iter().map(scale).collect();
        }
        Ok(self.width - self.columns.len())
    }

    /// The kept columns of one row, shifted, scaled and limited.
    pub(crate) fn arrange(&self, row: &[f32]) -> Result<Vec<f32>, DataError> {
        let expected = self.length.unwrap_or(1) * self.width;
        let shorter = !row.is_empty() && row.len() <= expected && row.len().is_multiple_of(self.width);
        if row.len() != expected && !(self.ragged && shorter) {
            let up_to = if self.ragged { format!("steps of {}, up to ", self.width) } else { String::new() };
            return Err(DataError::shape(format!(
                "features have {} values, expected {up_to}{expected}",
                row.len()
            )));
        }
        if let Some(bad) = row.iter().position(|v| !v.is_finite()) {
            return Err(DataError::format(format!("feature {bad} is not a finite number")));
        }
        let mut out = Vec::with_capacity(self.length.unwrap_or(1) * self.columns.len());
        for step in row.chunks_exact(self.width) {
            for (at, &column) in self.columns.iter().enumerate() {
                let mut value = step[column];
                if let (Some(mean), Some(std)) = (self.mean.get(at), self.std.get(at)) {
                    value = (value - mean) / std;
                }
                out.push(self.limit.map_or(value, |limit| value.clamp(-limit, limit)));
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_columns_go_and_the_others_are_standardised_and_limited() {
        let mut steps = VectorSteps::plain(None, 3, Some(5.0));
        let rows: [&[f32]; 2] = [&[1.0, 7.0, 0.0], &[3.0, 7.0, 2.0]];
        let rule = Columns { drop_constant: true, standardise: true };
        assert_eq!(steps.fit(rows.into_iter(), rule).unwrap(), 1);
        assert_eq!((steps.shape(), &steps.columns[..]), (vec![2], &[0, 2][..]));
        assert_eq!(steps.arrange(&[3.0, 9.0, 100.0]).unwrap(), [1.0, 5.0]);
        assert!(steps.arrange(&[3.0, 9.0]).unwrap_err().to_string().contains("have 2 values, expected 3"));
        assert!(steps.arrange(&[3.0, 9.0, f32::NAN]).is_err());
    }

    #[test]
    fn sequences_share_statistics_over_time() {
        let mut steps = VectorSteps::plain(Some(2), 1, None);
        let rows: [&[f32]; 1] = [&[1.0, 3.0]];
        steps.fit(rows.into_iter(), Columns { drop_constant: true, standardise: true }).unwrap();
        assert_eq!((steps.shape(), steps.arrange(&[1.0, 5.0]).unwrap()), (vec![2, 1], vec![-1.0, 3.0]));
    }

    #[test]
    fn nothing_left_is_an_error() {
        let mut steps = VectorSteps::plain(None, 1, None);
        let rows: [&[f32]; 2] = [&[4.0], &[4.0]];
        let rule = Columns { drop_constant: true, standardise: true };
        assert!(
            steps.fit(rows.into_iter(), rule).unwrap_err().to_string().contains("all 1 columns are constant")
        );
    }
}
