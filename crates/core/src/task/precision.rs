//! Average precision.

/// The mean, over the positive samples, of the precision among all samples that
/// score at least as high; not defined (NaN) without a positive sample.
///
/// Samples of one score count as one step, as in scikit-learn's
/// `average_precision_score`. `all` are the scores of all samples, the positive
/// ones among them. Takes `n log p` steps for `p` positives among `n` samples,
/// so that many rare classes cost little.
pub(super) fn average_precision(mut positive: Vec<f64>, all: impl Iterator<Item = f64>) -> f64 {
    if positive.is_empty() {
        return f64::NAN;
    }
    positive.sort_by(f64::total_cmp);
    let count = positive.len();
    // How many samples score at least as high as the first k positives and not as the next.
    let mut reaching = vec![0_usize; count + 1];
    for score in all {
        reaching[positive.partition_point(|&threshold| threshold <= score)] += 1;
    }
    let (mut sum, mut seen, mut end) = (0.0, 0, count);
    for tie in positive.chunk_by(|a, b| a == b).rev() {
        let first = end - tie.len();
        seen += reaching[first + 1..=end].iter().sum::<usize>();
        let hits = count - first;
        sum += tie.len() as f64 * hits as f64 / seen as f64;
        end = first;
    }
    sum / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_at_each_positive_by_hand() {
        // By score: + - +, so (1 + 2/3) / 2.
        let value = average_precision(vec![2.0, 3.0], [3.0, 2.5, 2.0, -1.0].into_iter());
        assert!((value - 5.0 / 6.0).abs() < 1e-12, "{value}");
    }

    #[test]
    fn ties_count_as_one_step() {
        assert_eq!(average_precision(vec![1.0], [1.0, 1.0].into_iter()), 0.5);
        // Two positives among three samples of one score, and one below two negatives more.
        let value = average_precision(vec![1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.5, 0.5, 0.0].into_iter());
        assert!((value - (2.0 * 2.0 / 3.0 + 3.0 / 6.0) / 3.0).abs() < 1e-12, "{value}");
        assert!(average_precision(vec![], [1.0].into_iter()).is_nan());
    }
}
