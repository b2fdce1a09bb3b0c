//! Mean and standard deviation, taken in value by value.

use counterpoint_kernels::{Loops, vectorised};

/// A deviation of up to this many rounding steps of the mean is rounding, not data.
pub const ROUNDING: f64 = 8.0;

/// Mean and standard deviation of what was taken in so far.
///
/// Squares are those of differences from the mean (Chan, Golub and LeVeque,
/// 1983), so that a small deviation beside a large mean is not lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Takes in all values.
    pub fn add(&mut self, values: &[f32]) {
        let count = values.len() as f64;
        let mean = vectorised(Sum { values, of: |v| v }) / count.max(1.0);
        let squares = vectorised(Sum { values, of: |v| (v - mean) * (v - mean) });
        self.merge(&Self { count, mean, squares });
    }

    /// Takes in one value.
    pub fn push(&mut self, value: f64) {
        self.merge(&Self { count: 1.0, mean: value, squares: 0.0 });
    }

    /// Takes in what another one has seen.
    pub fn merge(&mut self, other: &Self) {
        let count = self.count + other.count;
        if count > 0.0 {
            let apart = other.mean - self.mean;
            self.mean += apart * other.count / count;
            self.squares += other.squares + apart * apart * self.count * other.count / count;
            self.count = count;
        }
    }

    /// Mean and population standard deviation; (0, 0) of nothing.
    pub fn mean_std(&self) -> (f64, f64) {
        (self.mean, (self.squares / self.count.max(1.0)).sqrt())
    }

    /// Whether nothing was taken in.
    pub fn is_empty(&self) -> bool {
        self.count == 0.0
    }

    /// Whether all values are alike, up to the rounding of 32-bit numbers.
    pub fn constant(&self) -> bool {
        let (mean, std) = self.mean_std();
        std <= ROUNDING * f64::from(f32::EPSILON) * mean.abs()
    }

    /// Mean and deviation to shift and scale by; a constant input is only shifted.
    pub fn scale(&self) -> (f64, f64) {
        let (mean, std) = self.mean_std();
        (mean, if self.constant() { 1.0 } else { std })
    }
}

/// A sum over values in double precision: of every sixteenth from the first, the second, ... on, and of those.
struct Sum<'a, F> {
    values: &'a [f32],
    of: F,
}

impl<F: Fn(f64) -> f64> Loops for Sum<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let (rows, rest) = self.values.as_chunks::<16>();
        let mut lanes = [0.0; 16];
        for row in rows {
            for (lane, v) in lanes.iter_mut().zip(row) {
                *lane += (self.of)(f64::from(*v));
            }
        }
        lanes.into_iter().chain(rest.iter().map(|&v| (self.of)(f64::from(v)))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_population() {
        let mut half = Moments::default();
        half.add(&[1.0, 2.0]);
        let mut all = Moments::default();
        all.add(&[3.0, 4.0]);
        all.merge(&half);
        assert_eq!(all.mean_std(), (2.5, 1.25f64.sqrt()));
        assert_eq!(Moments::default().mean_std(), (0.0, 0.0));
        // More than are summed side by side: 0, 1, .., 99.
        let mut many = Moments::default();
        many.add(&std::array::from_fn::<f32, 100, _>(|i| i as f32));
        assert_eq!(many.mean_std(), (49.5, 833.25f64.sqrt()));
    }
}
