//! Readouts: what the predictions of runs are made of.

use std::collections::BTreeSet;

use super::{
    comparison::turned,
    method::trains_on_validation,
    overview::{Method, Overview, row_title},
    paired_test::{PairedTest, in_groups},
};
use crate::{
    html::{Block, Section},
    record::{Kind, Readout},
    statistics::{Comparison, Summary},
    table::{Cell, Column, Table},
    text::listed,
};

/// The readout of every run that has one, after its last epoch.
fn readouts<'a>(method: &Method<'a>) -> Vec<&'a Readout> {
    method.runs.iter().filter_map(|run| run.epochs.iter().rev().find_map(|e| e.readout.as_ref())).collect()
}

/// Every method with a readout against what could have brought its gain: the same readout of other
/// training or of models trained apart, their average, and training on the samples that the readout
/// is fitted on. Corrected together for their number.
pub(super) fn controls(overview: &Overview<'_>) -> Vec<PairedTest> {
    let Some(source) = overview.sources.first() else { return Vec::new() };
    let reads = |m: &Method<'_>| !readouts(m).is_empty();
    let explains = |m: &&Method<'_>| match m.kind {
        Kind::Method => false,
        Kind::Average => true,
        Kind::Control | Kind::Reference => {
            trains_on_validation(m.runs[0]) || (m.runs[0].modalities.len() > 1 && reads(m))
        }
    };
    let methods = overview.methods.iter().filter(|m| m.kind == Kind::Method && reads(m));
    let pairs = methods.flat_map(|m| overview.methods.iter().filter(explains).map(move |other| (m, other)));
    let mut tests: Vec<PairedTest> = pairs
        .map(|(m, other)| PairedTest { kind: other.kind, ..PairedTest::of(overview, source, m, other) })
        .filter(PairedTest::comparable)
        .collect();
    Comparison::correct(tests.iter_mut().map(|test| &mut test.seeds));
    tests
}

/// The methods of such contests, each with its own.
fn by_method(contests: &[PairedTest]) -> Vec<(&str, Vec<&PairedTest>)> {
    let mut all: Vec<(&str, Vec<&PairedTest>)> = Vec::new();
    for test in contests {
        match all.iter_mut().find(|(method, _)| *method == test.method) {
            Some((_, tests)) => tests.push(test),
            None => all.push((&test.method, vec![test])),
        }
    }
    all
}

/// What the controls of each method say, in a sentence.
pub(super) fn answers(overview: &Overview<'_>, contests: &[PairedTest]) -> Vec<String> {
    let answer = |(method, tests): (&str, Vec<&PairedTest>)| {
        let groups = in_groups(overview, tests, |test| &test.against);
        let words =
            ["better beyond noise than", "worse beyond noise than", "not significantly different from"];
        let parts = words.iter().zip(groups).filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> =
            parts.map(|(words, names)| format!("{words} {}", names.join(", "))).collect();
        format!("{method} is {}.", parts.join("; "))
    };
    by_method(contests).into_iter().map(answer).collect()
}

/// Weights and epochs of the rows of every method with a readout.
pub(super) fn section(overview: &Overview<'_>, contests: &[PairedTest]) -> Option<Section> {
    let with: Vec<(&Method<'_>, Vec<&Readout>)> =
        overview.methods.iter().map(|m| (m, readouts(m))).filter(|(_, of)| !of.is_empty()).collect();
    let names: BTreeSet<&String> = with.iter().flat_map(|(_, of)| of).flat_map(|r| r.rows.keys()).collect();
    if with.is_empty() {
        return None;
    }
    let mut section = Section::new("Readouts");
    section.say(
        "The prediction of these methods is a sum of rows of scores with weights of at least 0. Every row is of the \
         epoch at which its own calibrated loss was lowest; one of weight 0 is dropped and costs nothing.",
    );
    if with.iter().any(|(_, of)| of.iter().any(|r| r.fitted_on == "val")) {
        section.say(
            "Rows and weights are chosen on the validation split, which also selects the best epoch: validation scores \
             with the readout are those of a fit. Only test scores tell what it is worth; \
             \"fused, without the readout\" is the same model as it was.",
        );
    }
    let heads = names.iter().flat_map(|name| {
        let title = row_title(name);
        [Column::new(format!("{title}, weight")), Column::new(format!("{title}, epoch"))]
    });
    let heads = std::iter::once(Column::new("method")).chain(heads).chain([Column::new("fitted on")]);
    let mut table =
        Table::new(heads).captioned("readouts after the last epoch: mean ± standard deviation over runs");
    for (method, of) in with {
        let number = |name: &str, what: &str| {
            let values: Vec<f64> = of.iter().filter_map(|r| r.rows.get(name)?.get(what).copied()).collect();
            Summary::of(&values)
        };
        let cells = names.iter().flat_map(|name| {
            [Cell::spread(&number(name, "weight"), 1.0, 2), Cell::spread(&number(name, "epoch"), 1.0, 1)]
        });
        let splits: BTreeSet<&str> = of.iter().map(|r| r.fitted_on.as_str()).collect();
        let splits: Vec<&str> = splits.into_iter().collect();
        let cells = std::iter::once(Cell::text(&method.name)).chain(cells);
        table.row(cells.chain([Cell::text(listed(&splits, 3))]));
    }
    section.push(Block::Table(table));
    for (method, tests) in by_method(contests) {
        let caption = format!("gaps of {method} to what could have brought them");
        section.push(Block::Table(turned(overview, &overview.sources[0], &tests, &caption)));
    }
    Some(section)
}
