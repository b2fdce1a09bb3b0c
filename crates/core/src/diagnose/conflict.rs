//! Whether two losses agree on the features.

/// Mean over samples of the cosine between two gradients at the features, both
/// row-major `[samples, width]`. 1: the same way; below 0: against each other.
/// Samples where one of them is 0 have no direction and do not count; NaN if
/// none is left.
///
/// ```
/// use counterpoint::diagnose::mean_cosine;
/// // (1, 0) against (2, 0), and (0, 1) against (3, -3).
/// let cosine = mean_cosine(&[1.0, 0.0, 0.0, 1.0], &[2.0, 0.0, 3.0, -3.0], 2);
/// assert!((cosine - (1.0 - 0.5_f64.sqrt()) / 2.0).abs() < 1e-7);
/// assert!(mean_cosine(&[0.0, 0.0], &[1.0, 0.0], 2).is_nan());
/// ```
pub fn mean_cosine(a: &[f32], b: &[f32], width: usize) -> f64 {
    let cosines = a.chunks_exact(width).zip(b.chunks_exact(width)).filter_map(|(a, b)| {
        let dot =
            |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        let norms = (dot(a, a) * dot(b, b)).sqrt();
        (norms > 0.0).then(|| dot(a, b) / norms)
    });
    let (sum, count) = cosines.fold((0.0, 0.0), |(sum, count), cosine| (sum + cosine, count + 1.0));
    sum / count
}
