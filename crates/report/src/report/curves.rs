//! Curves over the epochs: accuracy of every modality, gradients, suppression.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    RunSummary, measure,
    method::strategy,
    overview::{Method, Overview, ScoreSource, row_title},
};
use crate::{
    html::{Block, Section},
    plot::{Axis, LinePlot, Series},
    record::{Epoch, Values},
    statistics::Summary,
    text::shorten,
};

const BAND: &str = "Curves are means over the runs of a method; the band is one standard deviation. Gaps are epochs \
                    without a finite number.";

/// Where the values of a row stand in an epoch of a run.
type Split = for<'a> fn(&'a RunSummary, &'a Epoch, &str) -> Option<&'a Values>;

/// Score curves of the fused output and of every modality (the paper's Fig. 1a and 1b).
pub(super) fn accuracy(overview: &Overview<'_>) -> Option<Section> {
    let mut section = Section::new("Every modality over training");
    let plots = |split: Split, name: &str| {
        let panels =
            overview.rows.iter().map(|row| Panel { row, title: format!("{}, {name} split", row_title(row)) });
        let axis = Axis::new(overview.metric.heading());
        let read = |run: &RunSummary, e: &Epoch, row: &str| {
            Some(overview.metric.factor() * split(run, e, row)?.get(&overview.metric.name)?)
        };
        Plots::of(overview, panels.collect(), &axis, None, read)
    };
    let validation = plots(|run, e, row| run.unimodal.values(&e.val, row), "validation");
    if validation.first.is_empty() {
        section.say("No epoch has a validation score, so there are no curves.");
        return Some(section);
    }
    section.say(BAND);
    if let Some(words) = overview.conventions(&ScoreSource::ValidationLast) {
        section.say(words);
    }
    section.blocks.extend(validation.first);
    let losses: BTreeSet<&String> =
        overview.runs.iter().flat_map(|r| &r.epochs).flat_map(|e| e.losses.keys()).collect();
    let panels =
        losses.iter().take(12).map(|row| Panel { row, title: format!("Training loss: {}", row_title(row)) });
    let losses = Plots::of(overview, panels.collect(), &Axis::new("loss").log(), None, |_, e, row| {
        e.losses.get(row).copied()
    });
    let training = plots(|run, e, row| run.unimodal.trained(&e.train, row), "training");
    section.fold("All methods", validation.all);
    section.fold("The same on the training split", training.whole());
    section.fold("Training losses", losses.whole());
    Some(section)
}

/// Gradient and suppression curves (Fig. 1c and 3), and any other diagnostic.
pub(super) fn diagnostics(overview: &Overview<'_>) -> Option<Section> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for epoch in overview.runs.iter().flat_map(|run| &run.epochs) {
        for (modality, values) in &epoch.diagnostics {
            values.keys().for_each(|name| {
                found.entry(name).or_default().insert(modality);
            });
        }
    }
    let mut section = Section::new("Gradients and suppression");
    section.say(EXPLAINED);
    let known = measure::KNOWN.iter().map(|m| m.name).filter(|name| found.contains_key(name));
    let others = found.keys().copied().filter(|name| measure::KNOWN.iter().all(|m| m.name != *name));
    let selects = overview.selecting();
    let (mut more, mut all) = (Vec::new(), Vec::new());
    for name in known.chain(others).take(MOST) {
        let manner = measure::KNOWN.iter().find(|m| m.name == name);
        let score = measure::score_title(name, &selects);
        let factor = if score.is_some() { selects.factor() } else { 1.0 };
        let axis = manner.map_or(name, |m| m.axis).to_owned();
        let mut axis = Axis::new(if score.is_some() { selects.heading() } else { axis });
        axis.log = manner.is_some_and(|m| m.log);
        let what = score.as_deref().or(manner.map(|m| m.title)).unwrap_or(name);
        let title = |row: &str| format!("{what}: {}", row_title(row));
        let panels = found[name].iter().take(8).map(|row| Panel { row, title: title(row) }).collect();
        let read = |_: &RunSummary, e: &Epoch, row: &str| Some(factor * e.diagnostics.get(row)?.get(name)?);
        let plots = Plots::of(overview, panels, &axis, manner.and_then(|m| m.mark), read);
        let place = if measure::FIRST.contains(&name) { &mut section.blocks } else { &mut more };
        place.extend(plots.first);
        all.extend(plots.all);
    }
    section.fold("Further diagnostics", more);
    section.fold("All methods", all);
    (!found.is_empty()).then_some(section)
}

