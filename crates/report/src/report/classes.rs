//! Confusion matrices and what each class gained.

use super::{
    method::only_modality,
    study::{FULL, Method, Source, Study, row_title},
};
use crate::{
    html::{Block, Section},
    plot::{Axis, Dot, DotPlot, HeatMap, Mark},
    record::Confusion,
    statistics::Comparison,
    table::{Cell, Column, Table},
    text::shorten,
};

/// Methods whose matrices are drawn.
const MOST: usize = 12;

/// Confusion matrices of every method, summed over its runs.
pub(super) fn confusions(study: &Study<'_>) -> Option<Section> {
    let source = source(study)?;
    let mut section = Section::new("Confusions");
    section.say(format!(
        "{}, counts summed over the runs of a method; colour is the share of the true class.",
        source.title()
    ));
    let (mut alone, mut others, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for (i, method) in study.methods.iter().take(MOST).enumerate() {
        let asked = i == study.baseline || Some(i) == study.focus;
        for row in &study.rows {
            let Some(counts) = summed(method, source, row) else { continue };
            let title = format!("{}: {}", method.name, row_title(row));
            let figure = Block::Figure(HeatMap::confusion(title, classes(study), &counts).figure());
            match (row == FULL, asked) {
                (true, true) => {
                    section.push(figure);
                    tables.push(Block::Table(worst(study, method, &counts)));
                }
                (true, false) => others.push(figure),
                // A model of one modality says the same twice.
                (false, _) if only_modality(method.runs[0]).is_some() => {}
                (false, true) => alone.push(figure),
                (false, false) => {}
            }
        }
    }
    section.blocks.extend(tables);
    section.fold("Modalities alone", alone);
    section.fold("The other methods", others);
    if study.methods.len() > MOST {
        section.say(format!("{} more methods are not drawn.", study.methods.len() - MOST));
    }
    Some(section)
}

/// What a class gained.
pub(super) struct Gain {
    pub class: String,
    pub gap: Comparison,
}

/// Recall of every class under one method minus that under another, over pairs of runs.
pub(super) fn recall_gains<'a>(
    study: &Study<'a>,
    source: &Source,
    method: &Method<'a>,
    baseline: &Method<'a>,
) -> Vec<Gain> {
    let recalls: Vec<(Vec<f64>, Vec<f64>)> = study
        .pairs(method, baseline)
        .iter()
        .filter_map(|(a, b)| Some((recall(counts(a, source, FULL)?), recall(counts(b, source, FULL)?))))
        .collect();
    let classes = recalls.iter().map(|(a, b)| a.len().min(b.len())).min().unwrap_or(0);
    (0..classes)
        .map(|class| {
            let (a, b): (Vec<f64>, Vec<f64>) = recalls.iter().map(|(a, b)| (a[class], b[class])).unzip();
            Gain {
                class: class_name(study, class),
                gap: Comparison::paired(&a, &b, &study.options.resampling),
            }
        })
        .collect()
}

/// Per-class recall against the baseline.
pub(super) fn gains(study: &Study<'_>) -> Option<Section> {
    let source = source(study)?;
    let mut section = Section::new("Gain per class");
    section.say(format!(
        "{}, fused: recall of each class minus the baseline's, mean over pairs of runs with Student's t interval. The \
         intervals are of single classes and not corrected for their number.",
        source.title()
    ));
    let mut others = Vec::new();
    for (i, method, baseline) in study.against().take(MOST) {
        let dot = |gain: Gain| Dot {
            name: gain.class,
            value: gain.gap.difference.map_or(f64::NAN, |d| 100.0 * d),
            interval: gain.gap.interval.map(|i| i.scaled(100.0)).map(|i| [i.low, i.high]),
            colour: i,
        };
        let mut dots: Vec<Dot> = recall_gains(study, source, method, baseline).into_iter().map(dot).collect();
        if dots.is_empty() {
            continue;
        }
        // Missing values last, else the largest gain first.
        dots.sort_by(|a, b| b.value.is_finite().cmp(&a.value.is_finite()).then(b.value.total_cmp(&a.value)));
        let title = format!("{} over {}", method.name, baseline.name);
        let plot =
            DotPlot { mark: Mark::Bar, reference: Some(0.0), dots, ..DotPlot::new(title, gain_axis()) };
        let place = if Some(i) == study.focus { &mut section.blocks } else { &mut others };
        place.push(Block::Figure(plot.figure()));
    }
    let any = section.blocks.len() > 1 || !others.is_empty();
    section.fold("The other methods", others);
    any.then_some(section)
}

