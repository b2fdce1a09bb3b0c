//! What a reader wants to know of a method, answered one by one.

use super::{
    RunSummary, classes,
    comparison::Contests,
    control::{self, Steps},
    fold::folds,
    footing::Footing,
    measure,
    method::{only_modality, trains_on_validation},
    overview::{FUSED, Method, Overview, ScoreSource, row_title},
    paired_test::{PairedTest, in_groups},
    readout,
};
use crate::{
    html::Block,
    record::Kind,
    statistics::{Comparison, Summary, Verdict},
    text::{counted, decimal, listed},
};

/// Better, worse or neither, by how much, within noise or beyond.
pub(super) fn headline(overview: &Overview<'_>, contests: &Contests) -> Option<String> {
    let (contest, source) = (contests.question(overview, 0)?, overview.sources.first()?);
    let (focus, baseline) = (&overview.methods[overview.focus?], &overview.methods[overview.baseline]);
    let row = overview.row();
    let values =
        [focus, baseline].map(|m| overview.reached(m, source, row).unwrap_or_else(|| "no score".into()));
    let (method, against) = (&contest.method, &contest.against);
    if let Some(why) = &contest.footing.refused {
        return Some(format!("{method} and {against} are not comparable: {why}. There is no verdict."));
    }
    let claim = match (contest.winner(overview), &contest.seeds.verdict) {
        (Some(true), _) => format!("{method} is better than {against} here"),
        (Some(false), _) => format!("{method} is worse than {against} here"),
        (None, Verdict::Unknown(_)) => format!("{method} against {against} is undecided here"),
        (None, _) => format!("{method} is not significantly different from {against} here"),
    };
    let place = source.title();
    Some(format!(
        "{claim}{}: {} against {} {} {} ({}{}); {}.",
        contest.footing.caveat(),
        values[0],
        values[1],
        row_title(row),
        overview.metric.title(),
        place[..1].to_lowercase(),
        &place[1..],
        contest.verdict(overview)
    ))
}

/// The questions that have an answer, with a heading each.
pub(super) fn all(overview: &Overview<'_>, contests: &Contests) -> Vec<Block> {
    let Some(question) = contests.question(overview, 0) else { return Vec::new() };
    let Some(source) = overview.sources.first() else { return Vec::new() };
    let mut blocks = Vec::new();
    let mut answer = |heading: String, mut lines: Vec<String>| {
        let body = match lines.len() {
            0 => return,
            1 => Block::Paragraph(lines.remove(0)),
            _ => Block::List(lines),
        };
        blocks.extend([Block::Heading(heading), body]);
    };
    let name = &question.method;
    if !question.comparable() {
        answer(format!("And the other methods, against {}?", question.against), others(overview, contests));
        return blocks;
    }
    answer("Does it depend on the epoch that is kept?".into(), other_sources(overview, contests));
    answer(
        "Does the gain survive the learning-rate-matched control?".into(),
        control(overview, contests, question),
    );
    answer(
        "Does the gain of a readout survive its controls?".into(),
        readout::answers(overview, &contests.readouts),
    );
    answer(format!("Where does {name} lose?"), losses(overview, contests, source));
    answer("What happened inside?".into(), inside(overview, source));
    answer(format!("And the other methods, against {}?", question.against), others(overview, contests));
    blocks
}

fn other_sources(overview: &Overview<'_>, contests: &Contests) -> Vec<String> {
    let more = overview.sources.iter().enumerate().skip(1);
    more.filter_map(|(i, source)| {
        let contest = contests.question(overview, i)?;
        Some(format!("{}: {}.", source.title(), contest.verdict(overview)))
    })
    .collect()
}

