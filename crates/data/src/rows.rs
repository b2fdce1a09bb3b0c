//! Rows of numbers, 32 bits each in memory or read from a file, without losing small differences
//! of large numbers.

use std::borrow::Cow;
use std::ops::Range;

use sha2::digest::Update;

use crate::decode::npy_file::NpyFile;
use crate::error::DataError;
use crate::hash::field;
use crate::moments::{Moments, ROUNDING};

/// A column whose mean is more than this many deviations from 0 is kept as
/// differences from its mean: 32 bits would round them by 1 in 10 000 or worse.
const FAR: f64 = 1e3;

/// Rows of equal columns, one step of time after another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    store: Store,
    /// What was taken from each column; empty = from none.
    origin: Vec<f64>,
}

/// Where numbers are kept.
#[derive(Clone, Debug, PartialEq)]
enum Store {
    Memory(Vec<f32>),
    /// In a file; what 32 bits cannot hold is `gap`.
    Disc {
        file: NpyFile,
        gap: f32,
    },
}

impl Default for Store {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl Rows {
    /// Rows that 32 bits hold as they are.
    pub fn plain(values: Vec<f32>) -> Self {
        Self { store: Store::Memory(values), origin: Vec::new() }
    }

    /// Rows of `origin.len()` columns, each with its origin taken off.
    pub(crate) fn new(values: impl Iterator<Item = f64>, origin: Vec<f64>) -> Self {
        let off = |(value, origin): (f64, &f64)| (value - origin) as f32;
        let values = values.zip(origin.iter().cycle()).map(off).collect();
        Self { store: Store::Memory(values), origin: told(origin) }
    }

    /// Rows of a file, as [`Rows::new`] of its numbers would have them.
    pub(crate) fn on_disc(file: NpyFile, origin: Vec<f64>, gap: f32) -> Self {
        Self { store: Store::Disc { file, gap }, origin: told(origin) }
    }

    /// What to take from a column before its numbers are rounded to 32 bits:
    /// its mean if that is far from 0 in proportion to the deviation, else 0.
    pub(crate) fn origin_of(column: &Moments) -> f64 {
        let (mean, std) = column.mean_std();
        let data = std > ROUNDING * f64::EPSILON * mean.abs();
        if data && mean.abs() > FAR * std { mean } else { 0.0 }
    }

    /// The numbers of a stretch that begins with a first column.
    ///
    /// # Errors
    /// If it ends beyond the rows, or their file cannot be read any more.
    pub(crate) fn get(&self, at: Range<usize>) -> Result<Vec<f64>, DataError> {
        let kept = self.kept(at)?;
        let values = kept.iter().map(|&v| f64::from(v));
        Ok(match self.origin.as_slice() {
            [] => values.collect(),
            origin => values.zip(origin.iter().cycle()).map(|(v, origin)| v + origin).collect(),
        })
    }

    /// The stretch as it is kept: differences from [`Rows::origin`].
    ///
    /// # Errors
    /// As [`Rows::get`].
    pub(crate) fn kept(&self, at: Range<usize>) -> Result<Cow<'_, [f32]>, DataError> {
        match &self.store {
            Store::Memory(values) => {
                let gone = || DataError::shape("lies beyond the end of its array");
                values.get(at).map(Cow::Borrowed).ok_or_else(gone)
            }
            Store::Disc { file, gap } => {
                let origin = self.origin.iter().copied().cycle().chain(std::iter::repeat(0.0));
                let off = |(value, origin): (f64, f64)| match (value - origin) as f32 {
                    kept if kept.is_finite() => kept,
                    _ => (f64::from(*gap) - origin) as f32,
                };
                Ok(file.read(at)?.into_iter().zip(origin).map(off).collect())
            }
        }
    }

    /// What was taken from a column.
    pub(crate) fn origin(&self, column: usize) -> f64 {
        self.origin.get(column).copied().unwrap_or(0.0)
    }

    /// Takes a stretch into a hash.
    ///
    /// # Errors
    /// As [`Rows::get`].
    pub(crate) fn hash(&self, at: Range<usize>, hasher: &mut impl Update) -> Result<(), DataError> {
        let kept = self.kept(at)?;
        field(hasher, &kept.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        if !self.origin.is_empty() {
            field(hasher, &self.origin.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
        }
        Ok(())
    }
}

/// The origins of columns; none if nothing is taken from any.
fn told(origin: Vec<f64>) -> Vec<f64> {
    if origin.iter().all(|&origin| origin == 0.0) { Vec::new() } else { origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|&v| moments.push(v));
        moments
    }

    #[test]
    fn small_differences_of_large_numbers_are_kept() {
        let time = [1.7e9, 1.7e9 + 10.0, 1.7e9 + 20.0];
        let origin = vec![Rows::origin_of(&moments(&time)), Rows::origin_of(&moments(&[1.0, 2.0, 3.0]))];
        assert!((origin[0] - 1.7e9).abs() < 11.0 && origin[1] == 0.0);
        let rows = Rows::new([time[0], 1.0, time[1], 2.0, time[2], 3.0].into_iter(), origin);
        assert_eq!(rows.get(2..4).unwrap(), [time[1], 2.0]);
        assert!(rows.get(6..8).is_err());
        assert_eq!(*rows.kept(0..2).unwrap(), [-10.0, 1.0]);
    }

    #[test]
    fn constants_and_numbers_near_zero_stay_as_they_are() {
        for column in [vec![7.0; 5], vec![0.0; 3], vec![1e-8, 3e-8], vec![40.0, 41.0], vec![0.1; 1000]] {
            assert_eq!(Rows::origin_of(&moments(&column)), 0.0, "{column:?}");
        }
        assert_eq!(Rows::new([0.1, 0.2].into_iter(), vec![0.0]), Rows::plain(vec![0.1, 0.2]));
    }
}
