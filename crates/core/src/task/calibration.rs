//! Whether a model is right as often as it is sure.

/// Bins of equal width that answers are sorted into by how sure they are.
const BINS: usize = 15;

/// Expected calibration error of answers, each the probability of what was said
/// and whether it was right: the gap between mean probability and share of right
/// answers in bins of equal width, averaged over the answers. NaN without an answer.
///
/// The edge between two bins belongs to the lower one. Source: Naeini et al.,
/// AAAI 2015; 15 bins as Guo et al., ICML 2017.
pub(super) fn expected_calibration_error(answers: impl Iterator<Item = (f64, bool)>) -> f64 {
    // Of each bin how much surer than right its answers are, added up: the sizes of bins cancel.
    let (mut gaps, mut count) = ([0.0; BINS], 0.0);
    for (sure, right) in answers {
        let bin = (sure * BINS as f64).ceil().clamp(1.0, BINS as f64) as usize - 1;
        gaps[bin] += sure - f64::from(u8::from(right));
        count += 1.0;
    }
    super::counts::ratio(gaps.iter().map(|gap: &f64| gap.abs()).sum(), count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_answers_by_hand() {
        // Bins end at 8/15 = 0.533 and 14/15 = 0.933. Up to 0.533: 1.0 sure, 1 right. From 0.933: 1.96 sure, 1 right.
        // The edge itself belongs below: 14/15 sure and wrong.
        let answers =
            [(0.5, true), (0.5, false), (0.97, true), (0.99, false), (14.0 / 15.0, false)].into_iter();
        let by_hand = (0.0 + 0.96 + 14.0 / 15.0) / 5.0;
        assert!((expected_calibration_error(answers) - by_hand).abs() < 1e-12);
        assert!(expected_calibration_error([].into_iter()).is_nan());
        // Half sure and right half of the time, whatever single answers say.
        assert_eq!(expected_calibration_error([(0.5, true), (0.5, false)].into_iter()), 0.0);
    }
}