/// Whether larger steps alone would bring as much.
fn control(overview: &Overview<'_>, contests: &Contests, question: &PairedTest) -> Vec<String> {
    let (name, baseline) = (&question.method, &question.against);
    let Some(focus) = overview.focus.and_then(|i| overview.methods.get(i)) else { return Vec::new() };
    let steps = |contest: &PairedTest| {
        let control = overview.methods.iter().find(|m| m.name == contest.against)?;
        // Another readout is another question.
        control::answer_alike(focus.runs[0], control.runs[0]).then_some(())?;
        Some(control::steps(overview, focus, control))
    };
    let (mut matched, mut others) = (Vec::new(), Vec::new());
    for contest in contests.controls(0) {
        match steps(contest) {
            Some(Steps::Matched) => matched.push(contest),
            Some(Steps::Other(what)) => others.push((contest, what)),
            None => {}
        }
    }
    let gained = question.winner(overview) == Some(true);
    let mut lines = Vec::new();
    if let Some(optimizer) = control::cancels(focus.runs[0]) {
        lines.push(format!(
            "Not asked: no rate-matched control exists under {optimizer}: alpha cancels, and the weight of a loss \
             does not change the steps."
        ));
    } else if !gained {
        lines.push(format!(
            "{name} has no gain over {baseline} beyond noise, so there is nothing for larger steps to explain."
        ));
    } else if matched.is_empty() {
        lines.push(untested(name, baseline, focus.runs[0]));
    }
    lines.extend(matched.iter().map(|c| match (gained, c.winner(overview)) {
        (false, _) => format!("Against {}: {}.", c.against, c.verdict(overview)),
        (true, winner) => {
            let answer = match winner {
                Some(true) => "survives",
                Some(false) => "does not survive, the control is better",
                None => "does not survive",
            };
            format!("Against {} the gain {answer}: {}.", c.against, c.verdict(overview))
        }
    }));
    lines.extend(others.iter().map(|(c, what)| {
        format!(
            "Against {}, {baseline} with {what}, which are not the steps of {name}: {}.",
            c.against,
            c.verdict(overview)
        )
    }));
    lines
}

/// What to train to have an answer.
fn untested(name: &str, baseline: &str, focus: &RunSummary) -> String {
    match control::recipe(focus) {
        Some(recipe) => format!(
            "Not tested: the encoders of {name} take larger steps, and no run of {baseline} takes the same. Train \
             {baseline} with `{recipe}`."
        ),
        None => format!(
            "Not tested: no run of {baseline} takes the steps of {name}. A method that weighs its losses takes larger \
             steps, and larger steps alone may bring the same: tune the learning rate of {baseline}."
        ),
    }
}

fn losses(overview: &Overview<'_>, contests: &Contests, source: &ScoreSource) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(stronger(overview, contests));
    lines.extend(unimodal(overview, source));
    lines.extend(weaker_classes(overview));
    lines.extend(slower(overview));
    lines
}

/// Methods and references that beat the method in question.
fn stronger(overview: &Overview<'_>, contests: &Contests) -> Option<String> {
    let focus = contests.focus.first()?;
    let name = &overview.methods[overview.focus?].name;
    let of = |winner: Option<bool>| -> Vec<&str> {
        let same = focus.iter().filter(|c| c.comparable() && c.winner(overview) == winner);
        same.map(|c| c.against.as_str()).collect()
    };
    let (lost, level) = (of(Some(false)), of(None));
    if focus.is_empty() {
        return None;
    }
    let mut text = match lost.as_slice() {
        [] => format!("Of {}, none is better than {name} beyond noise", counted(focus.len(), "other method")),
        lost => format!("Better than {name} beyond noise: {}", listed(lost, 8)),
    };
    if !level.is_empty() {
        text += &format!("; not significantly different from it: {}", listed(&level, 8));
    }
    Some(text + ".")
}

