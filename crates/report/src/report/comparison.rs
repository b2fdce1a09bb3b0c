//! Every method against the baseline.

use super::{
    RunSummary,
    study::{FULL, Source, Study},
};
use crate::{
    html::{Block, Section},
    statistics::{Comparison, Crossing, Interval, McNemar, Verdict, grid_interval, holm},
    table::{Cell, Column, Table},
    text::decimal,
};

/// One method against the baseline, by all means there are.
pub(super) struct Contest {
    pub method: String,
    pub seeds: Comparison,
    /// Over seeds and samples, when predictions on the same samples are there.
    pub samples: Option<Interval>,
    /// Of the only pair, when there is one pair and its predictions.
    pub mcnemar: Option<McNemar>,
}

impl Contest {
    /// The interval that counts samples too, when it takes back what the seeds say.
    fn samples_say_noise(&self) -> Option<Interval> {
        self.samples.filter(|i| self.seeds.verdict == Verdict::BeyondNoise && i.contains(0.0))
    }

    /// The verdict as a full sentence.
    pub fn sentence(&self, study: &Study<'_>) -> String {
        let metric = study.metric;
        let baseline = study.methods.get(study.baseline).map_or("", |m| m.name.as_str());
        let verdict = self.seeds.sentence(metric.factor, metric.decimals, metric.points);
        let mut text = format!("{} against {baseline}: {verdict}.", self.method);
        if let Some(interval) = self.samples_say_noise().map(|i| i.scaled(metric.factor)) {
            text += &format!(
                " Other test samples may close it: over seeds and samples together the interval is {} to {}.",
                decimal(interval.low, metric.decimals),
                decimal(interval.high, metric.decimals)
            );
        }
        if let (Verdict::Unknown(_), Some(test)) = (&self.seeds.verdict, &self.mcnemar) {
            text += &format!(
                " On these test samples alone McNemar's test gives p = {:.2e} ({} samples only {} gets right, {} only \
                 {baseline}); another seed may turn it.",
                test.exact, test.only_first, self.method, test.only_second
            );
        }
        text
    }
}

/// The contests of every source, in the order of the study's sources.
pub(super) fn all(study: &Study<'_>) -> Vec<Vec<Contest>> {
    study.sources.iter().map(|source| contests(study, source)).collect()
}

fn contests(study: &Study<'_>, source: &Source) -> Vec<Contest> {
    study
        .against()
        .map(|(_, method, baseline)| {
            let pairs = study.pairs(method, baseline);
            let row = if study.rows.iter().any(|r| r == FULL) {
                FULL
            } else {
                study.rows.first().map_or(FULL, |r| r)
            };
            let of = |run: &RunSummary| study.value(run, source, row);
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(x, y)| (of(x), of(y))).unzip();
            let grid: Option<Vec<Vec<f64>>> =
                pairs.iter().map(|(x, y)| differences(x, y, source, row)).collect::<Option<_>>();
            let same = pairs.windows(2).all(|w| ids(w[0].0, source) == ids(w[1].0, source));
            let crossing = if same { Crossing::Shared } else { Crossing::Nested };
            // Only accuracy is the mean of right and wrong.
            let counts = study.options.metric == "accuracy";
            Contest {
                method: method.name.clone(),
                seeds: Comparison::paired(&a, &b, &study.options.resampling),
                samples: grid
                    .filter(|_| counts)
                    .and_then(|g| grid_interval(&g, crossing, &study.options.resampling)),
                mcnemar: match pairs.as_slice() {
                    [(x, y)] => correct(x, source, row)
                        .zip(correct(y, source, row))
                        .and_then(|(x, y)| (x.0 == y.0).then(|| McNemar::of_samples(x.1, y.1)).flatten()),
                    _ => None,
                },
            }
        })
        .collect()
}

/// The comparisons as tables and sentences; nothing for a single method.
pub(super) fn section(study: &Study<'_>, contests: &[Vec<Contest>]) -> Option<Section> {
    let baseline = study.methods.get(study.baseline).filter(|_| study.methods.len() > 1)?;
    let mut section = Section::new(format!("Against {}", baseline.name));
    for (source, contests) in study.sources.iter().zip(contests) {
        section.push(Block::Heading(source.title()));
        section.push(Block::List(contests.iter().map(|c| c.sentence(study)).collect()));
        section.push(Block::Table(table(study, source, contests)));
    }
    Some(section)
}

fn table(study: &Study<'_>, source: &Source, contests: &[Contest]) -> Table {
    let metric = study.metric;
    let mut table = Table::new(
        [
            "method",
            "pairs",
            "gap [t interval]",
            "bootstrap over pairs",
            "over seeds and samples",
            "p",
            "p, Holm",
            "verdict",
        ]
        .map(Column::new),
    )
    .captioned(format!("{}: gaps in {} of {}", source.title(), metric.points, study.options.metric));
    let p: Vec<Option<f64>> = contests.iter().map(|c| c.seeds.p.or(c.mcnemar.map(|m| m.exact))).collect();
    for ((contest, p), adjusted) in contests.iter().zip(&p).zip(holm(&p)) {
        let ends = |interval| Cell::ends(interval, metric.factor, metric.decimals);
        let seeds = &contest.seeds;
        let verdict = match &seeds.verdict {
            Verdict::WithinNoise => "within noise".into(),
            Verdict::BeyondNoise if contest.samples_say_noise().is_some() => {
                "beyond noise of seeds only".into()
            }
            Verdict::BeyondNoise => "beyond noise".into(),
            Verdict::Unknown(why) => format!("unknown: {why}"),
        };
        let gap = seeds.difference.map(|d| Cell::range(d, seeds.interval, metric.factor, metric.decimals));
        table.row([
            Cell::text(&contest.method),
            Cell::count(seeds.pairs as u64),
            gap.unwrap_or_else(Cell::none),
            ends(seeds.bootstrap),
            ends(contest.samples),
            Cell::maybe(*p, 4),
            Cell::maybe(adjusted, 4),
            Cell::text(verdict),
        ]);
    }
    table.note(
        "Pairs share seed and fold. p is of the paired t test (of McNemar's exact test where there is one pair and its \
         predictions); Holm's correction is over the rows of this table. The verdict follows the t interval, which is \
         not corrected for the number of methods.",
    );
    table
}

type Right<'a> = (&'a [String], &'a [bool]);

/// Names of the samples, and right or wrong for each.
fn correct<'a>(run: &'a RunSummary, source: &Source, row: &str) -> Option<Right<'a>> {
    let Source::Test(checkpoint) = source else { return None };
    let predictions = run.predictions.iter().find(|p| p.checkpoint == *checkpoint)?;
    let correct = predictions.correct.get(row)?;
    (correct.len() == predictions.ids.len()).then_some((predictions.ids.as_slice(), correct.as_slice()))
}

fn ids<'a>(run: &'a RunSummary, source: &Source) -> Option<&'a [String]> {
    let Source::Test(checkpoint) = source else { return None };
    run.predictions.iter().find(|p| p.checkpoint == *checkpoint).map(|p| p.ids.as_slice())
}

fn differences(a: &RunSummary, b: &RunSummary, source: &Source, row: &str) -> Option<Vec<f64>> {
    let (a, b) = (correct(a, source, row)?, correct(b, source, row)?);
    let gap = |(a, b): (&bool, &bool)| f64::from(u8::from(*a)) - f64::from(u8::from(*b));
    (a.0 == b.0).then(|| a.1.iter().zip(b.1).map(gap).collect())
}
