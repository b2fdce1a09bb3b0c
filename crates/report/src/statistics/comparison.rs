//! Is one method better than another? The answer as numbers and as a sentence.

use std::collections::BTreeMap;

use super::{Interval, Resampling, Summary, bca_interval, holm, interval::percent};
use crate::text::decimal;

/// What an interval says about a gap.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// Zero lies in the interval, or the corrected p-value is too large.
    WithinNoise,
    /// Zero lies outside the interval, and the corrected p-value agrees.
    BeyondNoise,
    /// The interval could not be made, and why.
    Unknown(String),
}

/// Two methods, run on the same seeds (or folds), compared pair by pair.
///
/// The judge is Student's t on the differences, or on their means where several
/// pairs are of one fold ([`Comparison::grouped`]). A bootstrap of so few pairs is
/// too narrow; it is given beside it where there are at least two. Of several
/// comparisons that are read together, [`Comparison::correct`] makes a family:
/// a gap is then beyond noise only if its p-value stays small after Holm's
/// correction.
///
/// ```
/// use counterpoint_report::statistics::{Comparison, Resampling, Verdict};
/// let dgl = [0.987, 0.986, 0.988];
/// let joint = [0.958, 0.952, 0.964];
/// let c = Comparison::paired(&dgl, &joint, &Resampling::default());
/// assert_eq!(c.verdict, Verdict::BeyondNoise);
/// assert_eq!(c.sentence(100.0, 1, "points"),
///     "the gap of 2.9 points is beyond noise (95 % interval 1.7 to 4.1, 3 pairs)");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Pairs with two finite values.
    pub pairs: usize,
    /// Folds of which several pairs were averaged; `None` where every pair counts by itself.
    pub folds: Option<usize>,
    /// Pairs left out because a value is missing or not finite.
    pub missing: usize,
    /// Mean of first minus second.
    pub difference: Option<f64>,
    /// Student's t interval of the difference.
    pub interval: Option<Interval>,
    /// BCa bootstrap interval of the difference over the pairs (or folds).
    pub bootstrap: Option<Interval>,
    /// Two-sided p-value of the paired t test, before any correction.
    pub p: Option<f64>,
    /// The p-value after Holm's correction in its family; `p` where it stands alone.
    pub corrected: Option<f64>,
    /// Tests in its family.
    pub family: usize,
    /// What interval and corrected p-value say.
    pub verdict: Verdict,
}

impl Comparison {
    /// Compares `first[i]` with `second[i]`, each pair for itself.
    ///
    /// Slices of unequal length are compared as far as both reach; the rest
    /// counts as missing.
    pub fn paired(first: &[f64], second: &[f64], plan: &Resampling) -> Self {
        Self::grouped(first, second, &[], plan)
    }

    /// As [`Comparison::paired`], where `folds[i]` names the samples on which pair `i` was scored.
    ///
    /// Pairs of one fold share what is peculiar to its samples, so they are no
    /// independent witnesses of what happens on others. With several folds each
    /// is averaged over its pairs, and the test is over the folds. Pairs that
    /// all share one fold differ by their training alone and count one by one,
    /// as do pairs that `folds` says nothing of.
    ///
    /// ```
    /// use counterpoint_report::statistics::{Comparison, Resampling, Verdict};
    /// // Three speakers by three seeds: the gain is one speaker's.
    /// let with = [0.98, 0.98, 0.99, 0.95, 0.96, 0.95, 0.97, 0.97, 0.98];
    /// let without = [0.93, 0.94, 0.94, 0.94, 0.95, 0.95, 0.97, 0.96, 0.97];
    /// let plan = Resampling::default();
    /// assert_eq!(Comparison::paired(&with, &without, &plan).verdict, Verdict::BeyondNoise);
    /// let c = Comparison::grouped(&with, &without, &[0, 0, 0, 1, 1, 1, 2, 2, 2], &plan);
    /// assert_eq!(c.sentence(100.0, 1, "points"),
    ///     "the gap of 2.0 points is within noise (95 % interval -3.7 to 7.7, 9 pairs in 3 folds)");
    /// ```
    pub fn grouped(first: &[f64], second: &[f64], folds: &[usize], plan: &Resampling) -> Self {
        let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        let all = Summary::of(&differences);
        let missing = all.missing + first.len().abs_diff(second.len());
        let of_folds = fold_means(&differences, folds);
        let units = of_folds.as_ref().unwrap_or(&differences);
        let summary = Summary::of(units);
        let interval = summary.t_interval(plan.level);
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        // Rounding of the inputs must not pass for a spread.
        let largest =
            first.iter().chain(second).filter(|x| x.is_finite()).fold(0.0_f64, |a, b| a.max(b.abs()));
        let spread = summary.sd.is_some_and(|sd| sd > 1e-12 * largest);
        let verdict = match (summary.n, interval) {
            (0, _) => Verdict::Unknown("no pair of finished runs".into()),
            (1, _) => Verdict::Unknown("one pair only, two are the least".into()),
            (n, Some(_)) if !spread => {
                Verdict::Unknown(format!("all {n} differences are equal, so they show no spread"))
            }
            (_, Some(interval)) => judge(&interval),
            (_, None) => Verdict::Unknown(format!("no interval at level {}", plan.level)),
        };
        Self {
            pairs: all.n,
            folds: of_folds.as_ref().map(Vec::len),
            missing,
            difference: summary.mean,
            interval,
            bootstrap: bca_interval(units, mean, plan),
            p: summary.t_test().filter(|_| spread),
            corrected: summary.t_test().filter(|_| spread),
            family: 1,
            verdict,
        }
    }

