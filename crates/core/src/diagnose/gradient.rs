//! How much gradient an encoder receives, in four measures
//! (docs/methods.md, "Gradient at an encoder").

/// Mean magnitude of the entries of a tensor.
///
/// # Panics
/// If there are none.
pub fn mean_magnitude(tensor: &[f32]) -> f64 {
    assert!(!tensor.is_empty(), "a parameter has entries");
    tensor.iter().map(|g| f64::from(g.abs())).sum::<f64>() / tensor.len() as f64
}

/// The magnitude of one encoder's gradient in one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EncoderGradient {
    /// (i) What arrives at the optimizer, after the clip.
    pub applied: f64,
    /// (ii) The same over the strategy's factor: DGL's alpha makes (i) larger
    /// without a larger error as its cause.
    pub per_factor: f64,
    /// (iii) As (i), before the clip.
    pub before_clip: f64,
}

impl EncoderGradient {
    /// The measures of gradients after a clip by `clip` (1 if there was none),
    /// with the weight `factor` of the loss that trains the encoder. `applied` is the
    /// sum over its parameter tensors of the mean magnitude of their entries: the
    /// measure of the DGL paper's Figures 1c and 3b. A tensor counts as much as
    /// another whatever its size.
    ///
    /// ```
    /// use counterpoint::diagnose::{EncoderGradient, mean_magnitude};
    /// let (weight, bias) = ([0.5, -1.5], [0.25]);
    /// let seen = EncoderGradient::of(mean_magnitude(&weight) + mean_magnitude(&bias), 0.5, 4.0);
    /// assert_eq!(seen.applied, 1.25); // the mean of 0.5 and 1.5, plus 0.25
    /// assert_eq!((seen.per_factor, seen.before_clip), (0.3125, 2.5));
    /// ```
    pub fn of(applied: f64, clip: f64, factor: f64) -> Self {
        Self { applied, per_factor: applied / factor, before_clip: applied / clip }
    }
}

/// (iv) Mean over samples of `|| d l_i / d z_i ||`, where `l_i` is the sample's
/// own loss: the quantity that the theory of suppression is about.
///
/// `gradient` is that of the batch's mean loss, row-major `[samples, width]`,
/// so each term is `1 / samples` of its sample's own.
///
/// # Panics
/// If the length is not a multiple of `samples`.
pub fn mean_norm_at_features(gradient: &[f32], samples: usize) -> f64 {
    if samples == 0 {
        return 0.0;
    }
    assert_eq!(gradient.len() % samples, 0, "terms of {} values for {samples} samples", gradient.len());
    let norm = |term: &[f32]| term.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
    // samples * (1 / samples) * the sum of the terms' norms
    match gradient.len() / samples {
        0 => 0.0,
        width => gradient.chunks_exact(width).map(norm).sum(),
    }
}
