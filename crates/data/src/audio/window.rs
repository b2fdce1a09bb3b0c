//! Window functions, periodic as for spectral analysis.

use std::f64::consts::PI;

/// A window by its formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// [`hann`].
    Hann,
    /// [`tukey`] with flanks of an eighth each.
    Tukey,
}

impl Window {
    /// As many weights.
    pub fn weights(self, length: usize) -> Vec<f64> {
        match self {
            Self::Hann => hann(length),
            Self::Tukey => tukey(length, 0.25),
        }
    }
}

/// Hann window of `length`: 0.5 - 0.5 cos(2 pi i / length).
fn hann(length: usize) -> Vec<f64> {
    (0..length).map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / length as f64).cos()).collect()
}

/// Tukey window whose cosine flanks together take the share `taper` of the period.
fn tukey(length: usize, taper: f64) -> Vec<f64> {
    let flank = taper * length as f64 / 2.0;
    (0..length)
        .map(|i| {
            let from_edge = (i as f64).min(length as f64 - i as f64);
            if from_edge < flank { 0.5 - 0.5 * (PI * from_edge / flank).cos() } else { 1.0 }
        })
        .collect()
}

/// Kaiser window at `x` in -1..=1 with shape `beta`; zero outside.
pub fn kaiser(x: f64, beta: f64) -> f64 {
    if x.abs() > 1.0 { 0.0 } else { bessel_i0(beta * (1.0 - x * x).sqrt()) / bessel_i0(beta) }
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_their_known_values() {
        assert!(hann(4).iter().zip([0.0, 0.5, 1.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-15));
        let sum: f64 = hann(512).iter().sum();
        assert!((sum - 256.0).abs() < 1e-9);
        let tukey = tukey(512, 0.25); // flanks of 64 samples
        assert_eq!((tukey[0], tukey[64], tukey[256]), (0.0, 1.0, 1.0));
        assert!((tukey[32] - 0.5).abs() < 1e-12 && (tukey[480] - 0.5).abs() < 1e-12);
        assert!((bessel_i0(1.0) - 1.266_065_877_752_008_4).abs() < 1e-14);
        assert_eq!((kaiser(0.0, 9.0), kaiser(1.5, 9.0)), (1.0, 0.0));
    }
}
