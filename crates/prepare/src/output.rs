//! The lists beside the clips: manifest, splits, labels, problems, check sums, origin, configuration.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use counterpoint_batch::file::{StagedFile, replace};
use counterpoint_data::media::Frames;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::content::{hex, sha256};
use crate::error::PrepareError;
use crate::job::{Job, Plan};
use crate::journal::{self, Entry};
use crate::problem::Problem;
use crate::sheet::{Counts, Sheet, kinds, problem_list, slashes, split_list};
use crate::summary::Summary;

/// Writes all lists.
///
/// # Errors
/// If no clip can be used, or the target not written.
pub fn write(
    job: &Job,
    plan: &Plan,
    results: &[Result<Entry, Problem>],
    known: usize,
) -> Result<Summary, PrepareError> {
    let put = |name: &str, bytes: &[u8]| {
        let path = job.to.join(name);
        replace(&path, bytes).map_err(|cause| PrepareError::target("write", &path, &cause))
    };
    let mut problems: Vec<&Problem> = plan.problems.iter().collect();
    for result in results {
        match result {
            Ok(entry) => problems.extend(&entry.made.remarks),
            Err(problem) => problems.push(problem),
        }
    }
    problems.sort_by(|a, b| (a.kept, &a.id, &a.file).cmp(&(b.kept, &b.id, &b.file)));
    put("problems.csv", &problem_list(&problems))?;

    let mut lines = String::new();
    results.iter().flatten().for_each(|entry| lines += &journal::line(entry));
    put(journal::FILE, lines.as_bytes())?;

    let used: Vec<(usize, &Entry)> =
        results.iter().enumerate().filter_map(|(at, result)| Some((at, result.as_ref().ok()?))).collect();
    if used.is_empty() {
        let first = problems.first();
        let why = first.map_or(String::new(), |p| format!(", as `{}`: {}", p.id, p.finding.words()));
        return Err(PrepareError::data(format!(
            "none of the {} clips can be used{why}; all reasons are in `{}`",
            plan.clips.len(),
            job.to.join("problems.csv").display()
        )));
    }

    let mut modalities = BTreeMap::new();
    for (name, count) in [
        ("audio", used.iter().filter(|(_, e)| e.made.sound.is_some()).count()),
        ("video", used.iter().filter(|(_, e)| !e.made.frames.is_empty()).count()),
        ("image", used.iter().filter(|(_, e)| e.made.image.is_some()).count()),
    ] {
        if count > 0 {
            modalities.insert(name.to_owned(), count);
        }
    }
    let grouped = plan.clips.iter().any(|clip| clip.group.is_some());
    put("manifest.csv", &manifest(plan, &used, &modalities, grouped))?;

    put("splits.csv", &split_list(&plan.clips, &plan.assigned.parts))?;
    let counts = Counts::of(used.iter().map(|(at, _)| (&plan.clips[*at], plan.assigned.parts[*at])));
    put("labels.csv", &counts.list())?;
    let mut notes = plan.notes.clone();
    notes.extend(counts.notes());
    put("train.toml", config(job, &modalities).as_bytes())?;

    let mut sums = String::new();
    for name in ["manifest.csv", "splits.csv", "labels.csv", "problems.csv", "train.toml"] {
        let path = job.to.join(name);
        let sum = sha256(&path).map_err(|cause| PrepareError::target("read", &path, &cause))?;
        let _ = writeln!(sums, "{sum}  {name}");
    }
    for content in used.iter().flat_map(|(_, entry)| entry.made.files()) {
        let _ = writeln!(sums, "{}  {}", content.sha256, slashes(&content.file));
    }
    put("SHA256SUMS", sums.as_bytes())?;

    let summary = Summary {
        to: job.to.clone(),
        unit: "clips",
        clips: used.len(),
        known,
        splits: counts.totals,
        classes: counts.classes.len(),
        modalities,
        left_out: problems.iter().filter(|p| !p.kept).count(),
        problems: kinds(&problems),
        bytes: used.iter().flat_map(|(_, e)| e.made.files()).map(|c| c.bytes).sum(),
        split: plan.assigned.words.clone(),
        notes,
    };
    let text = provenance(job, plan, &used, &summary)?;
    // Last, so that it says that everything else is there.
    let path = job.to.join("provenance.json");
    StagedFile::new(&path, |file| file.write_all(text.as_bytes()))
        .and_then(StagedFile::place)
        .map_err(|cause| PrepareError::target("write", &path, &cause))?;
    Ok(summary)
}