    /// Judges comparisons that are read together: the more there are, the more
    /// of them show a gap by chance.
    ///
    /// ```
    /// use counterpoint_report::statistics::{Comparison, Resampling, Verdict};
    /// let against = |other: [f64; 3]| Comparison::paired(&[0.98, 0.97, 0.99], &other, &Resampling::default());
    /// let mut family = vec![against([0.95, 0.94, 0.965]), against([0.96, 0.955, 0.98]), against([0.98, 0.96, 1.0])];
    /// assert!(family[1].verdict == Verdict::BeyondNoise && family[1].p.unwrap() < 0.05);
    /// Comparison::correct(family.iter_mut());
    /// assert!(family[1].verdict == Verdict::WithinNoise && family[1].corrected.unwrap() > 0.05);
    /// assert_eq!(family[0].verdict, Verdict::BeyondNoise);
    /// ```
    pub fn correct<'a>(family: impl Iterator<Item = &'a mut Self>) {
        let mut family: Vec<&mut Self> = family.collect();
        let corrected = holm(&family.iter().map(|one| one.p).collect::<Vec<_>>());
        let tests = corrected.iter().flatten().count();
        for (one, corrected) in family.iter_mut().zip(corrected) {
            (one.corrected, one.family) = (corrected, tests);
            if let (Some(p), Some(interval)) = (corrected, one.interval)
                && one.verdict == Verdict::BeyondNoise
                && p > 1.0 - interval.level
            {
                one.verdict = Verdict::WithinNoise;
            }
        }
    }

    /// What the test rests on, e.g. `18 pairs in 6 folds`.
    fn counted(&self) -> String {
        let folds = self.folds.map(|folds| format!(" in {folds} folds")).unwrap_or_default();
        format!("{} pairs{folds}", self.pairs)
    }

    /// The verdict as a sentence without capital or full stop, numbers times
    /// `factor` (100 makes points of shares) with `decimals` digits.
    pub fn sentence(&self, factor: f64, decimals: usize, unit: &str) -> String {
        let mut text = match (&self.verdict, self.difference) {
            (Verdict::Unknown(why), None) => format!("the gap cannot be judged: {why}"),
            (Verdict::Unknown(why), Some(gap)) => {
                format!("the gap of {} {unit} cannot be judged: {why}", decimal(gap * factor, decimals))
            }
            (Verdict::WithinNoise, Some(gap)) if self.interval.is_some_and(|i| !i.contains(0.0)) => {
                let scaled = self.interval.map(|interval| interval.scaled(factor));
                let ends = scaled.map(|i| [i.low, i.high].map(|end| decimal(end, decimals)));
                let [low, high] = ends.unwrap_or_default();
                format!(
                    "the gap of {} {unit} is within noise (p = {} corrected for {} comparisons; interval of this one \
                     alone {low} to {high}, {})",
                    decimal(gap * factor, decimals),
                    decimal(self.corrected.unwrap_or(f64::NAN), 3),
                    self.family,
                    self.counted()
                )
            }
            (_, gap) => {
                let scaled = self.interval.map(|interval| interval.scaled(factor));
                let text = gap_sentence(gap.unwrap_or(f64::NAN) * factor, scaled, decimals, unit);
                text.trim_end_matches(')').to_owned() + &format!(", {})", self.counted())
            }
        };
        if self.missing > 0 {
            let noun = if self.missing == 1 { "pair is" } else { "pairs are" };
            text += &format!("; {} {noun} missing", self.missing);
        }
        text
    }
}

/// The mean of every fold over its pairs; `None` unless there are several folds, and fewer than pairs.
fn fold_means(differences: &[f64], folds: &[usize]) -> Option<Vec<f64>> {
    let mut of: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (difference, fold) in differences.iter().zip(folds).filter(|(difference, _)| difference.is_finite()) {
        of.entry(*fold).or_default().push(*difference);
    }
    let pairs: usize = of.values().map(Vec::len).sum();
    let means = || of.values().filter_map(|pairs| Summary::of(pairs).mean).collect();
    (1 < of.len() && of.len() < pairs).then(means)
}

fn judge(interval: &Interval) -> Verdict {
    if interval.contains(0.0) { Verdict::WithinNoise } else { Verdict::BeyondNoise }
}

/// The plain sentence about a gap and its interval, both already in `unit`.
///
/// ```
/// use counterpoint_report::statistics::{Interval, Method, gap_sentence};
/// let interval = Interval { low: -0.8, high: 3.1, level: 0.95, method: Method::StudentT };
/// assert_eq!(gap_sentence(1.2, Some(interval), 1, "points"),
///     "the gap of 1.2 points is within noise (95 % interval -0.8 to 3.1)");
/// assert_eq!(gap_sentence(1.2, None, 1, "points"),
///     "the gap of 1.2 points cannot be judged: there is no interval");
/// ```
pub fn gap_sentence(gap: f64, interval: Option<Interval>, decimals: usize, unit: &str) -> String {
    let gap = decimal(gap, decimals);
    let Some(interval) = interval else {
        return format!("the gap of {gap} {unit} cannot be judged: there is no interval");
    };
    let verdict = if interval.contains(0.0) { "within" } else { "beyond" };
    format!(
        "the gap of {gap} {unit} is {verdict} noise ({} interval {} to {})",
        percent(interval.level),
        decimal(interval.low, decimals),
        decimal(interval.high, decimals)
    )
}
