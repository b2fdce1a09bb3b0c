//! The summary in words.

use super::{
    comparison::Contest,
    study::{FULL, Source, Study, row_title},
};
use crate::{statistics::Summary, text::decimal};

/// The summary, a paragraph each: what there is, who leads, what is missing.
pub(super) fn summary(study: &Study<'_>, contests: &[Vec<Contest>]) -> Vec<String> {
    if study.runs.is_empty() {
        return vec!["There are no runs to report.".into()];
    }
    let mut words = vec![inventory(study)];
    if let Some(source) = study.sources.first() {
        words.extend(leader(study, source));
        words.extend(contests.iter().take(1).flatten().take(12).map(|c| c.sentence(study)));
        words.extend(modalities(study, source));
    }
    words.extend(cautions(study));
    words
}

fn inventory(study: &Study<'_>) -> String {
    let (runs, methods) = (study.runs.len(), study.methods.len());
    let finished = study.runs.iter().filter(|run| run.finished()).count();
    let state = match finished {
        0 => "none has finished".to_owned(),
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

fn leader(study: &Study<'_>, source: &Source) -> Option<String> {
    let metric = study.metric;
    let row = study.rows.first()?;
    let scored = study.methods.iter().filter_map(|method| {
        let summary = Summary::of(&study.values(method, source, row));
        Some((method, summary, summary.mean?))
    });
    let (method, summary, mean) = scored.reduce(|a, b| if metric.beats(b.2, a.2) { b } else { a })?;
    let value = |x: f64| decimal(x * metric.factor, metric.decimals);
    let spread = match summary.sd {
        Some(sd) => format!("{} ± {}{} over {} runs", value(mean), value(sd), metric.sign, summary.n),
        None => format!("{}{} in one run", value(mean), metric.sign),
    };
    let rank = match study.methods.len() {
        1 => String::new(),
        n => format!(", the best mean of {n} methods"),
    };
    let name = study.options.metric.replace('_', " ");
    let place = source.title();
    Some(format!("{place}: {} reaches {} {name} {spread}{rank}.", method.name, row_title(row)))
}

/// How far each modality comes alone.
fn modalities(study: &Study<'_>, source: &Source) -> Option<String> {
    let metric = study.metric;
    let alone: Vec<&String> = study.rows.iter().filter(|row| *row != FULL).collect();
    let one = |method: &super::study::Method<'_>| {
        let values: Vec<String> = alone
            .iter()
            .filter_map(|row| {
                let mean = Summary::of(&study.values(method, source, row)).mean?;
                Some(format!("{} {}", row_title(row), decimal(mean * metric.factor, metric.decimals)))
            })
            .collect();
        (!values.is_empty()).then(|| format!("{} ({})", method.name, values.join(", ")))
    };
    let parts: Vec<String> = study.methods.iter().take(8).filter_map(one).collect();
    (!parts.is_empty()).then(|| {
        format!("Shown one modality alone{}: {}.", metric.sign.replace(" %", ", in %"), parts.join("; "))
    })
}

fn cautions(study: &Study<'_>) -> Vec<String> {
    let mut words = Vec::new();
    if study.sources == [Source::ValidationLast] && !study.rows.is_empty() {
        words.push("The test split was not looked at; the numbers are of the validation split.".into());
    }
    let single: Vec<&str> =
        study.methods.iter().filter(|m| m.runs.len() == 1).map(|m| m.name.as_str()).collect();
    if !single.is_empty() {
        words.push(format!("One run only, so no spread over seeds: {}.", listed(&single, 8)));
    }
    let often = study.runs.iter().filter(|run| looks(run) > 1).count();
    if often > 0 {
        words.push(format!(
            "In {} the test split was looked at more than once with one kind of checkpoint; the last look is shown, and a \
             number chosen among looks flatters.",
            counted(often, "run")
        ));
    }
    let broken =
        study.runs.iter().filter(|run| run.epochs.iter().any(|e| e.losses.values().any(|x| !x.is_finite())));
    let broken: Vec<&str> = broken.map(|run| run.name.as_str()).collect();
    if !broken.is_empty() {
        words.push(format!("A training loss was not finite in {}.", listed(&broken, 8)));
    }
    words
}

/// The most looks at the test split that one kind of checkpoint got.
fn looks(run: &super::RunSummary) -> usize {
    let of = |name: &str| run.tests.iter().filter(|t| t.split == "test" && t.checkpoint == name).count();
    run.tests.iter().map(|t| of(&t.checkpoint)).max().unwrap_or(0)
}

/// The first `most` names and how many more there are.
pub(super) fn listed(names: &[&str], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| crate::text::shorten(name, 80)).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
