//! Two methods on the same seeds, folds and samples.

use super::{
    RunSummary,
    fold::folds,
    footing::Footing,
    overview::{Method, Overview, ScoreSource},
};
use crate::{
    record::Kind,
    statistics::{Comparison, Interval, McNemar, Verdict, grid_interval},
    text::decimal,
};

/// When a gap is called beyond noise, wherever it is.
pub(super) const RULE: &str = "A gap is beyond noise if training again and other samples would show it: the p-value of the paired t \
                    test over the seeds is at most 0.05 after Holm's correction for the comparisons of its table, and where \
                    all runs have predictions of the same samples, zero lies outside the interval over seeds and samples. \
                    Where folds have samples of their own, the test is over the folds, each averaged over its seeds.";

/// Two methods compared by all means there are.
pub(super) struct PairedTest {
    pub method: String,
    pub against: String,
    pub kind: Kind,
    pub seeds: Comparison,
    /// What the two do not have in common.
    pub footing: Footing,
    /// Over seeds and samples, when predictions on the same samples are there.
    pub samples: Option<Interval>,
    /// Sample by sample, for each pair of runs whose predictions are there.
    pub pairs: Vec<Pair>,
}

/// Two runs on the same test samples.
pub(super) struct Pair {
    /// Seed and fold.
    pub name: String,
    pub samples: usize,
    pub mcnemar: McNemar,
    /// Bootstrap over the samples of the difference.
    pub interval: Option<Interval>,
}

impl PairedTest {
    /// `first` against `second`.
    pub fn of(
        overview: &Overview<'_>,
        source: &ScoreSource,
        first: &Method<'_>,
        second: &Method<'_>,
    ) -> Self {
        let plan = &overview.options.resampling;
        let runs = overview.pairs(first, second);
        let row = overview.row();
        let of = |run: &RunSummary| overview.value(run, source, row);
        let (a, b): (Vec<f64>, Vec<f64>) = runs.iter().map(|(x, y)| (of(x), of(y))).unzip();
        let counts = overview.metric.right_answers;
        let right = |run| correct(run, source, row).filter(|_| counts);
        let both: Option<Vec<(Right<'_>, Right<'_>)>> =
            runs.iter().map(|(x, y)| right(x).zip(right(y)).filter(|(x, y)| x.0 == y.0)).collect();
        let both = both.unwrap_or_default();
        let folds = folds(&runs, source);
        let grid: Vec<Vec<f64>> = both.iter().map(|(x, y)| differences(x.1, y.1)).collect();
        let pair = |i: usize| {
            Some(Pair {
                name: runs[i].0.pair_name(),
                samples: grid[i].len(),
                mcnemar: McNemar::of_samples(both[i].0.1, both[i].1.1)?,
                interval: grid_interval(&grid[i..=i], &[], plan),
            })
        };
        Self {
            method: first.name.clone(),
            against: second.name.clone(),
            kind: first.kind,
            seeds: Comparison::grouped(&a, &b, &folds, plan),
            footing: Footing::of(overview, first, second),
            samples: grid_interval(&grid, &folds, plan),
            pairs: (0..grid.len()).filter_map(pair).collect(),
        }
    }

    /// Whether the two may be compared at all.
    pub fn comparable(&self) -> bool {
        self.footing.refused.is_none()
    }

    /// Whether the first is better (or worse) beyond noise by [`RULE`]; `None` where nothing is sure.
    pub fn winner(&self, overview: &Overview<'_>) -> Option<bool> {
        let sure = self.comparable()
            && self.seeds.verdict == Verdict::BeyondNoise
            && self.samples_say_noise().is_none();
        self.seeds.difference.filter(|_| sure).map(|gap| overview.metric.beats(gap, 0.0))
    }

    /// The interval that counts samples too, when it takes back what the seeds say.
    pub fn samples_say_noise(&self) -> Option<Interval> {
        self.samples.filter(|i| self.seeds.verdict == Verdict::BeyondNoise && i.contains(0.0))
    }

    /// What the comparison says, without capital or full stop.
    pub fn verdict(&self, overview: &Overview<'_>) -> String {
        if let Some(why) = &self.footing.refused {
            return format!("not comparable: {why}");
        }
        let metric = &overview.metric;
        let mut text = match self.samples_say_noise().map(|i| i.scaled(metric.factor())) {
            Some(interval) => format!(
                "the gap of {} {} is within noise: other test samples may close it (over seeds and samples together the \
                 interval is {} to {})",
                decimal(self.seeds.difference.unwrap_or(f64::NAN) * metric.factor(), metric.digits),
                metric.points(),
                decimal(interval.low, metric.digits),
                decimal(interval.high, metric.digits)
            ),
            None => self.seeds.sentence(metric.factor(), metric.digits, &metric.points()),
        };
        if let (Verdict::Unknown(_), [pair]) = (&self.seeds.verdict, self.pairs.as_slice()) {
            let test = &pair.mcnemar;
            text += &format!(
                "; on these test samples alone McNemar's test gives p = {} ({} samples only {} gets right, {} only \
                 {}), and another seed may turn it",
                probability(test.exact),
                test.only_first,
                self.method,
                test.only_second,
                self.against
            );
        }
        text
    }

    /// The verdict as a full sentence.
    pub fn sentence(&self, overview: &Overview<'_>) -> String {
        format!(
            "{} against {}{}: {}.",
            self.method,
            self.against,
            self.footing.caveat(),
            self.verdict(overview)
        )
    }
}

/// A p-value as people read it.
fn probability(p: f64) -> String {
    if p < 1e-4 { format!("{p:.1e}") } else { decimal(p, 4) }
}

/// Contests by what they say: better beyond noise, worse beyond noise, neither. Each with its gap.
pub(super) fn in_groups<'a>(
    overview: &Overview<'_>,
    contests: impl IntoIterator<Item = &'a PairedTest>,
    name: impl Fn(&'a PairedTest) -> &'a str,
) -> [Vec<String>; 3] {
    let metric = &overview.metric;
    let mut groups = [const { Vec::new() }; 3];
    for contest in contests.into_iter().filter(|c| c.comparable()) {
        let gap = contest.seeds.difference.unwrap_or(f64::NAN) * metric.factor();
        let sign = if gap > 0.0 { "+" } else { "" };
        let group = match contest.winner(overview) {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        groups[group].push(format!("{} ({sign}{})", name(contest), decimal(gap, metric.digits)));
    }
    groups
}

/// Names of the samples, and right or wrong for each.
type Right<'a> = (&'a [String], &'a [bool]);

fn correct<'a>(run: &'a RunSummary, source: &ScoreSource, row: &str) -> Option<Right<'a>> {
    let ScoreSource::Test(checkpoint) = source else { return None };
    let predictions = run.predictions.iter().find(|p| p.checkpoint == *checkpoint)?;
    let scores = source.scores(run)?;
    let correct = predictions.correct.get(&run.unimodal.row(scores, row))?;
    (correct.len() == predictions.ids.len()).then_some((predictions.ids.as_slice(), correct.as_slice()))
}

fn differences(first: &[bool], second: &[bool]) -> Vec<f64> {
    let gap = |(a, b): (&bool, &bool)| f64::from(u8::from(*a)) - f64::from(u8::from(*b));
    first.iter().zip(second).map(gap).collect()
}