/// What each strategy says of its own steps, such as ratios, factors and weights.
pub(super) fn strategies(overview: &Overview<'_>) -> Option<Section> {
    let mut found: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let names: Vec<String> =
        overview.runs.iter().map(|run| strategy(run).unwrap_or_else(|| run.method.clone())).collect();
    for (run, name) in overview.runs.iter().zip(&names) {
        for (row, values) in run.epochs.iter().flat_map(|epoch| &epoch.strategy) {
            let of = found.entry(name.as_str()).or_default();
            for number in values.keys() {
                of.entry(number).or_default().insert(row);
            }
        }
    }
    let mut section = Section::new("What the methods do");
    section.say(
        "Numbers that a method steers by, as it says them of its own steps: means over the steps of an epoch that had them.",
    );
    for (name, numbers) in &found {
        let mut blocks = Vec::new();
        for (number, rows) in numbers.iter().take(MOST) {
            let is_its = |run: &RunSummary| {
                overview.runs.iter().zip(&names).any(|(other, of)| std::ptr::eq(other, run) && of == name)
            };
            let legend =
                overview.runs.iter().filter(|run| is_its(run)).find_map(|run| run.legend.get(*number));
            let axis = Axis::new(legend.map_or_else(|| shorten(number, 60), |what| shorten(what, 60)));
            let title = |row: &str| format!("{name}, {number}: {}", row_title(row));
            let panels = rows.iter().take(8).map(|row| Panel { row, title: title(row) }).collect();
            let read = |run: &RunSummary, epoch: &Epoch, row: &str| {
                is_its(run).then(|| epoch.strategy.get(row)?.get(*number).copied()).flatten()
            };
            blocks.extend(Plots::of(overview, panels, &axis, None, read).whole());
        }
        match found.len() {
            1 => section.blocks.extend(blocks),
            _ => section.fold(shorten(name, 60), blocks),
        }
    }
    (!found.is_empty()).then_some(section)
}

const EXPLAINED: &str = "Gradients are measured at the features of a modality, for the fused and for the unimodal \
                         loss at the same parameters; where the fused one vanishes first, the encoder stops \
                         learning before it has solved its task. Suppression is the factor by which the other \
                         modalities scale a sample's error signal: 1 means no change, below 1 a loss of signal.";

/// Measures drawn; each brings a figure per modality.
const MOST: usize = 20;

/// One of several pictures of the same number.
struct Panel<'a> {
    row: &'a str,
    title: String,
}

/// The same pictures twice: of the methods that matter most, and of all where these are more.
struct Plots {
    first: Vec<Block>,
    all: Vec<Block>,
}

impl Plots {
    /// A picture for each panel with one curve per method, all on the same axes;
    /// none where no run has the number.
    fn of(
        overview: &Overview<'_>,
        panels: Vec<Panel<'_>>,
        axis: &Axis,
        mark: Option<(&str, f64)>,
        read: impl Fn(&RunSummary, &Epoch, &str) -> Option<f64>,
    ) -> Self {
        let draw = |methods: &dyn Fn(&str) -> Vec<usize>| {
            let curve = |i: usize, row: &str| {
                let series = series(&overview.methods[i], &|run, epoch| read(run, epoch, row));
                Series { look: Some(i), ..series }
            };
            let mut plots: Vec<LinePlot> = Vec::new();
            for Panel { row, title } in &panels {
                let mut plot = LinePlot::new(title, Axis::new("epoch").whole(), axis.clone());
                let curves = methods(row).into_iter().map(|i| curve(i, row));
                plot.series = curves.filter(|s| !s.points.is_empty()).collect();
                plot.marks.extend(mark.map(|(label, value)| (label.to_owned(), value)));
                if !plot.series.is_empty() {
                    plots.push(plot);
                }
            }
            let curves = || plots.iter().flat_map(|plot| &plot.series);
            let points = curves().flat_map(|s| s.points.iter().map(|p| p[1]));
            let bands = curves().flat_map(|s| s.band.iter().flat_map(|b| [b[1], b[2]]));
            let y = axis.clone().spanning(points.chain(bands).chain(mark.map(|(_, value)| value)));
            let figure = |plot: LinePlot| Block::Figure(LinePlot { y: y.clone(), ..plot }.figure());
            plots.clone().into_iter().map(figure).collect::<Vec<_>>()
        };
        let featured = |row: &str| overview.featured(row);
        let everyone = |_: &str| (0..overview.methods.len()).collect();
        let more = panels.iter().any(|panel| featured(panel.row).len() < overview.methods.len());
        Self { first: draw(&featured), all: if more { draw(&everyone) } else { Vec::new() } }
    }

    /// The pictures of all methods.
    fn whole(self) -> Vec<Block> {
        if self.all.is_empty() { self.first } else { self.all }
    }
}

fn series(method: &Method<'_>, read: &impl Fn(&RunSummary, &Epoch) -> Option<f64>) -> Series {
    let mut epochs: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (run, epoch) in method.runs.iter().flat_map(|run| run.epochs.iter().map(move |e| (run, e))) {
        if let Some(value) = read(run, epoch) {
            epochs.entry(epoch.epoch).or_default().push(value);
        }
    }
    let mut series = Series::new(&method.name, []);
    for (epoch, values) in epochs {
        let summary = Summary::of(&values);
        let (x, mean) = (epoch as f64, summary.mean.unwrap_or(f64::NAN));
        series.points.push([x, mean]);
        let sd = summary.sd.unwrap_or(f64::NAN);
        series.band.push([x, mean - sd, mean + sd]);
    }
    series
}
