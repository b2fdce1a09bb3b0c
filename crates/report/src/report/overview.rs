//! Runs in order: grouped by method, with a baseline and a source of numbers.

use std::collections::BTreeSet;

use super::{
    Options, RunSummary,
    method::{is_dgl, kind, only_modality, strategy},
};
use crate::{
    record::{Convention, Kind, Metric, Scores},
    statistics::Summary,
    text::{PLAIN, shorten},
};

pub(super) use crate::text::row_title;

/// Runs of one method.
pub(super) struct Method<'a> {
    pub name: String,
    pub runs: Vec<&'a RunSummary>,
    /// Why it is there; the baseline counts as a method, whatever a study says of it.
    pub kind: Kind,
}

/// Where scores are read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScoreSource {
    /// The test split with this checkpoint.
    Test(String),
    /// The validation split after the last epoch.
    ValidationLast,
}

impl ScoreSource {
    pub fn title(&self) -> String {
        match self {
            Self::Test(checkpoint) => match checkpoint.as_str() {
                "last" => "Test split, last epoch".into(),
                "best" => "Test split, best epoch on validation".into(),
                other => format!("Test split, checkpoint {other}"),
            },
            Self::ValidationLast => "Validation split, last epoch".into(),
        }
    }

    pub fn scores<'a>(&self, run: &'a RunSummary) -> Option<&'a Scores> {
        match self {
            Self::Test(checkpoint) => run.test(checkpoint).map(|t| &t.scores),
            Self::ValidationLast => run.epochs.iter().rev().map(|e| &e.val).find(|val| !val.is_empty()),
        }
    }

    /// Names of the test samples, where a run's predictions are there.
    pub fn samples<'a>(&self, run: &'a RunSummary) -> Option<&'a [String]> {
        let Self::Test(checkpoint) = self else { return None };
        let of = run.predictions.iter().find(|p| p.checkpoint == *checkpoint)?;
        (!of.ids.is_empty()).then_some(of.ids.as_slice())
    }
}

/// Curves that can be told apart in one picture.
const FEW: usize = 5;

/// The row of all modalities together.
pub(super) const FUSED: &str = "fused";

pub(super) struct Overview<'a> {
    pub runs: &'a [RunSummary],
    pub options: &'a Options,
    pub metric: Metric,
    pub methods: Vec<Method<'a>>,
    /// Index into `methods`; meaningless without methods.
    pub baseline: usize,
    /// Index of the method in question, which the summary is about.
    pub focus: Option<usize>,
    /// The fused row first, then the modalities that any run scored alone, in the model's order.
    pub rows: Vec<String>,
    /// What results are read from: every kind of look at the test split, the
    /// last epoch first, or validation when there was none.
    pub sources: Vec<ScoreSource>,
}

impl<'a> Overview<'a> {
    pub fn new(runs: &'a [RunSummary], options: &'a Options) -> Self {
        let mut groups: Vec<(&str, Vec<&RunSummary>)> = Vec::new();
        for run in runs {
            let name = if run.method.is_empty() { &run.name } else { &run.method };
            match groups.iter_mut().find(|(known, _)| known == name) {
                Some((_, group)) => group.push(run),
                None => groups.push((name, vec![run])),
            }
        }
        let wanted = options.baseline.as_deref().unwrap_or("joint");
        let called = groups.iter().position(|(name, _)| *name == wanted);
        let trained = || groups.iter().position(|(_, runs)| strategy(runs[0]).as_deref() == Some(wanted));
        let baseline = called.or_else(trained).unwrap_or(0);
        let compared = groups.get(baseline).map(|(_, runs)| runs[0]);
        let methods = groups
            .iter()
            .enumerate()
            .map(|(i, (name, runs))| Method {
                // A name is repeated in every table and legend: its length is the page's.
                name: shorten(name, 80),
                kind: match compared {
                    Some(compared) if i != baseline => kind(runs[0], compared),
                    _ => Kind::Method,
                },
                runs: runs.clone(),
            })
            .collect();
        let metric = Metric::find(&options.metric, runs.iter().flat_map(|run| &run.metrics));
        let (rows, sources) = (rows(runs), sources(runs));
        let mut overview = Self { runs, options, metric, methods, baseline, focus: None, rows, sources };
        overview.focus = overview.in_question();
        overview.sort();
        overview
    }

    /// Puts the methods into the order of tables and legends: the baseline, the
    /// method in question, controls, other methods, references.
    fn sort(&mut self) {
        let [baseline, focus] =
            [Some(self.baseline), self.focus].map(|i| Some(self.methods.get(i?)?.name.clone()));
        self.methods.sort_by_key(|m| {
            let is = |name: &Option<String>| Some(&m.name) == name.as_ref();
            (!is(&baseline), !is(&focus), m.kind)
        });
        self.baseline = 0;
        self.focus = self.focus.map(|_| 1);
    }

    /// The methods a first picture shows, by index: those the summary speaks
    /// of. All where they are few.
    pub fn featured(&self, row: &str) -> Vec<usize> {
        let wanted = |i: &usize| {
            let method = &self.methods[*i];
            match method.kind {
                _ if *i == self.baseline => true,
                Kind::Control => true,
                Kind::Method => Some(*i) == self.focus,
                Kind::Reference | Kind::Average => only_modality(method.runs[0]).as_deref() == Some(row),
            }
        };
        let all = 0..self.methods.len();
        if self.methods.len() <= FEW { all.collect() } else { all.filter(wanted).collect() }
    }

