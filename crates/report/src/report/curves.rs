//! Curves over the epochs: accuracy of every modality, gradients, suppression.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    RunSummary, measure,
    study::{Method, Source, Study, row_title},
};
use crate::{
    html::{Block, Section},
    plot::{Axis, LinePlot, Series},
    record::{Epoch, Values},
    statistics::Summary,
};

const BAND: &str = "Curves are means over the runs of a method; the band is one standard deviation. Gaps are epochs \
                    without a finite number.";

/// Where the values of a row stand in an epoch of a run.
type Split = for<'a> fn(&'a RunSummary, &'a Epoch, &str) -> Option<&'a Values>;

/// Score curves of the fused output and of every modality (the paper's Fig. 1a and 1b).
pub(super) fn accuracy(study: &Study<'_>) -> Option<Section> {
    let mut section = Section::new("Every modality over training");
    let plots = |split: Split, name: &str| -> Plots {
        let one = |row: &String| {
            let title = format!("{}, {name} split", row_title(row));
            let axis = Axis::new(study.metric.title(&study.options.metric));
            let read = |run: &RunSummary, e: &Epoch| {
                Some(study.metric.factor * split(run, e, row)?.get(&study.options.metric)?)
            };
            Plots::of(study, row, title, axis, None, read)
        };
        study.rows.iter().map(one).collect()
    };
    let validation = plots(|run, e, row| run.alone.values(&e.val, row), "validation");
    if validation.first.is_empty() {
        section.say("No epoch holds a validation score, so there are no curves.");
        return Some(section);
    }
    section.say(BAND);
    if let Some(words) = study.conventions(&Source::ValidationLast) {
        section.say(words);
    }
    section.blocks.extend(validation.first);
    let losses: BTreeSet<&String> =
        study.runs.iter().flat_map(|r| &r.epochs).flat_map(|e| e.losses.keys()).collect();
    let loss = |row: &&String| {
        let title = format!("Training loss: {}", row_title(row));
        Plots::of(study, row, title, Axis::new("loss").log(), None, |_, e| e.losses.get(*row).copied())
    };
    let losses: Plots = losses.iter().take(12).map(loss).collect();
    let training = plots(|run, e, row| run.alone.trained(&e.train, row), "training");
    section.fold("All methods", validation.all);
    section.fold("The same on the training split", training.whole());
    section.fold("Training losses", losses.whole());
    Some(section)
}

/// Gradient and suppression curves (Fig. 1c and 3), and any other diagnostic.
pub(super) fn diagnostics(study: &Study<'_>) -> Option<Section> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for epoch in study.runs.iter().flat_map(|run| &run.epochs) {
        for (modality, values) in &epoch.diagnostics {
            values.keys().for_each(|name| {
                found.entry(name).or_default().insert(modality);
            });
        }
    }
    let mut section = Section::new("Inside: gradients and suppression");
    section.say(EXPLAINED);
    let known = measure::KNOWN.iter().map(|m| m.name).filter(|name| found.contains_key(name));
    let others = found.keys().copied().filter(|name| measure::KNOWN.iter().all(|m| m.name != *name));
    let (mut more, mut all) = (Vec::new(), Vec::new());
    for name in known.chain(others).take(MOST) {
        let manner = measure::KNOWN.iter().find(|m| m.name == name);
        for modality in found[name].iter().take(8) {
            let mut axis = Axis::new(manner.map_or(name, |m| m.axis));
            axis.log = manner.is_some_and(|m| m.log);
            let title = format!("{}: {}", manner.map_or(name, |m| m.title), row_title(modality));
            let read = |_: &RunSummary, e: &Epoch| e.diagnostics.get(*modality)?.get(name).copied();
            let plots = Plots::of(study, modality, title, axis, manner.and_then(|m| m.mark), read);
            let place = if measure::FIRST.contains(&name) { &mut section.blocks } else { &mut more };
            place.extend(plots.first);
            all.extend(plots.all);
        }
    }
    section.fold("Further diagnostics", more);
    section.fold("All methods", all);
    (!found.is_empty()).then_some(section)
}

const EXPLAINED: &str = "Gradients are measured at the features of a modality, for the fused loss and for the modality's own loss \
                         at the same parameters; where the fused one dies first, the encoder stops learning with its task \
                         unsolved. Suppression is the factor by which the other modalities scale a sample's error signal: 1 \
                         changes nothing, below 1 takes signal away.";

/// Measures drawn; each brings a figure per modality.
const MOST: usize = 20;

/// The same pictures twice: of the methods that matter most, and of all where these are more.
#[derive(Default)]
struct Plots {
    first: Vec<Block>,
    all: Vec<Block>,
}

impl Plots {
    /// One curve per method; no picture when no run has the number.
    fn of(
        study: &Study<'_>,
        row: &str,
        title: String,
        axis: Axis,
        mark: Option<(&str, f64)>,
        read: impl Fn(&RunSummary, &Epoch) -> Option<f64>,
    ) -> Self {
        let featured = study.featured(row);
        let everyone: Vec<usize> = (0..study.methods.len()).collect();
        let draw = |methods: &[usize]| {
            let mut plot = LinePlot::new(title.clone(), Axis::new("epoch").whole(), axis.clone());
            let curve = |i: &usize| Series { look: Some(*i), ..series(&study.methods[*i], &read) };
            plot.series = methods.iter().map(curve).filter(|s| !s.points.is_empty()).collect();
            plot.marks.extend(mark.map(|(label, value)| (label.to_owned(), value)));
            (!plot.series.is_empty()).then(|| Block::Figure(plot.figure()))
        };
        let mut plots = Self { first: draw(&featured).into_iter().collect(), all: Vec::new() };
        if featured.len() < everyone.len() {
            plots.all = draw(&everyone).into_iter().collect();
        }
        plots
    }

    /// The pictures of all methods.
    fn whole(self) -> Vec<Block> {
        if self.all.is_empty() { self.first } else { self.all }
    }
}

impl FromIterator<Self> for Plots {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        parts.into_iter().fold(Self::default(), |mut whole, part| {
            whole.first.extend(part.first);
            whole.all.extend(part.all);
            whole
        })
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
