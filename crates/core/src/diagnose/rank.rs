//! How many directions features use.

use crate::math::spectrum::singular_values;

/// Effective rank of features: the exponential of the entropy of the singular
/// values as shares of their sum. From 1 (all samples on one line through the
/// origin) to the smaller side of the matrix.
///
/// Features are taken as they are, not centred: after a ReLU their common
/// direction is part of what the head sees. Source: Roy and Vetterli,
/// EUSIPCO 2007, Definition 1.
///
/// ```
/// use counterpoint::diagnose::effective_rank;
/// assert!((effective_rank(&[1.0, 0.0, 0.0, 1.0], 2) - 2.0).abs() < 1e-9);
/// // A feature that is always there counts even if it says nothing.
/// assert!((effective_rank(&[5.0, 0.0, 5.0, 0.0], 2) - 1.0).abs() < 1e-9);
/// ```
///
/// NaN without features other than 0.
pub fn effective_rank(features: &[f32], width: usize) -> f64 {
    let matrix: Vec<f64> = features.iter().map(|&v| v.into()).collect();
    let values = singular_values(&matrix, width);
    let sum: f64 = values.iter().sum();
    if sum.is_nan() || sum <= 0.0 {
        return f64::NAN;
    }
    let shares = values.iter().map(|v| v / sum).filter(|&p| p > 0.0);
    (-shares.map(|p| p * p.ln()).sum::<f64>()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rank_of_unequal_directions_by_hand() {
        // Singular values 3 and 1: shares 0.75, 0.25; entropy 0.562335; exp 1.754765.
        let rank = effective_rank(&[3.0, 0.0, 0.0, 1.0], 2);
        assert!((rank - 1.754_765).abs() < 1e-6, "{rank}");
        assert!(effective_rank(&[0.0; 6], 3).is_nan());
        assert!(effective_rank(&[], 3).is_nan());
    }
}