/// The list that the data set `manifest` reads.
fn manifest(
    plan: &Plan,
    used: &[(usize, &Entry)],
    modalities: &BTreeMap<String, usize>,
    grouped: bool,
) -> Vec<u8> {
    let mut header = vec!["id", "split", "label"];
    header.extend(grouped.then_some("group"));
    header.extend(modalities.keys().map(String::as_str));
    header.extend(plan.columns.iter().map(String::as_str));
    let mut sheet = Sheet::new(&header);
    for (at, entry) in used {
        let clip = &plan.clips[*at];
        let part = plan.assigned.parts[*at].name();
        let mut cells = vec![clip.id.clone(), part.to_owned(), clip.label.clone()];
        cells.extend(grouped.then(|| clip.group.clone().unwrap_or_default()));
        for modality in modalities.keys() {
            cells.push(
                match modality.as_str() {
                    "audio" => entry.made.sound.as_ref().map(|c| slashes(&c.file)),
                    "image" => entry.made.image.as_ref().map(|c| slashes(&c.file)),
                    _ => entry.made.frames.first().and_then(|c| c.file.parent()).map(slashes),
                }
                .unwrap_or_default(),
            );
        }
        cells.extend(clip.cells.iter().cloned());
        cells.resize(header.len(), String::new());
        sheet.row(&cells);
    }
    sheet.bytes()
}

/// A configuration that trains what was prepared: small networks that say soon whether the data can be learned.
fn config(job: &Job, modalities: &BTreeMap<String, usize>) -> String {
    let mut text = format!(
        "# What `counterpoint prepare {}` made. Small networks, to see soon whether it can be learned;\n\
         # configs/ of the project has ResNet-18 as in the papers.\n\n\
         [data]\nname = \"manifest\"\nroot = \"manifest.csv\"\nbatch_size = 16\naugment = true\n",
        job.layout.name()
    );
    for name in modalities.keys() {
        let _ = write!(text, "\n[data.modality.{name}]\nkind = \"{name}\"\n");
        text += match name.as_str() {
            // Three seconds of 16 kHz as 64 frequencies x 96 steps.
            "audio" => {
                "rate = 16000\nsamples = 48000\nn_fft = 512\nhop = 500\nbins_per_group = 4\nframes = 96\nnormalise = \"train\"\n"
            }
            "video" if job.settings.frames == Frames::Spread(1) => "size = 64\nchannels = 3\nframes = 1\n",
            "video" => "size = 64\nchannels = 3\nframes = 3\n",
            _ => "size = 64\nchannels = 3\n",
        };
    }
    text += "\n[model]\nencoder = { name = \"conv-net\", channels = [16, 32, 64, 64] }\n";
    text += "fusion = { name = \"concat\" }\n";
    text += if modalities.len() > 1 {
        "\n[strategy]\nname = \"dgl\"\nalpha = 4.0\n"
    } else {
        "\n[strategy]\nname = \"unimodal\"\n"
    };
    text += "\n[optimizer]\nname = \"sgd\"\nlr = 0.01\nmomentum = 0.9\nweight_decay = 1e-4\n\n[train]\nepochs = 10\nseed = 0\n";
    text
}

fn provenance(
    job: &Job,
    plan: &Plan,
    used: &[(usize, &Entry)],
    summary: &Summary,
) -> Result<String, PrepareError> {
    let mut versions: Vec<&str> = used.iter().map(|(_, e)| e.ffmpeg.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    let mut lists = BTreeMap::new();
    for list in &plan.lists {
        let path = job.from.join(list);
        let sum = sha256(&path)
            .map_err(|cause| PrepareError::data(format!("cannot read `{}`: {cause}", path.display())))?;
        lists.insert(slashes(list), sum);
    }
    // One number for all raw files, so that two machines can see whether they had the same.
    let mut sources = Sha256::new();
    for stamp in used.iter().flat_map(|(_, e)| &e.sources) {
        sources.update(format!("{}  {}\n", stamp.content.sha256, slashes(&stamp.content.file)));
    }
    let value = json!({
        "program": {"name": "counterpoint", "version": env!("CARGO_PKG_VERSION")},
        "ffmpeg": versions,
        "command": job.command,
        "layout": job.layout.name(),
        "settings": job.settings,
        "split": {"settings": job.split, "rule": plan.assigned.rule, "words": plan.assigned.words},
        "complete_clips_only": job.complete,
        "damaged_clips_kept": job.keep_damaged,
        "lists": lists,
        "sources_sha256": hex(sources),
        "clips_listed": plan.clips.len(),
        "clips": summary.clips,
        "clips_per_split": {"train": summary.splits[0], "val": summary.splits[1], "test": summary.splits[2]},
        "classes": summary.classes,
        "modalities": summary.modalities,
        "problems": summary.problems,
        "left_out": summary.left_out,
        "notes": summary.notes,
    });
    Ok(serde_json::to_string_pretty(&value).unwrap_or_default() + "\n")
}
