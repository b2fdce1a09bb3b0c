//! The summary in words.

use super::{
    RunSummary, answers,
    comparison::Contests,
    overview::{Method, Overview, ScoreSource, row_title},
};
use crate::{
    html::Block,
    statistics::Summary,
    text::{counted, listed, shorten},
};

/// The summary: the answer, then what it rests on, question by question.
pub(super) fn blocks(overview: &Overview<'_>, contests: &Contests) -> Vec<Block> {
    if overview.runs.is_empty() {
        return vec![Block::Headline("There are no runs to report.".into())];
    }
    let mut blocks = Vec::new();
    let headline = answers::headline(overview, contests)
        .or_else(|| overview.sources.first().and_then(|s| leader(overview, s)));
    blocks.extend(headline.map(Block::Headline));
    blocks.push(Block::Paragraph(inventory(overview)));
    blocks.extend(answers::all(overview, contests));
    if overview.focus.is_none() {
        let unimodal = overview.sources.first().and_then(|source| modalities(overview, source));
        blocks.extend(unimodal.map(Block::Paragraph));
    }
    let cautions = cautions(overview);
    if !cautions.is_empty() {
        blocks.push(Block::Heading("Limitations".into()));
        blocks.push(Block::List(cautions));
    }
    blocks
}

fn inventory(overview: &Overview<'_>) -> String {
    let (runs, methods) = (overview.runs.len(), overview.methods.len());
    let finished = overview.runs.iter().filter(|run| run.finished()).count();
    let state = match finished {
        0 => "none has finished".to_owned(),
        n if n == runs && n == 1 => "it has finished".to_owned(),
        n if n == runs => "all have finished".to_owned(),
        n => format!("{n} of them finished"),
    };
    let mut text = format!("{} of {}; {state}.", counted(runs, "run"), counted(methods, "method"));
    let mut reasons: Vec<&str> = overview
        .runs
        .iter()
        .filter(|run| !run.finished())
        .map(|run| run.end.as_ref().map_or("still running, or killed", |end| end.reason.as_str()))
        .collect();
    reasons.sort_unstable();
    for same in reasons.chunk_by(|a, b| a == b).take(5) {
        text += &format!(" {}: {}.", counted(same.len(), "run"), listed(&same[..1], 1));
    }
    text
}

/// Who has the best mean: the headline where there is nothing to compare.
fn leader(overview: &Overview<'_>, source: &ScoreSource) -> Option<String> {
    let row = overview.row();
    let scored = overview.methods.iter().filter_map(|method| {
        let mean = Summary::of(&overview.values(method, source, row)).mean?;
        Some((method, mean))
    });
    let (method, _) = scored.reduce(|a, b| if overview.metric.beats(b.1, a.1) { b } else { a })?;
    let name = overview.metric.title();
    let place = source.title();
    let value = overview.reached(method, source, row)?;
    let runs = counted(method.runs.len(), "run");
    Some(format!("{place}: {} reaches {} {name} {value} ({runs}).", method.name, row_title(row)))
}

/// How far each modality comes alone.
fn modalities(overview: &Overview<'_>, source: &ScoreSource) -> Option<String> {
    let unimodal: Vec<&String> = overview.unimodal_rows().collect();
    let one = |method: &Method<'_>| {
        let values: Vec<String> = unimodal
            .iter()
            .filter_map(|row| {
                let (value, by) =
                    (overview.reached(method, source, row)?, overview.read_by(method, source, row));
                Some(format!("{} {value} by {by}", row_title(row)))
            })
            .collect();
        (!values.is_empty()).then(|| format!("{} ({})", method.name, values.join(", ")))
    };
    let parts: Vec<String> = overview.methods.iter().take(8).filter_map(one).collect();
    (!parts.is_empty()).then(|| format!("Unimodal scores: {}.", parts.join("; ")))
}

fn cautions(overview: &Overview<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if overview.sources == [ScoreSource::ValidationLast] && !overview.rows.is_empty() {
        words.push("The test split was not used; the scores are on the validation split.".into());
    }
    let named = |wanted: &dyn Fn(&RunSummary) -> bool| -> Vec<&str> {
        overview.runs.iter().filter(|run| wanted(run)).map(|run| run.name.as_str()).collect()
    };
    let single: Vec<&str> =
        overview.methods.iter().filter(|m| m.runs.len() == 1).map(|m| m.name.as_str()).collect();
    if !single.is_empty() {
        words.push(format!("One run only, so no spread over seeds: {}.", listed(&single, 8)));
    }
    let often = named(&|run| looks(run) > 1);
    if !often.is_empty() {
        words.push(format!(
            "In {} the test split was accessed more than once; the last access is shown, and a score chosen among \
             several is optimistic.",
            counted(often.len(), "run")
        ));
    }
    let broken = named(&|run| run.epochs.iter().any(|e| e.losses.values().any(|x| !x.is_finite())));
    if !broken.is_empty() {
        words.push(format!("A training loss was not finite in {}.", listed(&broken, 8)));
    }
    for leak in overview.options.studies.iter().flat_map(|s| &s.leaks).take(8) {
        // Studies also keep what is no leak but worth knowing, such as repeated content within a split.
        words.push(match leak.strip_prefix("note: ") {
            Some(note) => format!("About the data: {}.", shorten(note, 300)),
            None => format!("Leak between splits: {}.", shorten(leak, 300)),
        });
    }
    let mut unread: Vec<(&str, Vec<&str>)> = Vec::new();
    for (run, note) in overview.runs.iter().flat_map(|run| run.notes.iter().map(move |note| (run, note))) {
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
