//! Warnings: those the runs gave, and those that only several runs together show.

use super::{
    comparison::Contests,
    control::{Steps, steps},
    method::Role,
    study::{Method, Source, Study},
    words::listed,
};
use crate::{
    html::{Block, Section},
    record::Warning,
    statistics::Summary,
    text::shorten,
    warning::{Caution, GainIsLearningRate, GapUnresolved},
};

/// Warnings shown; more would push the results off the page.
const MOST: usize = 40;

/// Equal warnings once, with the runs that gave them.
pub(super) fn section(study: &Study<'_>, contests: &Contests) -> Option<Section> {
    let mut found: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for run in study.runs {
        for warning in &run.warnings {
            let (what, remedy) = (warning.message.as_str(), warning.remedy.as_str());
            match found.iter_mut().find(|f| f.0 == what && f.1 == remedy) {
                Some(known) if known.2.last() == Some(&run.name.as_str()) => {}
                Some(known) => known.2.push(&run.name),
                None => found.push((what, remedy, vec![&run.name])),
            }
        }
    }
    let mut section = Section::new("Warnings");
    for warning in between_runs(study, contests) {
        section.push(Block::Warning(warning.message, warning.remedy));
    }
    for (what, remedy, names) in found.iter().take(MOST) {
        let line = format!("{} ({})", shorten(what, 1000), listed(names, 4));
        section.push(Block::Warning(line, shorten(remedy, 1000)));
    }
    if found.len() > MOST {
        section.say(format!("and {} more", found.len() - MOST));
    }
    (!section.blocks.is_empty()).then_some(section)
}

/// What no run can know by itself.
fn between_runs(study: &Study<'_>, contests: &Contests) -> Vec<Warning> {
    let Some(focus) = study.focus.and_then(|i| study.methods.get(i)) else { return Vec::new() };
    let Some(baseline) = study.methods.get(study.baseline) else { return Vec::new() };
    // Both kinds take shares of which more is better.
    if !study.metric.beats(1.0, 0.0) || study.metric.sign.is_empty() {
        return Vec::new();
    }
    let Some(question) = contests.question(study, 0).filter(|c| c.comparable()) else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(unresolved(study, focus, baseline));
    // A gain that may be noise needs no explanation, unless single runs leave it open.
    if question.winner(study) != Some(true) && question.seeds.pairs > 1 {
        return found;
    }
    // Against other steps than the method's own, a gain says nothing of its steps.
    let matched = |m: &&Method<'_>| m.role == Role::Control && steps(study, focus, m) == Steps::Matched;
    for control in study.methods.iter().filter(matched) {
        found.extend(learning_rate(study, focus, baseline, control));
    }
    found
}

fn unresolved(study: &Study<'_>, focus: &Method<'_>, baseline: &Method<'_>) -> Option<Warning> {
    let mean = |m: &Method<'_>| Summary::of(&study.values(m, &Source::ValidationLast, study.row())).mean;
    let samples = focus.runs.iter().find_map(|run| run.data.get("samples, val")?.parse().ok())?;
    let (first, second) = ((focus.name.as_str(), mean(focus)?), (baseline.name.as_str(), mean(baseline)?));
    Some(GapUnresolved::find(first, second, samples, None)?.record())
}

fn learning_rate(
    study: &Study<'_>,
    focus: &Method<'_>,
    baseline: &Method<'_>,
    control: &Method<'_>,
) -> Option<Warning> {
    let source = study.sources.first()?;
    // The runs that all three have in common.
    let (mut ours, mut theirs, mut controls) = (Vec::new(), Vec::new(), Vec::new());
    for (run, base) in study.pairs(focus, baseline) {
        let partner = study.pairs(focus, control).into_iter().find(|(a, _)| std::ptr::eq(*a, run));
        let Some((_, third)) = partner else { continue };
        let values = [run, base, third].map(|r| study.value(r, source, study.row()));
        if values.iter().all(|v| v.is_finite()) {
            ours.push(values[0]);
            theirs.push(values[1]);
            controls.push(values[2]);
        }
    }
    let found = GainIsLearningRate::find(
        (&focus.name, &ours[..]),
        (&baseline.name, &theirs[..]),
        (&control.name, &controls[..]),
    )?;
    Some(found.record())
}
