//! Every method against the baseline.

use super::{
    overview::{Overview, ScoreSource},
    paired_test::{Pair, PairedTest, RULE},
};
use crate::{
    html::{Block, Section},
    record::Kind,
    statistics::{Comparison, Verdict, holm},
    table::{Cell, Column, Table},
    text::decimal,
};

/// Every comparison of the report, by source of scores.
pub(super) struct Contests {
    /// Every method against the baseline.
    pub baseline: Vec<Vec<PairedTest>>,
    /// The method in question against every control and every other method.
    pub focus: Vec<Vec<PairedTest>>,
    /// Every method with a readout against what could have brought its gain, on the first source.
    pub readouts: Vec<PairedTest>,
}

impl Contests {
    /// The contests of every source, in the order of the overview's sources, beside those of readouts.
    pub fn of(overview: &Overview<'_>, readouts: Vec<PairedTest>) -> Self {
        let by_source = |contests: &dyn Fn(&ScoreSource) -> Vec<PairedTest>| {
            let corrected = |source| {
                let mut family = contests(source);
                let judged = family.iter_mut().filter(|contest| contest.comparable());
                Comparison::correct(judged.map(|contest| &mut contest.seeds));
                family
            };
            overview.sources.iter().map(corrected).collect()
        };
        let baseline = by_source(&|source| {
            overview
                .against()
                .map(|(_, method, baseline)| PairedTest::of(overview, source, method, baseline))
                .collect()
        });
        let focus = by_source(&|source| {
            let Some(focus) = overview.focus.and_then(|i| overview.methods.get(i)) else { return Vec::new() };
            let others = overview.against().filter(|(i, ..)| Some(*i) != overview.focus);
            others
                .map(|(_, other, _)| PairedTest {
                    kind: other.kind,
                    ..PairedTest::of(overview, source, focus, other)
                })
                .collect()
        });
        Self { baseline, focus, readouts }
    }

    /// The method in question against the baseline, on one source.
    pub fn question(&self, overview: &Overview<'_>, source: usize) -> Option<&PairedTest> {
        let focus = overview.methods.get(overview.focus?)?;
        self.baseline.get(source)?.iter().find(|c| c.method == focus.name)
    }

    /// Why not all methods were trained on what the baseline was, if so.
    pub fn refused(&self) -> Option<&str> {
        let main = self.baseline.first().into_iter().flatten();
        main.filter(|c| !c.kind.is_reference()).find_map(|c| c.footing.refused.as_deref())
    }

    /// The method in question against the controls, on one source.
    pub fn controls(&self, source: usize) -> impl Iterator<Item = &PairedTest> {
        self.focus.get(source).into_iter().flatten().filter(|c| c.kind == Kind::Control)
    }
}

/// The comparisons as tables and sentences; nothing for a single method.
pub(super) fn section(overview: &Overview<'_>, contests: &Contests) -> Option<Section> {
    overview.methods.get(overview.baseline).filter(|_| overview.methods.len() > 1)?;
    let mut section = Section::new(format!("Against {}", overview.baseline_name()));
    for (i, source) in overview.sources.iter().enumerate() {
        let blocks = of_source(overview, source, &contests.baseline[i], &contests.focus[i]);
        if i == 0 {
            section.say(RULE);
            section.push(Block::Heading(source.title()));
            section.blocks.extend(blocks);
        } else {
            section.fold(source.title(), blocks);
        }
    }
    Some(section)
}

fn of_source(
    overview: &Overview<'_>,
    source: &ScoreSource,
    against: &[PairedTest],
    focus: &[PairedTest],
) -> Vec<Block> {
    let caption = format!("gaps to {}", overview.baseline_name());
    let mut blocks = vec![
        Block::List(against.iter().map(|c| c.sentence(overview)).collect()),
        Block::Table(table(overview, source, against, &caption)),
    ];
    if let [first, _, ..] = focus {
        let caption = format!("gaps of {} to every other method", first.method);
        let inside =
            vec![Block::Table(turned(overview, source, &focus.iter().collect::<Vec<_>>(), &caption))];
        blocks.push(Block::Details(format!("{} against every other method", first.method), inside));
    }
    if let Some(pairs) = sample_by_sample(source, against) {
        blocks
            .push(Block::Details("Pair by pair on the same test samples".into(), vec![Block::Table(pairs)]));
    }
    blocks
}

fn table(overview: &Overview<'_>, source: &ScoreSource, contests: &[PairedTest], caption: &str) -> Table {
    gaps(overview, source, &contests.iter().collect::<Vec<_>>(), caption, "method", |c| &c.method)
}

/// The gaps of one method to others.
pub(super) fn turned(
    overview: &Overview<'_>,
    source: &ScoreSource,
    contests: &[&PairedTest],
    caption: &str,
) -> Table {
    gaps(overview, source, contests, caption, "against", |c| &c.against)
}

