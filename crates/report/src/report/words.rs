//! The summary in words.

use super::{
    RunSummary, answers,
    comparison::Contests,
    study::{FULL, Method, Source, Study, row_title},
};
use crate::{
    html::Block,
    statistics::Summary,
    text::{decimal, shorten},
};

/// The summary: the answer, then what it rests on, question by question.
pub(super) fn summary(study: &Study<'_>, contests: &Contests) -> Vec<Block> {
    if study.runs.is_empty() {
        return vec![Block::Headline("There are no runs to report.".into())];
    }
    let mut blocks = Vec::new();
    let headline =
        answers::headline(study, contests).or_else(|| study.sources.first().and_then(|s| leader(study, s)));
    blocks.extend(headline.map(Block::Headline));
    blocks.push(Block::Paragraph(inventory(study)));
    blocks.extend(answers::all(study, contests));
    if study.focus.is_none() {
        let alone = study.sources.first().and_then(|source| modalities(study, source));
        blocks.extend(alone.map(Block::Paragraph));
    }
    let cautions = cautions(study);
    if !cautions.is_empty() {
        blocks.push(Block::Heading("To bear in mind".into()));
        blocks.push(Block::List(cautions));
    }
    blocks
}

fn inventory(study: &Study<'_>) -> String {
    let (runs, methods) = (study.runs.len(), study.methods.len());
    let finished = study.runs.iter().filter(|run| run.finished()).count();
    let state = match finished {
        0 => "none has finished".to_owned(),
        n if n == runs && n == 1 => "it has finished".to_owned(),
        n if n == runs => "all have finished".to_owned(),
        n => format!("{n} of them finished"),
    };
    let mut text = format!("{} of {}; {state}.", counted(runs, "run"), counted(methods, "method"));
    let mut reasons: Vec<&str> = study
        .runs
        .iter()
        .filter(|run| !run.finished())
        .map(|run| run.end.as_ref().map_or("still running or killed", |end| end.reason.as_str()))
        .collect();
    reasons.sort_unstable();
    for same in reasons.chunk_by(|a, b| a == b).take(5) {
        text += &format!(" {}: {}.", counted(same.len(), "run"), listed(&same[..1], 1));
    }
    text
}

/// Who has the best mean: the headline where there is nothing to compare.
fn leader(study: &Study<'_>, source: &Source) -> Option<String> {
    let row = study.row();
    let scored = study.methods.iter().filter_map(|method| {
        let mean = Summary::of(&study.values(method, source, row)).mean?;
        Some((method, mean))
    });
    let (method, _) = scored.reduce(|a, b| if study.metric.beats(b.1, a.1) { b } else { a })?;
    let name = study.options.metric.replace('_', " ");
    let place = source.title();
    let value = reached(study, method, source, row)?;
    let runs = counted(method.runs.len(), "run");
    Some(format!("{place}: {} reaches {} {name} {value} ({runs}).", method.name, row_title(row)))
}

/// Mean and spread of a method, e.g. `98.6 ± 0.3 %`.
pub(super) fn reached(study: &Study<'_>, method: &Method<'_>, source: &Source, row: &str) -> Option<String> {
    let metric = study.metric;
    let summary = Summary::of(&study.values(method, source, row));
    let value = |x: f64| decimal(x * metric.factor, metric.decimals);
    let spread = summary.sd.map(|sd| format!(" ± {}", value(sd))).unwrap_or_default();
    Some(format!("{}{spread}{}", value(summary.mean?), metric.sign))
}

/// How far each modality comes alone.
fn modalities(study: &Study<'_>, source: &Source) -> Option<String> {
    let alone: Vec<&String> = study.rows.iter().filter(|row| *row != FULL).collect();
    let one = |method: &Method<'_>| {
        let values: Vec<String> = alone
            .iter()
            .filter_map(|row| {
                let (value, by) = (reached(study, method, source, row)?, study.read_by(method, source, row));
                Some(format!("{} {value} by {by}", row_title(row)))
            })
            .collect();
        (!values.is_empty()).then(|| format!("{} ({})", method.name, values.join(", ")))
    };
    let parts: Vec<String> = study.methods.iter().take(8).filter_map(one).collect();
    (!parts.is_empty()).then(|| format!("Each modality alone: {}.", parts.join("; ")))
}

fn cautions(study: &Study<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if study.sources == [Source::ValidationLast] && !study.rows.is_empty() {
        words.push("The test split was not looked at; the numbers are of the validation split.".into());
    }
    let named = |wanted: &dyn Fn(&RunSummary) -> bool| -> Vec<&str> {
        study.runs.iter().filter(|run| wanted(run)).map(|run| run.name.as_str()).collect()
    };
    let single: Vec<&str> =
        study.methods.iter().filter(|m| m.runs.len() == 1).map(|m| m.name.as_str()).collect();
    if !single.is_empty() {
        words.push(format!("One run only, so no spread over seeds: {}.", listed(&single, 8)));
    }
    let often = named(&|run| looks(run) > 1);
    if !often.is_empty() {
        words.push(format!(
            "In {} the test split was looked at more than once; the last look is shown, and a number chosen among looks \
             flatters.",
            counted(often.len(), "run")
        ));
    }
    let broken = named(&|run| run.epochs.iter().any(|e| e.losses.values().any(|x| !x.is_finite())));
    if !broken.is_empty() {
        words.push(format!("A training loss was not finite in {}.", listed(&broken, 8)));
    }
    for leak in study.options.studies.iter().flat_map(|s| &s.leaks).take(8) {
        // Studies also keep what is no leak but worth knowing, such as repeated content within a split.
        words.push(match leak.strip_prefix("note: ") {
            Some(note) => format!("About the data: {}.", shorten(note, 300)),
            None => format!("Leak between splits: {}.", shorten(leak, 300)),
        });
    }
    let mut unread: Vec<(&str, Vec<&str>)> = Vec::new();
    for (run, note) in study.runs.iter().flat_map(|run| run.notes.iter().map(move |note| (run, note))) {
        match unread.iter_mut().find(|(known, _)| known == note) {
            Some((_, runs)) => runs.push(&run.name),
            None => unread.push((note, vec![&run.name])),
        }
    }
    words.extend(
        unread.iter().take(8).map(|(note, runs)| format!("{}: {}.", listed(runs, 4), shorten(note, 300))),
    );
    if unread.len() > 8 {
        words.push(format!("{} more things could not be read.", unread.len() - 8));
    }
    words
}

/// How often the test split was looked at: one look scores each kind of checkpoint once.
fn looks(run: &RunSummary) -> usize {
    let of = |name: &str| run.tests.iter().filter(|t| t.split == "test" && t.checkpoint == name).count();
    run.tests.iter().map(|t| of(&t.checkpoint)).max().unwrap_or(0).max(run.looks)
}

/// The first `most` names and how many more there are.
pub(super) fn listed(names: &[&str], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| shorten(name, 80)).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(super) fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