/// Each modality inside the method, against a model of that modality only.
fn unimodal(overview: &Overview<'_>, source: &ScoreSource) -> Vec<String> {
    let Some(focus) = overview.focus.and_then(|i| overview.methods.get(i)) else { return Vec::new() };
    let mut found: Vec<(String, Comparison)> = Vec::new();
    for row in overview.unimodal_rows() {
        // A model that saw more samples is another question.
        let references =
            overview.methods.iter().filter(|m| m.kind.is_reference() && !trains_on_validation(m.runs[0]));
        let own = references.filter(|m| only_modality(m.runs[0]).as_deref() == Some(row));
        let Some(reference) =
            own.max_by(|a, b| mean(overview, a, source).total_cmp(&mean(overview, b, source)))
        else {
            continue;
        };
        let pairs = overview.pairs(focus, reference);
        let (a, b): (Vec<f64>, Vec<f64>) = pairs
            .iter()
            .map(|(x, y)| (overview.value(x, source, row), overview.value(y, source, FUSED)))
            .unzip();
        let gap = Comparison::grouped(&a, &b, &folds(&pairs, source), &overview.options.resampling);
        let (Some(inside), Some(unimodal)) =
            (overview.reached(focus, source, row), overview.reached(reference, source, FUSED))
        else {
            continue;
        };
        if Footing::of(overview, focus, reference).refused.is_some() {
            continue;
        }
        let text = format!(
            "{0} in {1} ({3}) reaches {inside}, the unimodal model ({2}) {unimodal}",
            row_title(row),
            focus.name,
            reference.name,
            overview.read_by(focus, source, row)
        );
        found.push((text, gap));
    }
    Comparison::correct(found.iter_mut().map(|(_, gap)| gap));
    let metric = &overview.metric;
    let sentence = |gap: &Comparison| gap.sentence(metric.factor(), metric.digits, &metric.points());
    found.iter().map(|(text, gap)| format!("{text}: {}.", sentence(gap))).collect()
}

/// The mean by which the better of two references is found; NaN last.
fn mean(overview: &Overview<'_>, method: &Method<'_>, source: &ScoreSource) -> f64 {
    let mean = Summary::of(&overview.values(method, source, FUSED)).mean.unwrap_or(f64::NEG_INFINITY);
    if overview.metric.beats(1.0, 0.0) { mean } else { -mean }
}

fn weaker_classes(overview: &Overview<'_>) -> Option<String> {
    let source = classes::source(overview)?;
    let (focus, baseline) = (&overview.methods[overview.focus?], overview.methods.get(overview.baseline)?);
    let gains = classes::class_gains(overview, source, focus, baseline);
    let measure = if classes::measure(overview) == "IoU" { "The IoU" } else { "Recall" };
    let of: Vec<_> = gains.iter().filter(|g| g.gap.difference.is_some()).collect();
    let mut lost: Vec<_> = of.iter().filter(|g| g.gap.difference.is_some_and(|d| d < 0.0)).collect();
    if of.is_empty() {
        return None;
    }
    lost.sort_by(|a, b| a.gap.difference.unwrap_or(0.0).total_cmp(&b.gap.difference.unwrap_or(0.0)));
    let sure = |gap: &Comparison| if gap.verdict == Verdict::BeyondNoise { ", beyond noise" } else { "" };
    let name = |g: &&&classes::Gain| {
        format!(
            "{} ({} points{})",
            g.class,
            decimal(100.0 * g.gap.difference.unwrap_or(f64::NAN), 1),
            sure(&g.gap)
        )
    };
    let named: Vec<String> = lost.iter().take(3).map(name).collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    Some(match lost.len() {
        0 => format!("{measure} falls in none of the {} classes.", of.len()),
        n => format!(
            "{measure} falls in {n} of {} classes{} {}.",
            of.len(),
            if n > 3 { ", most in" } else { ":" },
            listed(&named, 3)
        ),
    })
}

fn slower(overview: &Overview<'_>) -> Option<String> {
    let (focus, baseline) = (&overview.methods[overview.focus?], overview.methods.get(overview.baseline)?);
    let seconds = |m: &Method<'_>| {
        let epochs = m.runs.iter().flat_map(|run| &run.epochs).filter(|e| e.epoch > 0);
        Summary::of(&epochs.map(|e| e.seconds).collect::<Vec<_>>()).mean
    };
    let ratio = seconds(focus)? / seconds(baseline)?;
    (ratio.is_finite() && ratio > 1.1)
        .then(|| format!("An epoch takes {} times as long as one of {}.", decimal(ratio, 1), baseline.name))
}

