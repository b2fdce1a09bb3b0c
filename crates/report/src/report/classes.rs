//! Confusion matrices and what each class gained.

use super::{
    RunSummary,
    fold::folds,
    footing::Footing,
    method::only_modality,
    overview::{FUSED, Method, Overview, ScoreSource, row_title},
};
use crate::{
    html::{Block, Section},
    plot::{Axis, Dot, DotPlot, HeatMap, Mark},
    record::Confusion,
    statistics::{Comparison, Resampling, Summary},
    table::{Better, Cell, Column, Table},
    text::shorten,
};

/// Methods whose matrices are drawn.
const MOST: usize = 12;
/// Classes at either end that are drawn where they are too many.
const ENDS: usize = 20;

/// Confusion matrices of every method, summed over its runs; of many classes
/// the pairs that are mistaken most often.
pub(super) fn confusions(overview: &Overview<'_>) -> Option<Section> {
    let source = source(overview)?;
    let mut section = Section::new("Confusions");
    let drawn = classes(overview).len() <= HeatMap::MOST_CLASSES;
    section.say(if drawn {
        format!(
            "{}, counts summed over the runs of a method; colour is the share of the true class.",
            source.title()
        )
    } else {
        format!(
            "{}, counts summed over the runs of a method. A matrix of {} classes cannot be read; these are the most \
             frequent confusions.",
            source.title(),
            classes(overview).len()
        )
    });
    let (mut unimodal, mut others, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    for (i, method) in overview.methods.iter().take(MOST).enumerate() {
        let asked = i == overview.baseline || Some(i) == overview.focus;
        for row in &overview.rows {
            let Some(counts) = summed(method, source, row) else { continue };
            let title = format!("{}: {}", overview.called(method, source, row), row_title(row));
            let figure = (counts.classes() <= HeatMap::MOST_CLASSES)
                .then(|| HeatMap { colour: i, ..HeatMap::confusion(title, classes(overview), &counts) })
                .map(|map| Block::Figure(map.figure()));
            match (row == FUSED, asked) {
                (true, true) => {
                    section.blocks.extend(figure);
                    tables.push(Block::Table(worst(overview, method, &counts)));
                }
                (true, false) => others.extend(figure),
                // A model of one modality says the same twice.
                (false, _) if only_modality(method.runs[0]).is_some() => {}
                (false, true) => unimodal.extend(figure),
                (false, false) => {}
            }
        }
    }
    section.blocks.extend(tables);
    section.fold("Unimodal scores", unimodal);
    section.fold("The other methods", others);
    if overview.methods.len() > MOST {
        let more = overview.methods.len() - MOST;
        let methods = if more == 1 { "method is" } else { "methods are" };
        section.say(format!("{more} more {methods} not drawn."));
    }
    Some(section)
}

/// Intersection over union of every class under every method; nothing where
/// classes are not areas.
pub(super) fn areas(overview: &Overview<'_>) -> Option<Section> {
    let source = source(overview).filter(|_| areal(overview))?;
    let columns = overview.methods.iter().map(|m| Column::new(&m.name).best(Better::Higher));
    let mut table = Table::new(std::iter::once(Column::new("class")).chain(columns))
        .captioned(format!("{}: fused IoU of each class, %", source.title()));
    for (place, class) in classes(overview).iter().enumerate() {
        let cell = |method: &Method<'_>| {
            let values: Vec<f64> = method
                .runs
                .iter()
                .filter_map(|run| Some(by_class(run, source, FUSED)?.get(place).copied().unwrap_or(f64::NAN)))
                .collect();
            match Summary::of(&values) {
                Summary { n: 0, .. } => Cell::none(),
                summary => Cell::spread(&summary, 100.0, 1),
            }
        };
        let cells = overview.methods.iter().map(cell);
        table.row(std::iter::once(Cell::text(shorten(class, 60))).chain(cells));
    }
    table.note(
        "Mean ± standard deviation over runs. A class without a true pixel in the split has no IoU and does not enter mIoU.",
    );
    let mut section = Section::new("IoU per class");
    section.push(Block::Table(table));
    Some(section)
}

/// What a class gained.
pub(super) struct Gain {
    pub class: String,
    pub gap: Comparison,
}

/// What the value of a class is called: its IoU where classes are areas, else its recall.
pub(super) fn measure(overview: &Overview<'_>) -> &'static str {
    if areal(overview) { "IoU" } else { "recall" }
}

/// Recall (IoU of areas) of every class under one method minus that under another, over pairs of runs.
pub(super) fn class_gains<'a>(
    overview: &Overview<'a>,
    source: &ScoreSource,
    method: &Method<'a>,
    baseline: &Method<'a>,
) -> Vec<Gain> {
    let (mut pairs, mut values) = (Vec::new(), Vec::new());
    for pair in overview.pairs(method, baseline) {
        if let Some(both) = by_class(pair.0, source, FUSED).zip(by_class(pair.1, source, FUSED)) {
            pairs.push(pair);
            values.push(both);
        }
    }
    let folds = folds(&pairs, source);
    let classes = values.iter().map(|(a, b)| a.len().min(b.len())).min().unwrap_or(0);
    // The bootstrap is not shown for single classes, and there may be thousands.
    let plan = Resampling { draws: 0, ..overview.options.resampling };
    let mut gains: Vec<Gain> = (0..classes)
        .map(|class| {
            let (a, b): (Vec<f64>, Vec<f64>) = values.iter().map(|(a, b)| (a[class], b[class])).unzip();
            Gain { class: class_name(overview, class), gap: Comparison::grouped(&a, &b, &folds, &plan) }
        })
        .collect();
    Comparison::correct(gains.iter_mut().map(|gain| &mut gain.gap));
    gains
}

