//! The result table and its picture.

use super::study::{FULL, Source, Study, row_title};
use crate::{
    html::{Block, Section},
    plot::{Axis, Dot, DotPlot},
    statistics::Summary,
    table::{Cell, Column, Table},
    text::decimal,
};

/// Mean, spread and interval of every method, per row of scores.
pub(super) fn section(study: &Study<'_>) -> Option<Section> {
    let mut section = Section::new("Results");
    if study.rows.is_empty() {
        section.say("No run holds a score yet, so there is no result table.");
        return Some(section);
    }
    if study.sources == [Source::ValidationLast] {
        section.say(
            "The test split was not looked at. These numbers are of the validation split, which training may \
             have been tuned on, so they flatter every method.",
        );
    }
    for source in &study.sources {
        section.push(Block::Table(table(study, source)));
        if study.methods.len() > 1 {
            section.push(Block::Figure(picture(study, source).figure()));
        }
    }
    Some(section)
}

fn table(study: &Study<'_>, source: &Source) -> Table {
    let metric = study.metric;
    let level = format!("{} % interval", decimal(100.0 * study.options.resampling.level, 0));
    let title = metric.title(&study.options.metric);
    let mut columns = vec![Column::new("method"), Column::new("runs")];
    for row in &study.rows {
        columns.push(Column::new(row_title(row)).best(metric.better));
        if row == FULL {
            columns.push(Column::new(level.clone()));
        }
    }
    let mut table = Table::new(columns).captioned(format!("{}: {title}", source.title()));
    let mut missing = 0;
    for method in &study.methods {
        let mut cells = vec![Cell::text(&method.name), Cell::count(method.runs.len() as u64)];
        for row in &study.rows {
            let summary = Summary::of(&study.values(method, source, row));
            cells.push(match (summary.n, method.runs.len()) {
                (0, _) => Cell::none(),
                _ => Cell::spread(&summary, metric.factor, metric.decimals),
            });
            if row == FULL {
                missing += summary.missing;
                cells.push(match summary.t_interval(study.options.resampling.level) {
                    None if summary.n == 1 => Cell::Missing("one run".into()),
                    interval => Cell::ends(interval, metric.factor, metric.decimals),
                });
            }
        }
        table.row(cells);
    }
    table.note(
        "Mean ± standard deviation over the runs that have the number; the interval is Student's t on the fused \
         mean. A modality's column is the model shown that modality alone.",
    );
    if missing > 0 {
        let verb = if missing == 1 { "run has" } else { "runs have" };
        table.note(format!("{missing} {verb} no finite fused score here and are in no mean."));
    }
    table
}

fn picture(study: &Study<'_>, source: &Source) -> DotPlot {
    let metric = study.metric;
    let row = study.rows.first().map_or(FULL, String::as_str);
    let axis = Axis::new(metric.title(&study.options.metric));
    let mut plot = DotPlot::new(format!("{}: {}", source.title(), row_title(row)), axis);
    plot.decimals = metric.decimals;
    for (colour, method) in study.methods.iter().enumerate() {
        let summary = Summary::of(&study.values(method, source, row));
        let interval = summary.t_interval(study.options.resampling.level).map(|i| i.scaled(metric.factor));
        plot.dots.push(Dot {
            name: method.name.clone(),
            value: summary.mean.map_or(f64::NAN, |mean| mean * metric.factor),
            interval: interval.map(|i| [i.low, i.high]),
            colour,
        });
    }
    plot
}
