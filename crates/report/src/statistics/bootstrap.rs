//! The bootstrap: intervals from drawing the data again with replacement.

use super::{Interval, Method, random::Stream, special, summary::finite};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampling {
    /// How many draws.
    pub draws: usize,
    /// Confidence of the interval, inside (0, 1).
    pub level: f64,
    /// Seed: the same seed gives the same interval on every machine.
    pub seed: u64,
}

impl Default for Resampling {
    /// 10 000 draws, 95 %, seed 0.
    fn default() -> Self {
        Self { draws: 10_000, level: 0.95, seed: 0 }
    }
}

impl Resampling {
    pub(super) fn valid(&self) -> bool {
        self.draws > 0 && self.level > 0.0 && self.level < 1.0
    }

    /// The quantiles of sorted draws as an interval.
    pub(super) fn interval(&self, draws: &mut [f64], tails: [f64; 2], method: Method) -> Option<Interval> {
        if draws.iter().any(|x| !x.is_finite()) {
            return None;
        }
        draws.sort_unstable_by(f64::total_cmp);
        let [low, high] = tails.map(|p| quantile(draws, p));
        Some(Interval { low: low?, high: high?, level: self.level, method })
    }

    pub(super) fn tails(&self) -> [f64; 2] {
        [(1.0 - self.level) / 2.0, (1.0 + self.level) / 2.0]
    }
}

/// Quantile of sorted values by linear interpolation (type 7 of Hyndman and
/// Fan, the default of NumPy and R).
///
/// `None` without values or when `p` is not in 0 to 1.
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let at = p * last as f64;
    let (below, share) = (at.floor() as usize, at.fract());
    let low = *sorted.get(below)?;
    let high = *sorted.get((below + 1).min(last))?;
    Some(if share == 0.0 { low } else { low + share * (high - low) })
}

/// Percentile bootstrap interval of any statistic of `values`.
///
/// Values that are not finite are left out. `None` below two values, when the
/// statistic is not finite on some draw, or when `plan` is impossible.
///
/// ```
/// use counterpoint_report::statistics::{Resampling, percentile_interval};
/// let correct = [1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
/// let share = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
/// let interval = percentile_interval(&correct, share, &Resampling::default()).unwrap();
/// assert_eq!((interval.low, interval.high), (0.5, 1.0)); // 8 of 10 tells little
/// ```
pub fn percentile_interval(
    values: &[f64],
    statistic: impl Fn(&[f64]) -> f64,
    plan: &Resampling,
) -> Option<Interval> {
    let mut draws = draw(&finite(values), statistic, plan)?;
    plan.interval(&mut draws, plan.tails(), Method::Percentile)
}

/// Bias-corrected and accelerated bootstrap interval (Efron 1987) of any
/// statistic of `values`.
///
/// As [`percentile_interval`]; `None` also when all draws agree, because then
/// neither bias nor acceleration is defined.
pub fn bca_interval(
    values: &[f64],
    statistic: impl Fn(&[f64]) -> f64,
    plan: &Resampling,
) -> Option<Interval> {
    let values = finite(values);
    let mut draws = draw(&values, &statistic, plan)?;
    let whole = statistic(&values);
    let count = |test: &dyn Fn(f64) -> bool| draws.iter().filter(|x| test(**x)).count() as f64;
    // Draws that equal the estimate count half, as in SciPy.
    let below = (count(&|x| x < whole) + count(&|x| x <= whole)) / (2.0 * draws.len() as f64);
    let bias = special::normal_quantile(below);

    let without: Vec<f64> =
        (0..values.len()).map(|i| statistic(&[&values[..i], &values[i + 1..]].concat())).collect();
    let centre = without.iter().sum::<f64>() / without.len() as f64;
    let cubes: f64 = without.iter().map(|x| (centre - x).powi(3)).sum();
    let squares: f64 = without.iter().map(|x| (centre - x).powi(2)).sum();
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    if !bias.is_finite() || !acceleration.is_finite() {
        return None;
    }
    let tails = plan.tails().map(|p| {
        let z = bias + special::normal_quantile(p);
        special::normal(bias + z / (1.0 - acceleration * z))
    });
    plan.interval(&mut draws, tails, Method::Bca)
}

fn draw(values: &[f64], statistic: impl Fn(&[f64]) -> f64, plan: &Resampling) -> Option<Vec<f64>> {
    if values.len() < 2 || !plan.valid() {
        return None;
    }
    let mut stream = Stream::new(plan.seed);
    let mut again = vec![0.0; values.len()];
    Some(
        (0..plan.draws)
            .map(|_| {
                again.iter_mut().for_each(|x| *x = values[stream.below(values.len())]);
                statistic(&again)
            })
            .collect(),
    )
}