/// What each class gained against the baseline.
pub(super) fn gains(overview: &Overview<'_>) -> Option<Section> {
    let source = source(overview)?;
    let mut section = Section::new("Gain per class");
    let measure = measure(overview);
    section.say(format!(
        "{}, fused: {measure} of each class minus the baseline's, mean over pairs of runs with Student's t interval. The \
         intervals are of single classes and not corrected for their number.",
        source.title()
    ));
    let mut others = Vec::new();
    for (i, method, baseline) in overview.against().take(MOST) {
        let dot = |gain: Gain| Dot {
            name: gain.class,
            value: gain.gap.difference.map_or(f64::NAN, |d| 100.0 * d),
            interval: gain.gap.interval.map(|i| i.scaled(100.0)).map(|i| [i.low, i.high]),
            colour: i,
        };
        let mut dots: Vec<Dot> =
            class_gains(overview, source, method, baseline).into_iter().map(dot).collect();
        if dots.is_empty() || Footing::of(overview, method, baseline).refused.is_some() {
            continue;
        }
        // Missing values last, else the largest gain first.
        dots.sort_by(|a, b| b.value.is_finite().cmp(&a.value.is_finite()).then(b.value.total_cmp(&a.value)));
        let mut title = format!("{} over {}", method.name, baseline.name);
        let defined = dots.iter().filter(|dot| dot.value.is_finite()).count();
        if dots.len() > HeatMap::MOST_CLASSES && defined > 2 * ENDS {
            dots.truncate(defined);
            dots.drain(ENDS..defined - ENDS);
            title += &format!(": the {ENDS} largest gains and losses of {defined} classes");
        }
        let plot = DotPlot {
            mark: Mark::Bar,
            reference: Some(0.0),
            dots,
            ..DotPlot::new(title, Axis::new(format!("gain in {measure}, points")))
        };
        let place = if Some(i) == overview.focus { &mut section.blocks } else { &mut others };
        place.push(Block::Figure(plot.figure()));
    }
    let any = section.blocks.len() > 1 || !others.is_empty();
    section.fold("The other methods", others);
    any.then_some(section)
}

/// The first source any run has a confusion matrix for.
pub(super) fn source<'a>(overview: &'a Overview<'_>) -> Option<&'a ScoreSource> {
    overview.sources.iter().find(|source| {
        overview.runs.iter().any(|run| overview.rows.iter().any(|r| counts(run, source, r).is_some()))
    })
}

fn counts<'a>(run: &'a RunSummary, source: &ScoreSource, row: &str) -> Option<&'a Confusion> {
    let ScoreSource::Test(checkpoint) = source else { return None };
    let test = run.test(checkpoint)?;
    test.confusion.get(&run.unimodal.row(&test.scores, row)).filter(|counts| !counts.is_empty())
}

/// The sum over the runs of a method.
fn summed(method: &Method<'_>, source: &ScoreSource, row: &str) -> Option<Confusion> {
    let mut all = method.runs.iter().filter_map(|run| counts(run, source, row));
    let mut sum = all.next()?.clone();
    all.for_each(|counts| sum.add(counts));
    Some(sum)
}

/// Whether classes are areas.
fn areal(overview: &Overview<'_>) -> bool {
    overview.runs.iter().flat_map(|run| &run.tests).any(|test| !test.class_iou.is_empty())
}

/// IoU of every class where classes are areas, else recall; NaN where it is not defined.
fn by_class(run: &RunSummary, source: &ScoreSource, row: &str) -> Option<Vec<f64>> {
    let ScoreSource::Test(checkpoint) = source else { return None };
    if let Some(iou) = run.test(checkpoint)?.class_iou.get(row) {
        return Some(run.classes.iter().map(|class| iou.get(class).copied().unwrap_or(f64::NAN)).collect());
    }
    let counts = counts(run, source, row)?;
    Some((0..counts.classes()).map(|class| counts.recall(class)).collect())
}

/// The pairs that are mistaken most often.
fn worst(overview: &Overview<'_>, method: &Method<'_>, counts: &Confusion) -> Table {
    let unit = if areal(overview) { "pixels" } else { "samples" };
    let mut table = Table::new(["true class", "taken for", unit, "share of the class, %"].map(Column::new))
        .captioned(format!("{}: most frequent confusions", method.name));
    let mut pairs: Vec<(u64, usize, usize)> =
        counts.pairs().filter(|([i, j], _)| i != j).map(|([i, j], n)| (n, i, j)).collect();
    pairs.sort_by_key(|(n, i, j)| (std::cmp::Reverse(*n), *i, *j));
    let shown = if counts.classes() > HeatMap::MOST_CLASSES { 20 } else { 5 };
    for (n, i, j) in pairs.iter().take(shown) {
        let [from, to] = [*i, *j].map(|class| Cell::text(class_name(overview, class)));
        let share = *n as f64 / counts.total(*i);
        table.row([from, to, Cell::count(*n), Cell::number(100.0 * share, 1)]);
    }
    if pairs.is_empty() {
        table.note("None: everything is on the diagonal.");
    }
    table
}

fn classes<'a>(overview: &'a Overview<'_>) -> &'a [String] {
    overview.runs.iter().map(|run| run.classes.as_slice()).find(|c| !c.is_empty()).unwrap_or_default()
}

fn class_name(overview: &Overview<'_>, class: usize) -> String {
    classes(overview).get(class).map_or_else(|| format!("class {class}"), |name| shorten(name, 60))
}
