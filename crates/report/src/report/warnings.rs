//! Warnings: those the runs gave, and those that only several runs together show.

use std::collections::BTreeSet;

use super::{
    RunSummary,
    comparison::Contests,
    control::{Steps, steps},
    overview::{Method, Overview, ScoreSource},
    wording::Wording,
};
use crate::{
    html::{Block, Section},
    record::{Kind, Warning},
    statistics::Summary,
    text::{listed, shorten},
    warning::{Caution, GainIsLearningRate, GapUnresolved},
};

/// Warnings shown; more would push the results off the page.
const MOST: usize = 40;

/// Those of several runs first, then those of single runs: what the runs of a
/// method say alike is one warning, and what methods say alike too.
pub(super) fn section(overview: &Overview<'_>, contests: &Contests) -> Option<Section> {
    let mut found: Vec<(String, String, Vec<String>)> = Vec::new();
    for kin in overview.methods.iter().flat_map(alike) {
        let (what, remedy, who) = (kin.message.text(), kin.remedy.text(), kin.who());
        match found.iter_mut().find(|f| f.0 == what && f.1 == remedy) {
            Some(known) => known.2.push(who),
            None => found.push((what, remedy, vec![who])),
        }
    }
    let mut section = Section::new("Warnings");
    for warning in between_runs(overview, contests) {
        section.push(Block::Warning(warning.message, warning.remedy));
    }
    for (what, remedy, who) in found.iter().take(MOST) {
        let line = format!("{} ({})", shorten(what, 1000), shorten(&who.join("; "), 1000));
        section.push(Block::Warning(line, shorten(remedy, 1000)));
    }
    if found.len() > MOST {
        section.say(format!("and {} more", found.len() - MOST));
    }
    (!section.blocks.is_empty()).then_some(section)
}

/// Warnings of one kind by runs of one method that differ in numbers at most.
struct Kin<'a> {
    method: &'a Method<'a>,
    kind: &'a str,
    message: Wording,
    remedy: Wording,
    runs: Vec<&'a RunSummary>,
}

/// The warnings of a method, those that are alike as one.
fn alike<'a>(method: &'a Method<'a>) -> Vec<Kin<'a>> {
    let mut found: Vec<Kin<'a>> = Vec::new();
    for run in &method.runs {
        let names: Vec<&str> = run.modalities.iter().map(String::as_str).collect();
        for warning in &run.warnings {
            let message = Wording::of(&warning.message, &names);
            let remedy = Wording::of(&warning.remedy, &names);
            let same = |kin: &&mut Kin<'_>| {
                kin.kind == warning.kind && kin.message.matches(&message) && kin.remedy.matches(&remedy)
            };
            match found.iter_mut().find(same) {
                Some(kin) => {
                    kin.message.widen(&message);
                    kin.remedy.widen(&remedy);
                    // A run that went on after a stop may give a warning twice.
                    if !kin.runs.last().is_some_and(|last| std::ptr::eq(*last, *run)) {
                        kin.runs.push(run);
                    }
                }
                None => found.push(Kin { method, kind: &warning.kind, message, remedy, runs: vec![run] }),
            }
        }
    }
    found
}

impl Kin<'_> {
    /// Whose warning it is: the method with its seeds, or the runs by name
    /// where seeds do not tell them apart.
    fn who(&self) -> String {
        let seeds: BTreeSet<u64> = self.runs.iter().filter_map(|run| run.seed).collect();
        let by_seed = seeds.len() == self.runs.len() && self.runs.iter().all(|run| run.fold.is_none());
        if !by_seed || self.method.runs.len() == 1 {
            let names: Vec<&str> = self.runs.iter().map(|run| run.name.as_str()).collect();
            return listed(&names, 4);
        }
        let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let seeds: Vec<&str> = seeds.iter().map(String::as_str).collect();
        let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
        format!("{}, {noun} {}", self.method.name, listed(&seeds, 12))
    }
}

/// What no run can know by itself.
fn between_runs(overview: &Overview<'_>, contests: &Contests) -> Vec<Warning> {
    let Some(focus) = overview.focus.and_then(|i| overview.methods.get(i)) else { return Vec::new() };
    let Some(baseline) = overview.methods.get(overview.baseline) else { return Vec::new() };
    // Both kinds take shares of which more is better.
    if !overview.metric.beats(1.0, 0.0) || !overview.metric.percent {
        return Vec::new();
    }
    let Some(question) = contests.question(overview, 0).filter(|c| c.comparable()) else { return Vec::new() };
    let mut found = Vec::new();
    found.extend(unresolved(overview, focus, baseline));
    // A gain that may be noise needs no explanation, unless single runs leave it open.
    if question.winner(overview) != Some(true) && question.seeds.pairs > 1 {
        return found;
    }
    // Against other steps than the method's own, a gain says nothing of its steps.
    let matched = |m: &&Method<'_>| m.kind == Kind::Control && steps(overview, focus, m) == Steps::Matched;
    for control in overview.methods.iter().filter(matched) {
        found.extend(learning_rate(overview, focus, baseline, control));
    }
    found
}

fn unresolved(overview: &Overview<'_>, focus: &Method<'_>, baseline: &Method<'_>) -> Option<Warning> {
    let mean =
        |m: &Method<'_>| Summary::of(&overview.values(m, &ScoreSource::ValidationLast, overview.row())).mean;
    let samples = focus.runs.iter().find_map(|run| run.data.get("samples, val")?.parse().ok())?;
    let (first, second) = ((focus.name.as_str(), mean(focus)?), (baseline.name.as_str(), mean(baseline)?));
    Some(GapUnresolved::find(first, second, samples, None)?.record())
}

fn learning_rate(
    overview: &Overview<'_>,
    focus: &Method<'_>,
    baseline: &Method<'_>,
    control: &Method<'_>,
) -> Option<Warning> {
    let source = overview.sources.first()?;
    // The runs that all three have in common.
    let (mut ours, mut theirs, mut controls) = (Vec::new(), Vec::new(), Vec::new());
    for (run, base) in overview.pairs(focus, baseline) {
        let partner = overview.pairs(focus, control).into_iter().find(|(a, _)| std::ptr::eq(*a, run));
        let Some((_, third)) = partner else { continue };
        let values = [run, base, third].map(|r| overview.value(r, source, overview.row()));
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