/// The modality that the baseline starves most, and what the diagnostics say of it.
fn inside(overview: &Overview<'_>, source: &ScoreSource) -> Vec<String> {
    let Some(focus) = overview.focus.and_then(|i| overview.methods.get(i)) else { return Vec::new() };
    let Some(baseline) = overview.methods.get(overview.baseline) else { return Vec::new() };
    let mut lines = Vec::new();
    for row in overview.unimodal_rows() {
        let value = |m| overview.reached(m, source, row);
        let (Some(with), Some(without)) = (value(focus), value(baseline)) else { continue };
        let mut text = format!(
            "Unimodal {}: {} reaches {without} ({}) and {} {with} ({}).",
            row_title(row),
            baseline.name,
            overview.read_by(baseline, source, row),
            focus.name,
            overview.read_by(focus, source, row)
        );
        let both = |name: &str| Some((last(baseline, row, name)?, last(focus, row, name)?));
        if let Some((before, after)) = both(measure::SUPPRESSION_EFFECTIVE) {
            text += &format!(
                " Its effective suppression ends at {} under {} and {} under {} (1 is none, below 1 the other modalities \
                 take its error signal).",
                decimal(before, 2),
                baseline.name,
                decimal(after, 2),
                focus.name
            );
        }
        if let (Some(fused), Some(unimodal)) =
            (last(baseline, row, measure::GRADIENT_FUSED), last(baseline, row, measure::GRADIENT_UNIMODAL))
        {
            text += &format!(
                " In {} the fused loss reaches its features with a gradient of {} where its unimodal loss would \
                 send {}.",
                baseline.name,
                brief(fused),
                brief(unimodal)
            );
        }
        lines.push(text);
    }
    let measured = overview.runs.iter().flat_map(|run| &run.epochs).any(|e| !e.diagnostics.is_empty());
    if !measured && !lines.is_empty() {
        lines.push("Gradients and suppression were not recorded in these runs.".into());
    }
    lines
}

fn brief(value: f64) -> String {
    decimal(value, if value.abs() < 0.1 { 4 } else { 2 })
}

/// The mean over runs of the last value of a diagnostic.
fn last(method: &Method<'_>, modality: &str, name: &str) -> Option<f64> {
    let of = |run: &&RunSummary| {
        run.epochs.iter().rev().find_map(|e| e.diagnostics.get(modality)?.get(name).copied())
    };
    Summary::of(&method.runs.iter().filter_map(of).collect::<Vec<_>>()).mean
}

/// The methods that are not in question, in three groups.
fn others(overview: &Overview<'_>, contests: &Contests) -> Vec<String> {
    let Some(all) = contests.baseline.first() else { return Vec::new() };
    let focus = overview.focus.map(|i| overview.methods[i].name.as_str());
    let shown = all.iter().filter(|c| Some(c.method.as_str()) != focus && c.kind == Kind::Method);
    let groups = in_groups(overview, shown, |c| &c.method);
    let words = ["Better beyond noise", "Worse beyond noise", "Not significantly different"];
    let mut lines: Vec<String> = words
        .iter()
        .zip(groups)
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!("{what}: {}.", listed(&names, 12))
        })
        .collect();
    let apart: Vec<&str> = all
        .iter()
        .filter(|c| !c.comparable() && Some(c.method.as_str()) != focus && c.kind == Kind::Method)
        .map(|c| c.method.as_str())
        .collect();
    if !apart.is_empty() {
        lines.push(format!(
            "Not comparable, as they differ in data, split, classes or task: {}.",
            listed(&apart, 12)
        ));
    }
    lines
}
