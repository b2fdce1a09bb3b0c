//! The lists beside what was converted: splits, labels, problems, check sums, origin, configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use counterpoint_batch::file::replace;
use counterpoint_data::set::Part;
use serde_json::json;

use super::conversion::{Conversion, ConversionPlan};
use crate::content::{Content, Stamp, content};
use crate::error::PrepareError;
use crate::journal;
use crate::problem::Problem;
use crate::sheet::{Counts, kinds, problem_list, slashes, split_list};
use crate::summary::Summary;

/// What came of the steps.
#[derive(Default)]
pub struct Results {
    /// The sources.
    pub stamps: Vec<Stamp>,
    /// All files that were made.
    pub files: Vec<Content>,
    /// What was found on the way.
    pub remarks: Vec<Problem>,
    /// Numbers of the samples that are used.
    pub used: Vec<usize>,
    /// Steps that an earlier call had finished.
    pub known: usize,
    /// The journal anew.
    pub lines: String,
}

/// Writes all lists.
///
/// # Errors
/// If no sample can be used, or the target not written.
pub fn write(job: &Conversion, plan: &ConversionPlan, results: &Results) -> Result<Summary, PrepareError> {
    let (samples, maker) = (&plan.opened.samples, &plan.opened.maker);
    let put = |name: &str, bytes: &[u8]| {
        let path = job.to.join(name);
        replace(&path, bytes).map_err(|cause| PrepareError::target("write", &path, &cause))?;
        Ok::<_, PrepareError>(content(PathBuf::from(name), bytes))
    };
    let mut problems: Vec<&Problem> = plan.opened.problems.iter().chain(&results.remarks).collect();
    problems.sort_by(|a, b| (a.kept, &a.id, &a.file).cmp(&(b.kept, &b.id, &b.file)));
    let mut written = vec![put("problems.csv", &problem_list(&problems))?];
    if results.used.is_empty() {
        return Err(PrepareError::data(format!(
            "none of the {} {} can be used; all reasons are in `{}`",
            samples.len(),
            maker.unit(),
            job.to.join("problems.csv").display()
        )));
    }
    let used: Vec<(usize, Part)> = results.used.iter().map(|&at| (at, plan.assigned.parts[at])).collect();
    written.push(put("splits.csv", &split_list(samples, &plan.assigned.parts))?);
    let counts = Counts::of(used.iter().map(|&(at, part)| (&samples[at], part)));
    written.push(put("labels.csv", &counts.list())?);
    for (name, bytes) in maker.lists(samples, &used) {
        written.push(put(&name, &bytes)?);
    }
    written.push(put("train.toml", maker.config().as_bytes())?);

    let mut sums = String::new();
    for content in written.iter().chain(&results.files) {
        let _ = writeln!(sums, "{}  {}", content.sha256, slashes(&content.file));
    }
    put("SHA256SUMS", sums.as_bytes())?;
    put(journal::FILE, results.lines.as_bytes())?;

    let mut notes = plan.opened.notes.clone();
    notes.extend(counts.notes());
    let summary = Summary {
        to: job.to.clone(),
        unit: maker.unit(),
        clips: used.len(),
        known: if results.known == maker.steps(samples).len() { used.len() } else { 0 },
        splits: counts.totals,
        classes: maker.classes(samples),
        modalities: maker.modalities(used.len()),
        left_out: problems.iter().filter(|p| !p.kept).count(),
        problems: kinds(&problems),
        bytes: results.files.iter().map(|content| content.bytes).sum(),
        split: plan.assigned.words.clone(),
        notes,
    };
    let sources: BTreeMap<String, &String> =
        results.stamps.iter().map(|s| (slashes(&s.content.file), &s.content.sha256)).collect();
    let value = json!({
        "program": {"name": "counterpoint", "version": env!("CARGO_PKG_VERSION")},
        "command": job.command,
        "layout": job.collection.name(),
        "settings": job.settings,
        "split": {"settings": job.split, "rule": plan.assigned.rule, "words": plan.assigned.words},
        "sources": sources,
        "listed": samples.len(),
        "used": summary.clips,
        "per_split": {"train": summary.splits[0], "val": summary.splits[1], "test": summary.splits[2]},
        "classes": summary.classes,
        "modalities": summary.modalities,
        "problems": summary.problems,
        "left_out": summary.left_out,
        "notes": summary.notes,
    });
    // Last, so that it says that everything else is there.
    put("provenance.json", (serde_json::to_string_pretty(&value).unwrap_or_default() + "\n").as_bytes())?;
    Ok(summary)
}
