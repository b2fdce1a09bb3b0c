//! How the other modalities scale a modality's error signal.
//!
//! ```text
//! s_{i,k} = exp( sum over j != m of (W_j,k - W_j,y_i) . z_j,i )      bias excluded
//! p_y     = pi_y / E_{k ~ pi}[ s_k ],   pi = softmax(W_m z_m + b)
//! ```
//!
//! The fused error at the true class, `1 - p_y`, is smaller than that of
//! modality `m` alone exactly if `E_pi[s] < 1`. Source: Wei et al., ICCV 2025,
//! Equations 3-5 and Figure 3a; `E_pi[s]` from
//! docs/methods.md, "The suppression argument", because "all s < 1" is
//! sufficient and not necessary. For additive heads only.

/// The factors `s_{i,k}`, row-major `[samples, classes]`; 1 at the true class.
///
/// `others` holds, for every other modality, its logits without bias, of the
/// same shape.
pub fn factors(others: &[&[f64]], targets: &[usize], classes: usize) -> Vec<f64> {
    let joint = |i: usize| others.iter().map(|logits| logits[i]).sum::<f64>();
    let row = |(i, &y): (usize, &usize)| {
        let truth = joint(i * classes + y);
        (0..classes).map(move |k| (joint(i * classes + k) - truth).exp()).collect::<Vec<_>>()
    };
    targets.iter().enumerate().flat_map(row).collect()
}

/// Summary of the factors of a split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// Mean over samples of the mean over wrong classes. Driven by outliers:
    /// look at the median too.
    pub mean: f64,
    /// Median over all samples and wrong classes.
    pub median: f64,
    /// Share of samples and wrong classes with a factor above 1.
    pub above_one: f64,
    /// Mean over samples of `E_{k ~ pi}[s_k]`, the true class included: below
    /// 1 the others take error signal away, above 1 they add some.
    pub effective: f64,
}

impl Suppression {
    /// Of a modality, whose own logits (with the whole bias) are `own`, by the
    /// bias-free logits of the `others`; all row-major `[samples, classes]`.
    ///
    /// ```
    /// use counterpoint::diagnose::Suppression;
    /// // Two classes, the truth is 0; the other modality prefers class 1 by ln 2.
    /// let s = Suppression::of(&[0.0, 0.0], &[&[0.0, 2.0_f64.ln()]], &[0]);
    /// assert!((s.mean - 2.0).abs() < 1e-12);
    /// assert!((s.effective - 1.5).abs() < 1e-12); // the fused error is larger, not smaller
    /// ```
    ///
    /// # Panics
    /// If there is no sample, fewer than two classes, or lengths differ.
    pub fn of(own: &[f64], others: &[&[f64]], targets: &[usize]) -> Self {
        let classes = own.len() / targets.len();
        assert!(classes >= 2 && own.len() == classes * targets.len(), "{} logits", own.len());
        assert!(others.iter().all(|logits| logits.len() == own.len()), "logits of different lengths");
        let s = factors(others, targets, classes);
        let mut wrong: Vec<f64> = Vec::with_capacity(s.len() - targets.len());
        let (mut mean, mut effective) = (0.0, 0.0);
        for ((factors, logits), &y) in s.chunks_exact(classes).zip(own.chunks_exact(classes)).zip(targets) {
            let before = wrong.len();
            wrong.extend(factors.iter().enumerate().filter(|(k, _)| *k != y).map(|(_, s)| s));
            mean += wrong[before..].iter().sum::<f64>() / (classes - 1) as f64;
            effective += softmax(logits).zip(factors).map(|(p, s)| p * s).sum::<f64>();
        }
        wrong.sort_by(f64::total_cmp);
        let above = wrong.iter().filter(|s| **s > 1.0).count();
        let count = targets.len() as f64;
        Self {
            mean: mean / count,
            median: f64::midpoint(wrong[(wrong.len() - 1) / 2], wrong[wrong.len() / 2]),
            above_one: above as f64 / wrong.len() as f64,
            effective: effective / count,
        }
    }
}

fn softmax(logits: &[f64]) -> impl Iterator<Item = f64> {
    let top = logits.iter().fold(f64::NEG_INFINITY, |top, v| top.max(*v));
    let sum: f64 = logits.iter().map(|v| (v - top).exp()).sum();
    logits.iter().map(move |v| (v - top).exp() / sum)
}