    /// DGL where it was trained, else what is best on validation: a choice by
    /// the test split would flatter.
    fn in_question(&self) -> Option<usize> {
        let of = |wanted: fn(&Method<'_>) -> bool| -> Vec<usize> {
            (0..self.methods.len()).filter(|i| *i != self.baseline && wanted(&self.methods[*i])).collect()
        };
        let pools = [
            of(|m| m.name == "dgl"),
            of(|m| m.kind == Kind::Method && is_dgl(m.runs[0])),
            of(|m| m.kind == Kind::Method),
            of(|_| true),
        ];
        let pool = pools.into_iter().find(|pool| !pool.is_empty())?;
        let score = |i: &usize| {
            Summary::of(&self.values(&self.methods[*i], &ScoreSource::ValidationLast, self.row())).mean
        };
        pool.into_iter().reduce(|a, b| match (score(&a), score(&b)) {
            (Some(old), Some(new)) if self.metric.beats(new, old) => b,
            (None, Some(_)) => b,
            _ => a,
        })
    }

    /// The metric that selected the runs' epochs; the one they are judged by where that was not recorded.
    pub fn selecting(&self) -> Metric {
        let name = self.runs.iter().map(|run| &run.metric).find(|name| !name.is_empty());
        Metric::find(name.unwrap_or(&self.metric.name), self.runs.iter().flat_map(|run| &run.metrics))
    }

    /// The row that methods are judged by: the fused one where there is one.
    pub fn row(&self) -> &str {
        self.rows.first().map_or(FUSED, String::as_str)
    }

    /// The rows of single modalities: neither the fused one nor the same without a readout.
    pub fn unimodal_rows(&self) -> impl Iterator<Item = &String> {
        self.rows.iter().filter(|row| ![FUSED, PLAIN].contains(&row.as_str()))
    }

    /// The name of the baseline.
    pub fn baseline_name(&self) -> &str {
        self.methods.get(self.baseline).map_or("", |m| m.name.as_str())
    }

    /// The score of every run of a method, NaN where it is missing.
    pub fn values(&self, method: &Method<'_>, source: &ScoreSource, row: &str) -> Vec<f64> {
        method.runs.iter().map(|run| self.value(run, source, row)).collect()
    }

    /// The score of a run, NaN when it is missing; of a single modality by the
    /// convention that its method rests on.
    pub fn value(&self, run: &RunSummary, source: &ScoreSource, row: &str) -> f64 {
        let scores = source.scores(run);
        // A model of one modality is the reference as it is, and keeps its readout for others.
        let plain = row == FUSED && run.modalities.len() == 1;
        let plain = plain && scores.is_some_and(|scores| scores.contains_key(PLAIN));
        let row = if plain { PLAIN } else { row };
        let values = scores.and_then(|scores| run.unimodal.values(scores, row));
        values.and_then(|values| values.get(&self.metric.name)).copied().unwrap_or(f64::NAN)
    }

    /// Mean and spread of a method, e.g. `98.6 ± 0.3 %`.
    pub fn reached(&self, method: &Method<'_>, source: &ScoreSource, row: &str) -> Option<String> {
        let summary = Summary::of(&self.values(method, source, row));
        let spread = summary.sd.map(|sd| format!(" ± {}", self.metric.number(sd))).unwrap_or_default();
        Some(format!("{}{spread}{}", self.metric.number(summary.mean?), self.metric.sign()))
    }

    /// Runs of two methods that share seed and fold. Runs without both are
    /// paired only when each method has a single run.
    pub fn pairs(&self, first: &Method<'a>, second: &Method<'a>) -> Vec<(&'a RunSummary, &'a RunSummary)> {
        if let ([a], [b]) = (first.runs.as_slice(), second.runs.as_slice()) {
            return vec![(a, b)];
        }
        let partner = |a: &'a RunSummary| {
            let known = a.seed.is_some() || a.fold.is_some();
            second.runs.iter().find(|b| known && b.pair() == a.pair()).map(|b| (a, *b))
        };
        first.runs.iter().filter_map(|a| partner(a)).collect()
    }

    /// The baseline and every other method with its index.
    pub fn against(&self) -> impl Iterator<Item = (usize, &Method<'a>, &Method<'a>)> {
        let others = self.methods.iter().enumerate().filter(|(i, _)| *i != self.baseline);
        others.filter_map(|(i, method)| Some((i, method, self.methods.get(self.baseline)?)))
    }
}

/// Rows shown; no model has more modalities than this.
const MOST_ROWS: usize = 12;

fn rows(runs: &[RunSummary]) -> Vec<String> {
    let scored: BTreeSet<&String> = runs
        .iter()
        .flat_map(|run| {
            let epochs = run.epochs.iter().flat_map(|e| e.val.keys());
            epochs.chain(run.tests.iter().flat_map(|t| t.scores.keys()))
        })
        .collect();
    let mut rows: Vec<String> = Vec::new();
    let fused = FUSED.to_owned();
    let wanted = runs.iter().flat_map(|run| &run.modalities);
    for row in [&fused].into_iter().chain(wanted).chain(scored.iter().copied()) {
        let plain = Convention::of_row(row).0 == Convention::ZeroFill;
        if plain && scored.contains(row) && !rows.contains(row) {
            rows.push(row.clone());
        }
    }
    rows.truncate(MOST_ROWS);
    rows
}

fn sources(runs: &[RunSummary]) -> Vec<ScoreSource> {
    let looks = runs.iter().flat_map(|run| &run.tests).filter(|t| t.split == "test");
    let mut names: Vec<&str> = looks.map(|t| t.checkpoint.as_str()).collect();
    names.sort_by_key(|name| (*name != "last", *name != "best", *name));
    names.dedup();
    if names.is_empty() {
        return vec![ScoreSource::ValidationLast];
    }
    names.into_iter().take(4).map(|name| ScoreSource::Test(name.to_owned())).collect()
}
