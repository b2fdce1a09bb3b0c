//! A modality memorises the train split, at the cost of the fused output.

use super::{Caution, validation_samples};
use crate::record::{Convention, Epoch, Metric, Start};
use crate::text::shorten;

/// A unimodal score is far better on the train than on the validation split,
/// while the fused output on validation has become worse than at its best.
///
/// Both are judged by the metric that selects epochs, where that is a share; of
/// other numbers nobody can say in general what is far.
///
/// A head that is fitted on train features trusts a modality that has memorised
/// them; this is how a method with unimodal losses can end below joint training.
/// The loss is measured between medians of three neighbouring epochs, so
/// that one lucky epoch is not a peak, and must exceed the standard error of a
/// share of the validation samples.
#[derive(Clone, Debug, PartialEq)]
pub struct ModalityMemorised {
    /// Name of the modality.
    pub modality: String,
    /// How the modality alone was read, such as `zero-fill`.
    pub convention: String,
    /// The metric that selects epochs.
    pub metric: Metric,
    /// Its value of the modality on the train split.
    pub train: f64,
    /// The same on the validation split.
    pub validation: f64,
    /// Best median of the fused validation score over a few epochs.
    pub peak: f64,
    /// The median of the last few.
    pub now: f64,
    /// The last epoch looked at.
    pub epoch: usize,
    /// Whether the model has no other modality.
    pub only: bool,
}

/// Epochs of which the median is taken; odd.
pub const WINDOW: usize = 3;
/// Train better than validation by this much is far.
const FAR: f64 = 0.2;

impl ModalityMemorised {
    /// Looks for it in the epochs so far; needs the modality's score on the train
    /// split, which strategies with unimodal losses record, or diagnostics do.
    pub fn find(start: &Start, epochs: &[Epoch], modality: &str) -> Option<Self> {
        let samples = validation_samples(start);
        let last = epochs.last()?;
        let metric = start.selecting();
        if samples == 0.0 || epochs.len() < 2 * WINDOW || !metric.percent {
            return None;
        }
        let (unimodal, name) = (&start.unimodal, metric.name.as_str());
        let seen = |e: &Epoch| unimodal.trained(&e.train, modality)?.get(name).copied();
        // Diagnostics show the modality alone to the fused head.
        let filled = unimodal.convention(&last.val, modality) == Convention::ZeroFill;
        let measured = last.diagnostics.get(modality).and_then(|m| m.get(&format!("train_{name}"))).copied();
        let train = measured.filter(|_| filled).or_else(|| seen(last))?;
        let validation = *unimodal.values(&last.val, modality)?.get(name)?;
        let fused: Vec<f64> =
            epochs.iter().map(|e| e.val.get("fused")?.get(name).copied()).collect::<Option<_>>()?;
        let median = |window: &[f64]| {
            let mut sorted = window.to_vec();
            sorted.sort_by(f64::total_cmp);
            sorted[WINDOW / 2]
        };
        let medians: Vec<f64> = fused.windows(WINDOW).map(median).collect();
        let peak = medians
            .iter()
            .copied()
            .filter(|m| !m.is_nan())
            .reduce(|best, new| if metric.beats(new, best) { new } else { best })?;
        let now = *medians.last()?;
        let error = (peak * (1.0 - peak) / samples).sqrt();
        let far =
            |better: f64, worse: f64, by: f64| metric.beats(better, worse) && (better - worse).abs() >= by;
        (far(train, validation, FAR) && (peak - now).abs() > error).then(|| Self {
            modality: modality.to_owned(),
            convention: unimodal.name(&last.val, modality).to_owned(),
            train,
            validation,
            peak,
            now,
            epoch: last.epoch,
            only: start.modalities.len() == 1,
            metric: metric.clone(),
        })
    }
}

impl Caution for ModalityMemorised {
    const KIND: &'static str = "modality_memorised";

    fn message(&self) -> String {
        format!(
            "{} alone ({}) has {} {} on the train and {} on the validation split, and on validation the fused output \
             is {} worse than at its best",
            shorten(&self.modality, 60),
            shorten(&self.convention, 30),
            self.metric.title(),
            self.metric.written(self.train),
            self.metric.written(self.validation),
            self.metric.gap((self.peak - self.now).abs())
        )
    }

    fn remedy(&self) -> String {
        let less = match self.only {
            true => "or regularise (augmentation, a larger `optimizer.weight_decay`)",
            false => "or give the unimodal losses less weight (a smaller `strategy.alpha`)",
        };
        format!("stop early (use checkpoint `best` or fewer epochs), {less}")
    }

    fn epoch(&self) -> Option<usize> {
        Some(self.epoch)
    }
}
