//! Softmax on the host, in `f64`.

/// Logarithms of softmax.
///
/// ```
/// use counterpoint::math::probability::log_softmax;
/// let p: Vec<f64> = log_softmax(&[-5.0, -1.0]).iter().map(|v| v.exp()).collect();
/// assert!((p[0] - 0.017986).abs() < 1e-6 && (p[1] - 0.982014).abs() < 1e-6);
/// ```
pub fn log_softmax(scores: &[f64]) -> Vec<f64> {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = top + scores.iter().map(|s| (s - top).exp()).sum::<f64>().ln();
    scores.iter().map(|s| s - log_sum).collect()
}

/// Mean of some numbers, 0 if there is none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
