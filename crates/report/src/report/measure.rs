//! Diagnostics whose meaning the report knows.
//!
//! The names are keys of [`Epoch::diagnostics`](crate::record::Epoch::diagnostics).
//! Any other name is drawn too, under that name on a plain axis.

use crate::record::Metric;

/// Mean over samples of the norm of d fused loss / d features of the modality.
pub const GRADIENT_FUSED: &str = "gradient_fused";
/// The same for the modality's own loss, at the same parameters.
pub const GRADIENT_UNIMODAL: &str = "gradient_unimodal";
/// The same for the mixture that trains the encoder.
pub const GRADIENT_TRAINED: &str = "gradient_trained";
/// Sum over the encoder's tensors of the mean absolute gradient, as the paper's
/// code logs it (after clipping, with the loss's weight).
pub const GRADIENT_TENSORS: &str = "gradient_tensors";
/// [`GRADIENT_TENSORS`] divided by the loss's weight.
pub const GRADIENT_TENSORS_UNWEIGHTED: &str = "gradient_tensors_unweighted";
/// [`GRADIENT_TENSORS`] before clipping.
pub const GRADIENT_TENSORS_UNCLIPPED: &str = "gradient_tensors_unclipped";
/// Suppression as the theory needs it: expectation under the modality's own prediction.
pub const SUPPRESSION_EFFECTIVE: &str = "suppression_effective";
/// Mean suppression over samples and wrong classes.
pub const SUPPRESSION_MEAN: &str = "suppression_mean";
/// Median suppression over samples and wrong classes.
pub const SUPPRESSION_MEDIAN: &str = "suppression_median";
/// Share of suppression factors above 1.
pub const SUPPRESSION_SHARE: &str = "suppression_share";
/// Cosine between the gradients of the fused and the modality's own loss at the features.
pub const COSINE: &str = "cosine";
/// Effective rank of the features.
pub const EFFECTIVE_RANK: &str = "effective_rank";
/// What of the score above a constant guess is owed to the modality.
pub const SHAPLEY: &str = "shapley";
/// Score on validation when the modality is absent.
pub const WITHOUT: &str = "without";
/// Title of a measure that is a value of the metric that selects epochs.
pub(super) fn score_title(name: &str, selects: &Metric) -> Option<String> {
    let title = selects.title();
    match name.strip_prefix("train_") {
        Some(metric) if metric == selects.name => {
            Some(format!("Train samples, the modality alone (zero-fill): {title}"))
        }
        _ if name == WITHOUT => Some(format!("Without the modality: {title}")),
        _ => noise(name).map(|what| format!("{what}: {title}")),
    }
}

/// What `noise_LEVEL` and `noise_unimodal_LEVEL` show, by their level.
fn noise(name: &str) -> Option<String> {
    let level = name.strip_prefix("noise_")?;
    let (level, whose) =
        level.strip_prefix("unimodal_").map_or((level, "fused"), |level| (level, "unimodal"));
    level.parse::<f64>().ok().map(|level| format!("Input noise of {level} standard deviations, {whose}"))
}

/// The measures that are drawn first: those that show suppression at work.
pub(super) const FIRST: [&str; 5] =
    [GRADIENT_FUSED, GRADIENT_UNIMODAL, GRADIENT_TENSORS, SUPPRESSION_EFFECTIVE, SUPPRESSION_MEDIAN];

/// How a measure is drawn.
pub(super) struct CurveStyle {
    pub name: &'static str,
    pub title: &'static str,
    pub axis: &'static str,
    pub log: bool,
    pub mark: Option<(&'static str, f64)>,
}

const fn manner(name: &'static str, title: &'static str, axis: &'static str, log: bool) -> CurveStyle {
    CurveStyle { name, title, axis, log, mark: None }
}

const fn marked(from: CurveStyle, label: &'static str, value: f64) -> CurveStyle {
    CurveStyle { mark: Some((label, value)), ..from }
}

/// The known measures in the order of the report.
pub(super) const KNOWN: [CurveStyle; 14] = [
    manner(GRADIENT_FUSED, "Gradient of the fused loss at the features", "mean norm", true),
    manner(GRADIENT_UNIMODAL, "Gradient of the unimodal loss at the features", "mean norm", true),
    manner(GRADIENT_TRAINED, "Gradient that trains the encoder, at the features", "mean norm", true),
    manner(GRADIENT_TENSORS, "Gradient magnitude of the encoder, released measure", "sum of mean |g|", true),
    manner(
        GRADIENT_TENSORS_UNWEIGHTED,
        "Gradient magnitude divided by the loss weight",
        "sum of mean |g|",
        true,
    ),
    manner(GRADIENT_TENSORS_UNCLIPPED, "Gradient magnitude before clipping", "sum of mean |g|", true),
    marked(manner(SUPPRESSION_EFFECTIVE, "Effective suppression", "s_eff", false), "no suppression", 1.0),
    marked(manner(SUPPRESSION_MEAN, "Mean suppression factor", "mean s", true), "no suppression", 1.0),
    marked(manner(SUPPRESSION_MEDIAN, "Median suppression factor", "median s", true), "no suppression", 1.0),
    marked(manner(SUPPRESSION_SHARE, "Share of suppression factors above 1", "share", false), "half", 0.5),
    marked(
        manner(COSINE, "Cosine of the fused and the unimodal gradient at the features", "cosine", false),
        "no conflict above",
        0.0,
    ),
    manner(EFFECTIVE_RANK, "Effective rank of the features", "rank", false),
    manner(SHAPLEY, "Shapley share of the score", "share", false),
    manner(WITHOUT, "Without the modality", "score", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_level_have_titles_of_the_selecting_metric() {
        let metric = Metric::undescribed("accuracy");
        let title = |name: &str| score_title(name, &metric);
        let by_hand = "Input noise of 0.5 standard deviations, fused: accuracy";
        assert_eq!(title("noise_0.5").as_deref(), Some(by_hand));
        assert_eq!(
            title("noise_unimodal_2").as_deref(),
            Some("Input noise of 2 standard deviations, unimodal: accuracy")
        );
        assert_eq!(title("noise_floor"), None);
    }
}
