//! What is reduced of a sample where classes are very many.
//!
//! Ten thousand scores of each of ten thousand samples are 400 MB for every row
//! that is scored. These few numbers are enough for accuracy, F1, cross-entropy,
//! top-k accuracy, calibration and paired tests.

/// Their names: the class with the largest score (the first of equals), its
/// log-probability, that of the truth, and the rank of the truth, 1 for the top.
pub(super) const COLUMNS: [&str; 4] = ["predicted", "log_p_predicted", "log_p_truth", "rank_of_truth"];

/// The summary of one sample's scores; NaN throughout if one of them is not a number.
pub(super) fn summary(scores: &[f32], truth: usize) -> [f32; COLUMNS.len()] {
    if scores.iter().any(|score| !score.is_finite()) {
        return [f32::NAN; COLUMNS.len()];
    }
    let (predicted, norm) = (argmax(scores), log_sum_exp(scores));
    let log_p = |class: usize| (f64::from(scores[class]) - norm) as f32;
    let above =
        |(class, score): (usize, &f32)| *score > scores[truth] || *score == scores[truth] && class < truth;
    let rank = 1 + scores.iter().enumerate().filter(|&other| above(other)).count();
    [predicted as f32, log_p(predicted), log_p(truth), rank as f32]
}

/// The first index of the largest value.
pub(crate) fn argmax(row: &[f32]) -> usize {
    row.iter().enumerate().fold(0, |best, (i, &v)| if v > row[best] { i } else { best })
}

pub(super) fn log_sum_exp(row: &[f32]) -> f64 {
    let top = row.iter().fold(f64::NEG_INFINITY, |top, &v| top.max(f64::from(v)));
    let sum: f64 = row.iter().map(|&v| (f64::from(v) - top).exp()).sum();
    top + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_three_scores_by_hand() {
        // Softmax of (0, ln 2, 0) is (1/4, 1/2, 1/4).
        let scores = [0.0, 2f32.ln(), 0.0];
        let close = |is: [f32; 4], should: [f64; 4]| {
            assert!(
                is.iter().zip(should).all(|(is, should)| (f64::from(*is) - should).abs() < 1e-6),
                "{is:?}"
            );
        };
        close(summary(&scores, 1), [1.0, 0.5_f64.ln(), 0.5_f64.ln(), 1.0]);
        // Of equals the first stands higher, as in the choice of the largest.
        close(summary(&scores, 0), [1.0, 0.5_f64.ln(), 0.25_f64.ln(), 2.0]);
        close(summary(&scores, 2), [1.0, 0.5_f64.ln(), 0.25_f64.ln(), 3.0]);
        assert!(summary(&[0.0, f32::NEG_INFINITY], 0).iter().all(|v| v.is_nan()));
    }
}
