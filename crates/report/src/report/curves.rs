//! Curves over the epochs: accuracy of every modality, gradients, suppression.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    measure,
    study::{Method, Study, row_title},
};
use crate::{
    html::{Block, Section},
    plot::{Axis, LinePlot, Series},
    record::{Epoch, Scores},
    statistics::Summary,
};

const BAND: &str = "Curves are means over the runs of a method; the band is one standard deviation. Gaps are epochs \
                    without a finite number.";

/// Score curves of the fused output and of every modality (the paper's Fig. 1a and 1b).
pub(super) fn accuracy(study: &Study<'_>) -> Option<Section> {
    let mut section = Section::new("Every modality over training");
    let plots = |split: fn(&Epoch) -> &Scores, name: &str| -> Vec<Block> {
        let one = |row: &String| {
            let title = format!("{}, {name} split", row_title(row));
            let axis = Axis::new(study.metric.title(&study.options.metric));
            let read = |e: &Epoch| Some(study.metric.factor * split(e).get(row)?.get(&study.options.metric)?);
            plot(study, title, axis, read)
        };
        study.rows.iter().filter_map(one).map(|plot| Block::Figure(plot.figure())).collect()
    };
    let validation = plots(|e| &e.val, "validation");
    let training = plots(|e| &e.train, "training");
    if validation.is_empty() {
        section.say("No epoch holds a validation score, so there are no curves.");
        return Some(section);
    }
    section.say(BAND);
    section.blocks.extend(validation);
    if !training.is_empty() {
        section.push(Block::Details("The same on the training split".into(), training));
    }
    let losses: BTreeSet<&String> =
        study.runs.iter().flat_map(|r| &r.epochs).flat_map(|e| e.losses.keys()).collect();
    let losses: Vec<Block> = losses
        .into_iter()
        .take(12)
        .filter_map(|row| {
            let title = format!("Training loss: {}", row_title(row));
            plot(study, title, Axis::new("loss").log(), |e| e.losses.get(row).copied())
        })
        .map(|plot| Block::Figure(plot.figure()))
        .collect();
    if !losses.is_empty() {
        section.push(Block::Details("Training losses".into(), losses));
    }
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
    let known = measure::KNOWN.iter().map(|m| m.name).filter(|name| found.contains_key(name));
    let others = found.keys().copied().filter(|name| measure::KNOWN.iter().all(|m| m.name != *name));
    for name in known.chain(others).take(MOST) {
        let manner = measure::KNOWN.iter().find(|m| m.name == name);
        for modality in found[name].iter().take(8) {
            let mut axis = Axis::new(manner.map_or(name, |m| m.axis));
            axis.log = manner.is_some_and(|m| m.log);
            let title = format!("{}: {}", manner.map_or(name, |m| m.title), row_title(modality));
            let read = |e: &Epoch| e.diagnostics.get(*modality)?.get(name).copied();
            if let Some(mut plot) = plot(study, title, axis, read) {
                plot.marks
                    .extend(manner.and_then(|m| m.mark).map(|(label, value)| (label.to_owned(), value)));
                section.push(Block::Figure(plot.figure()));
            }
        }
    }
    (!found.is_empty()).then_some(section)
}

/// Measures drawn; each brings a figure per modality.
const MOST: usize = 20;

/// One curve per method; `None` when no run has the number.
fn plot(
    study: &Study<'_>,
    title: String,
    axis: Axis,
    read: impl Fn(&Epoch) -> Option<f64>,
) -> Option<LinePlot> {
    let mut plot = LinePlot::new(title, Axis::new("epoch").whole(), axis);
    for method in &study.methods {
        plot.series.push(series(method, &read));
    }
    plot.series.iter().any(|s| !s.points.is_empty()).then_some(plot)
}

fn series(method: &Method<'_>, read: &impl Fn(&Epoch) -> Option<f64>) -> Series {
    let mut epochs: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for epoch in method.runs.iter().flat_map(|run| &run.epochs) {
        if let Some(value) = read(epoch) {
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