fn gain_axis() -> Axis {
    Axis::new("gain in recall, points")
}

/// The first source any run has a confusion matrix for.
pub(super) fn source<'a>(study: &'a Study<'_>) -> Option<&'a Source> {
    study.sources.iter().find(|source| {
        study.runs.iter().any(|run| study.rows.iter().any(|r| counts(run, source, r).is_some()))
    })
}

fn counts<'a>(run: &'a super::RunSummary, source: &Source, row: &str) -> Option<&'a Confusion> {
    let Source::Test(checkpoint) = source else { return None };
    run.test(checkpoint)?.confusion.get(row).filter(|counts| !counts.is_empty())
}

/// The sum over the runs of a method; ragged matrices are as wide as their widest row.
fn summed(method: &Method<'_>, source: &Source, row: &str) -> Option<Confusion> {
    let all: Vec<&Confusion> = method.runs.iter().filter_map(|run| counts(run, source, row)).collect();
    let rows = all.iter().map(|c| c.len()).max()?;
    let columns = all.iter().flat_map(|c| c.iter().map(Vec::len)).max()?;
    let mut sum = vec![vec![0_u64; columns]; rows];
    for (i, row) in all.iter().flat_map(|c| c.iter().enumerate()) {
        for (j, count) in row.iter().enumerate() {
            sum[i][j] = sum[i][j].saturating_add(*count);
        }
    }
    Some(sum)
}

/// Share of each true class that was predicted right; NaN without samples.
fn recall(counts: &Confusion) -> Vec<f64> {
    let share = |(i, row): (usize, &Vec<u64>)| {
        let total: f64 = row.iter().map(|n| *n as f64).sum();
        row.get(i).map_or(f64::NAN, |right| *right as f64 / total)
    };
    counts.iter().enumerate().map(share).collect()
}

/// The pairs that are mistaken most often.
fn worst(study: &Study<'_>, method: &Method<'_>, counts: &Confusion) -> Table {
    let mut table =
        Table::new(["true class", "taken for", "samples", "share of the class, %"].map(Column::new))
            .captioned(format!("{}: most frequent confusions", method.name));
    let mut pairs: Vec<(u64, usize, usize)> = Vec::new();
    for (i, row) in counts.iter().enumerate() {
        pairs.extend(row.iter().enumerate().filter(|(j, n)| i != *j && **n > 0).map(|(j, n)| (*n, i, j)));
    }
    pairs.sort_by_key(|(n, i, j)| (std::cmp::Reverse(*n), *i, *j));
    for (n, i, j) in pairs.iter().take(5) {
        let total: f64 = counts[*i].iter().map(|n| *n as f64).sum();
        let [from, to] = [*i, *j].map(|class| Cell::text(class_name(study, class)));
        table.row([from, to, Cell::count(*n), Cell::number(100.0 * *n as f64 / total, 1)]);
    }
    if pairs.is_empty() {
        table.note("None: every sample is on the diagonal.");
    }
    table
}

fn classes<'a>(study: &'a Study<'_>) -> &'a [String] {
    study.runs.iter().map(|run| run.classes.as_slice()).find(|c| !c.is_empty()).unwrap_or_default()
}

fn class_name(study: &Study<'_>, class: usize) -> String {
    classes(study).get(class).map_or_else(|| format!("class {class}"), |name| shorten(name, 60))
}