fn gaps(
    overview: &Overview<'_>,
    source: &ScoreSource,
    contests: &[&PairedTest],
    caption: &str,
    title: &str,
    name: impl Fn(&PairedTest) -> &str,
) -> Table {
    let metric = &overview.metric;
    let level = format!("{} %", decimal(100.0 * overview.options.resampling.level, 0));
    let columns = [
        title,
        "pairs",
        "folds",
        &format!("gap [{level} interval]"),
        "bootstrap",
        "over seeds and samples",
        "p",
        "p, Holm",
        "verdict",
    ]
    .map(Column::new);
    let unit = format!("{} of {}", &metric.points(), overview.metric.title());
    let mut table = Table::new(columns).captioned(format!("{}: {caption}, {unit}", source.title()));
    // With one pair each there is no t test; what there is, is of the samples.
    let only = |c: &PairedTest| if let [pair] = c.pairs.as_slice() { Some(pair.mcnemar.exact) } else { None };
    let single: Vec<Option<f64>> = contests.iter().map(|c| only(c).filter(|_| c.comparable())).collect();
    for ((contest, single), adjusted) in contests.iter().zip(&single).zip(holm(&single)) {
        let seeds = &contest.seeds;
        let [p, adjusted] = match seeds.p {
            _ if !contest.comparable() => [None; 2],
            None => [*single, adjusted],
            p => [p, seeds.corrected],
        };
        let ends = |interval| Cell::ends(interval, metric.factor(), metric.digits);
        let verdict = match &seeds.verdict {
            _ if !contest.comparable() => "not comparable".into(),
            Verdict::BeyondNoise if contest.samples_say_noise().is_none() => "beyond noise".into(),
            Verdict::WithinNoise | Verdict::BeyondNoise => "within noise".into(),
            Verdict::Unknown(why) => format!("unknown: {why}"),
        };
        let other = if contest.footing.differs.is_empty() { "" } else { ", other settings" };
        let gap = seeds.difference.map(|d| Cell::range(d, seeds.interval, metric.factor(), metric.digits));
        table.row([
            Cell::text(name(contest)),
            Cell::count(seeds.pairs as u64),
            seeds.folds.map_or_else(Cell::none, |folds| Cell::count(folds as u64)),
            gap.unwrap_or_else(Cell::none),
            ends(seeds.bootstrap),
            ends(contest.samples),
            Cell::maybe(p, 4),
            Cell::maybe(adjusted, 4),
            Cell::text(verdict + other),
        ]);
    }
    table.note(
        "Pairs share seed and fold. The interval of the gap is Student's t over the pairs (over the folds where they are \
         counted: each is averaged over its seeds), of each row by itself, as is the bootstrap; p is of the paired t test \
         (of McNemar's exact test where there is one pair and its predictions).",
    );
    table
}

/// McNemar's test and the paired bootstrap of every pair of runs.
fn sample_by_sample(source: &ScoreSource, contests: &[PairedTest]) -> Option<Table> {
    let all: Vec<(&PairedTest, &Pair)> = contests
        .iter()
        .filter(|c| c.kind == Kind::Method || c.kind == Kind::Control)
        .flat_map(|c| c.pairs.iter().map(move |pair| (c, pair)))
        .collect();
    let first = contests.first().filter(|_| !all.is_empty())?;
    let mut table = Table::new([
        Column::new("method"),
        Column::new("pair"),
        Column::new("samples"),
        Column::new("only the method right"),
        Column::new(format!("only {} right", first.against)),
        Column::new("McNemar, exact p"),
        Column::new("p, Holm"),
        Column::new("χ² with correction"),
        Column::new("p of χ²"),
        Column::new("gap, points [bootstrap]"),
    ])
    .captioned(format!("{}: pairs of runs on the same samples", source.title()));
    let adjusted = holm(&all.iter().map(|(_, pair)| Some(pair.mcnemar.exact)).collect::<Vec<_>>());
    for ((contest, pair), adjusted) in all.into_iter().zip(adjusted) {
        let test = &pair.mcnemar;
        let gap = (test.only_first as f64 - test.only_second as f64) / pair.samples as f64;
        table.row([
            Cell::text(&contest.method),
            Cell::text(&pair.name),
            Cell::count(pair.samples as u64),
            Cell::count(test.only_first),
            Cell::count(test.only_second),
            Cell::number(test.exact, 4),
            Cell::maybe(adjusted, 4),
            Cell::maybe(test.statistic, 2),
            Cell::maybe(test.corrected, 4),
            Cell::range(gap, pair.interval, 100.0, 1),
        ]);
    }
    table.note(
        "Each row judges two trained models, not two methods: the chance of another seed is not in it. The bootstrap draws \
         the samples; Holm's correction is over the rows of this table.",
    );
    Some(table)
}
