//! How much each modality contributes to the score.

use crate::modality::{Modality, Present};

/// More modalities than this have too many subsets to try.
pub const MOST: usize = 6;

/// The Shapley value of every modality: the mean, over all orders in which
/// modalities could arrive, of what the score rises when it arrives. They add
/// up to the score of all minus that of none.
///
/// `score` is asked once for each subset, the empty one included. Source:
/// Shapley 1953; for modalities Hu et al. 2022 (SHAPE, arXiv 2205.00302).
///
/// ```
/// use counterpoint::diagnose::shapley;
/// use counterpoint::modality::{Modality, Present};
/// // Either is enough: both get half of it.
/// let values = shapley(2, |present| if present.count() > 0 { 0.8 } else { 0.1 });
/// assert!((values[0] - 0.35).abs() < 1e-12 && (values[1] - 0.35).abs() < 1e-12);
/// ```
pub fn shapley(modalities: usize, score: impl Fn(Present) -> f64) -> Vec<f64> {
    let all = Present::all(modalities);
    let scores: Vec<(Present, f64)> =
        std::iter::once(Present::of([])).chain(all.subsets()).map(|s| (s, score(s))).collect();
    let of = |present: Present| scores.iter().find(|(s, _)| *s == present).map_or(f64::NAN, |(_, v)| *v);
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    let value = |m: Modality| {
        let without = scores.iter().filter(|(s, _)| !s.has(m));
        without
            .map(|(s, before)| {
                let orders = factorial(s.count()) * factorial(modalities - s.count() - 1);
                orders / factorial(modalities) * (of(s.with(m)) - before)
            })
            .sum()
    };
    (0..modalities).map(|m| value(Modality(m))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_modalities_by_hand() {
        // v: none 0, a .3, b .2, c 0, ab .6, ac .3, bc .2, abc .6. c never adds anything.
        let v = |p: Present| {
            [0.0, 0.3, 0.2, 0.6, 0.0, 0.3, 0.2, 0.6]
                [(0..3).filter(|m| p.has(Modality(*m))).map(|m| 1 << m).sum::<usize>()]
        };
        // a: 1/3 * .3 + 1/6 * (.4 + .3) + 1/3 * .4 = .35; b: 1/3 * .2 + 1/6 * (.3 + .2) + 1/3 * .3 = .25.
        let values = shapley(3, v);
        for (is, should) in values.iter().zip([0.35, 0.25, 0.0]) {
            assert!((is - should).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(shapley(1, |p| p.count() as f64), [1.0]);
    }
}
