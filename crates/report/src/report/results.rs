//! The result table and its picture.

use super::{
    comparison::Contests,
    overview::{FUSED, Overview, ScoreSource, row_title},
    unimodal,
};
use crate::{
    html::{Block, Section},
    plot::{Axis, Dot, DotPlot},
    record::Metric,
    statistics::{Interval, Summary},
    table::{Cell, Column, Table},
    text::decimal,
};

/// Mean, spread and interval of every method, per row of scores.
pub(super) fn section(overview: &Overview<'_>, contests: &Contests) -> Option<Section> {
    let mut section = Section::new("Results");
    if overview.rows.is_empty() {
        section.say("No run has a score yet, so there is no result table.");
        return Some(section);
    }
    if overview.sources == [ScoreSource::ValidationLast] {
        section.say(
            "The test split was not used. These scores are on the validation split, on which training may have been \
             tuned, so they are optimistic for every method.",
        );
        if overview.runs.iter().any(|run| run.epochs.iter().any(|epoch| epoch.readout.is_some())) {
            section.say("Scores of runs with a readout are here those without it, because it is fitted to this split.");
        }
    }
    for (i, source) in overview.sources.iter().enumerate() {
        section.push(Block::Table(table(overview, source, contests.refused())));
        if i == 0 && overview.methods.len() > 1 {
            section.blocks.extend(pictures(overview, source).iter().map(|plot| Block::Figure(plot.figure())));
        }
        if let Some(table) = unimodal::table(overview, source) {
            section.fold("Unimodal scores by every convention", vec![Block::Table(table)]);
        }
    }
    Some(section)
}

/// Nothing is best among runs that `refused` says are not comparable.
fn table(overview: &Overview<'_>, source: &ScoreSource, refused: Option<&str>) -> Table {
    let metric = &overview.metric;
    let level = format!("{} % interval", decimal(100.0 * overview.options.resampling.level, 0));
    let title = metric.heading();
    let mut columns = vec![Column::new("method"), Column::new("runs")];
    for row in &overview.rows {
        let better = Some(metric.better).filter(|_| refused.is_none());
        columns.push(Column { title: row_title(row), better });
        if row == FUSED {
            columns.push(Column::new(level.clone()));
        }
    }
    let mut table = Table::new(columns).captioned(format!("{}: {title}", source.title()));
    let mut missing = 0;
    for method in &overview.methods {
        let mut cells = vec![Cell::text(&method.name), Cell::count(method.runs.len() as u64)];
        for row in &overview.rows {
            let summary = Summary::of(&overview.values(method, source, row));
            cells.push(match (summary.n, method.runs.len()) {
                (0, _) => Cell::none(),
                _ => Cell::spread(&summary, metric.factor(), metric.digits),
            });
            if row == FUSED {
                missing += summary.missing;
                cells.push(match interval(overview, &summary) {
                    None if summary.n == 1 => Cell::Missing("one run".into()),
                    interval => Cell::ends(interval, metric.factor(), metric.digits),
                });
            }
        }
        table.row(cells);
    }
    table.note(
        "Mean ± standard deviation over the runs that have the number; the interval is Student's t on the fused \
         mean, cut where a score cannot be.",
    );
    if let Some(words) = overview.conventions(source) {
        table.note(words);
    }
    if let Some(why) = refused {
        table.note(format!("Not all of these methods are comparable: {why}. So none is marked as best."));
    }
    if missing > 0 {
        let verbs = if missing == 1 { ["run has", "enters"] } else { ["runs have", "enter"] };
        table.note(format!("{missing} {} no finite fused score here and {} no mean.", verbs[0], verbs[1]));
    }
    table
}

/// Student's t interval of a mean, no wider than the score can be.
fn interval(overview: &Overview<'_>, summary: &Summary) -> Option<Interval> {
    let interval = summary.t_interval(overview.options.resampling.level)?;
    let Metric { least, most, .. } = overview.metric;
    let low = least.map_or(interval.low, |least| interval.low.max(least));
    Some(Interval { low, high: most.map_or(interval.high, |most| interval.high.min(most)), ..interval })
}

/// A picture for each row, all on one axis.
fn pictures(overview: &Overview<'_>, source: &ScoreSource) -> Vec<DotPlot> {
    let mut plots: Vec<DotPlot> =
        overview.rows.iter().filter_map(|row| picture(overview, source, row)).collect();
    let ends =
        |dot: &Dot| [dot.value].into_iter().chain(dot.interval.into_iter().flatten()).collect::<Vec<_>>();
    let values: Vec<f64> = plots.iter().flat_map(|plot| &plot.dots).flat_map(ends).collect();
    let axis = Axis::new(overview.metric.heading()).spanning(values.into_iter());
    plots.iter_mut().for_each(|plot| plot.axis.clone_from(&axis));
    plots
}

/// The methods that have the row, with their intervals.
fn picture(overview: &Overview<'_>, source: &ScoreSource, row: &str) -> Option<DotPlot> {
    let metric = &overview.metric;
    let axis = Axis::new(metric.heading());
    let mut plot = DotPlot::new(format!("{}: {}", source.title(), row_title(row)), axis);
    plot.decimals = metric.digits;
    for (colour, method) in overview.methods.iter().enumerate() {
        let summary = Summary::of(&overview.values(method, source, row));
        let Some(mean) = summary.mean else { continue };
        let interval = interval(overview, &summary).map(|i| i.scaled(metric.factor()));
        plot.dots.push(Dot {
            name: overview.called(method, source, row),
            value: mean * metric.factor(),
            interval: interval.map(|i| [i.low, i.high]),
            colour,
        });
    }
    (!plot.dots.is_empty()).then_some(plot)
}
