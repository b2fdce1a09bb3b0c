//! Reading one run folder.

use std::{ffi::OsStr, fs, path::Path};

use serde_json::Value;

use super::{
    RunSummary,
    settings::{fault, settings},
};
use crate::{
    predictions::PredictionFile,
    record::{Log, TEST_ACCESSES},
    text::without_paths,
};

/// Whether a file of this name makes its folder a run.
pub(super) fn marks(name: &OsStr) -> bool {
    name == "config.toml" || name == "metrics.jsonl"
}

/// What the folder tells of its run; what it does not tell stands in the notes.
/// A run that was made of others' predictions and never `trained` has no
/// configuration and no facts.
pub(super) fn read(folder: &Path, name: String, trained: bool) -> RunSummary {
    let mut notes = Vec::new();
    let log = Log::read(folder.join("metrics.jsonl")).unwrap_or_else(|error| {
        notes.push(without_paths(&error.to_string()));
        Log::default()
    });
    if let Some(first) = log.damaged.first() {
        notes.push(format!(
            "metrics.jsonl has {} damaged line(s), left out here; the first is line {}: {}",
            log.damaged.len(),
            first.line,
            first.message
        ));
    }
    if let Some((line, event)) = log.unknown.first() {
        notes.push(format!(
            "metrics.jsonl holds events of a newer version, left out here: line {line}, {event}"
        ));
    }
    let mut run = RunSummary::from_log(name, &log);
    match fs::read(folder.join("config.toml")) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            notes.extend(
                fault(&text)
                    .map(|why| format!("config.toml is not TOML, so its settings are not known: {why}")),
            );
            run.config = without_paths(&text);
        }
        Err(error) if trained => notes.push(format!("cannot read config.toml: {error}")),
        Err(_) => {}
    }
    match fs::read(folder.join("run.json")).map(|bytes| serde_json::from_slice::<Value>(&bytes)) {
        Ok(Ok(facts)) => know(&mut run, &facts),
        Ok(Err(error)) => notes.push(format!("run.json is damaged: {error}")),
        Err(error) if trained => notes.push(format!("cannot read run.json: {error}")),
        Err(_) => {}
    }
    configure(&mut run);
    let predictions = folder.join(PredictionFile::NAME);
    match predictions.exists().then(|| PredictionFile::read(&predictions)) {
        Some(Ok(file)) if file.split == "test" => {
            run.predictions = file.checkpoints.keys().filter_map(|name| file.correct(name)).collect();
        }
        Some(Err(error)) => notes.push(without_paths(&error.to_string())),
        _ => {}
    }
    let looks = TEST_ACCESSES.map(|name| fs::read(folder.join(name)).unwrap_or_default());
    let lines = looks.iter().flat_map(|text| text.split(|byte| *byte == b'\n'));
    run.looks = lines.filter(|line| !line.trim_ascii().is_empty()).count();
    run.notes = notes;
    hide_paths(&mut run);
    run
}

/// Takes over what `run.json` says. Its `base` is a path and stays there.
fn know(run: &mut RunSummary, facts: &Value) {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|v| Some(v.as_str()?.to_owned())).collect()
    };
    if run.classes.is_empty() {
        run.classes = texts(&facts["classes"]);
    }
    if run.modalities.is_empty() {
        let named = facts["modalities"].as_array().into_iter().flatten();
        run.modalities = named.filter_map(|m| Some(m.get(0)?.as_str()?.to_owned())).collect();
    }
    let task = facts["task"].as_object().into_iter().flatten();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    run.task = task.map(|(key, value)| (key.clone(), word(value))).collect();
    if let Some(hash) = facts["data_hash"].as_str() {
        run.data.insert("hash".into(), hash.to_owned());
        // The record of the start names the same hash among the versions.
        run.environment.remove("data");
    }
    let more = facts["environment"].as_object().into_iter().flatten();
    run.environment.extend(more.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))));
}

/// Takes over what the configuration says of method, seed and data.
fn configure(run: &mut RunSummary) {
    let settings = settings(&run.config);
    if run.seed.is_none() {
        run.seed = settings.get("train.seed").and_then(|seed| seed.parse().ok());
    }
    if run.method.is_empty() {
        run.method = settings.get("strategy.name").cloned().unwrap_or_default();
    }
    for (key, value) in settings.iter().filter_map(|(key, value)| Some((key.strip_prefix("data.")?, value))) {
        run.data.insert(key.to_owned(), value.clone());
    }
}

fn hide_paths(run: &mut RunSummary) {
    let warnings = run.warnings.iter_mut().flat_map(|w| [&mut w.message, &mut w.remedy]);
    let end = run.end.as_mut().map(|end| &mut end.reason);
    let texts = run.environment.values_mut().chain(run.data.values_mut()).chain(&mut run.data_notes);
    texts.chain(warnings).chain(end).for_each(|text| *text = without_paths(text));
}
