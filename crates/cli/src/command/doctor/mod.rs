//! `counterpoint doctor`.

mod sheet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint_data::DataConfig;
use counterpoint_data::doctor::{Checkup, Fault, Figures, Finding};
use counterpoint_data::set::Table;
use serde_json::{Value, json};

use super::{print, print_json};
use crate::args::Doctor;
use crate::exit::{Code, Failure};
use crate::watch::reading;
use crate::{config, leaks};

/// Findings of one kind that are listed.
const SHOWN: usize = 5;

/// Looks at every file of a data set.
pub fn run(args: &Doctor) -> Result<(), Failure> {
    if let Some(sheet) = args.sheet.as_ref().filter(|sheet| sheet.exists() && !args.force) {
        return Err(Failure::new(
            Code::Usage,
            format!("{} exists; choose another name, or replace it with --force", sheet.display()),
        ));
    }
    let (data, base) = opened(args)?;
    let threads = rayon::current_num_threads();
    let mut checkup = data.examine(&base, threads, &reading::progress(args.json))?;
    checkup.findings.extend(noted(&data, &base, &checkup)?);
    if let Some(path) = &args.sheet {
        let page = sheet::page(&checkup, args.samples);
        counterpoint_batch::file::replace(path, page.as_bytes())
            .map_err(|error| Failure::io("write", path, &error))?;
    }
    if args.json {
        print_json(&as_json(&checkup));
    } else {
        say(&checkup);
        if let Some(path) = &args.sheet {
            print(format!("look at it: {}", path.display()));
        }
    }
    if checkup.fatal() {
        let unusable = checkup.findings.iter().filter(|f| f.fault.fatal()).count();
        let files = (unusable > 0).then(|| {
            format!("{unusable} files cannot be used; repair them or take their samples out of the list")
        });
        let leak = checkup.leaks.cross().then(|| {
            "groups or contents are in two splits; split by group (split_by) and remove duplicates".to_owned()
        });
        let parts: Vec<String> = files.into_iter().chain(leak).collect();
        return Err(Failure::new(Code::Data, parts.join("; ")));
    }
    Ok(())
}

/// The configuration that is meant, and the folder it starts from.
fn opened(args: &Doctor) -> Result<(DataConfig, PathBuf), Failure> {
    let config = |path: &Path| {
        let loaded = config::load(path, &args.set)?;
        Ok((loaded.config.data, loaded.base))
    };
    let folder = args.data.is_dir();
    let list = if folder { args.data.join("manifest.csv") } else { args.data.clone() };
    let beside = args.data.join("train.toml");
    if folder && beside.is_file() {
        return config(&beside);
    }
    let is_csv = list.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    if !is_csv || (folder && !list.is_file()) {
        if folder {
            return Err(Failure::new(
                Code::Data,
                format!(
                    "{} holds neither train.toml nor manifest.csv; give the configuration that trains it",
                    args.data.display()
                ),
            ));
        }
        return config(&args.data);
    }
    if !args.set.is_empty() {
        return Err(Failure::new(Code::Usage, "--set changes a configuration, but this is a list"));
    }
    let table = Table::read(&list)?;
    let mut text = String::from("name = \"manifest\"\n");
    let kinds = ["audio", "video", "image"].into_iter().filter(|kind| table.find(kind).is_some());
    for kind in kinds {
        text += &format!("[modality.{kind}]\nkind = \"{kind}\"\n");
        text += if kind == "audio" { "" } else { "size = 64\n" };
    }
    let mut data = DataConfig::from_toml(&text)?;
    data.common.root = Some(std::path::absolute(&list).unwrap_or(list));
    Ok((data, PathBuf::new()))
}

/// What was found when the data were prepared, of the samples that are there.
fn noted(data: &DataConfig, base: &Path, checkup: &Checkup) -> Result<Vec<Finding>, Failure> {
    let root = data.common.root.as_ref().map(|root| base.join(root));
    let folder = root
        .map(|root| if root.is_dir() { root } else { root.parent().map_or(root.clone(), Path::to_owned) });
    let Some(list) = folder.map(|folder| folder.join("problems.csv")).filter(|list| list.is_file()) else {
        return Ok(Vec::new());
    };
    // A list without a line is that of a set without problems.
    let Ok(table) = Table::read(&list) else { return Ok(Vec::new()) };
    let columns = ["id", "file", "found", "reason"].map(|name| table.find(name));
    let [Some(id), Some(file), Some(found), Some(reason)] = columns else { return Ok(Vec::new()) };
    let splits: BTreeMap<&str, &'static str> =
        checkup.entries.iter().map(|entry| (entry.id.as_str(), entry.split)).collect();
    let finding = |row: counterpoint_data::set::TableRow<'_>| {
        let split = splits.get(row.text(id))?;
        Some(Finding {
            sample: row.text(id).to_owned(),
            split,
            modality: "source".into(),
            file: row.text(file).into(),
            fault: Fault::Noted { what: format!("{}: {}", row.text(found), row.text(reason)) },
        })
    };
    Ok(table.rows().filter_map(finding).collect())
}

fn as_json(checkup: &Checkup) -> Value {
    let findings: Vec<Value> = checkup
        .findings
        .iter()
        .map(|f| {
            json!({
                "sample": f.sample, "split": f.split, "modality": f.modality, "file": f.file,
                "found": f.fault.name(), "words": f.fault.words(), "fatal": f.fault.fatal(),
            })
        })
        .collect();
    let balance: BTreeMap<&String, &[usize; 3]> = checkup.classes.iter().zip(&checkup.balance).collect();
    let leaks: Vec<Value> = leaks::words(&checkup.leaks)
        .into_iter()
        .map(|(leak, words)| json!({"leak": leak, "words": words}))
        .collect();
    json!({
        "ok": !checkup.fatal(),
        "samples": {"train": checkup.samples[0], "val": checkup.samples[1], "test": checkup.samples[2]},
        "classes": balance, "modalities": checkup.figures, "findings": findings, "leaks": leaks,
    })
}

fn say(checkup: &Checkup) {
    let [train, val, test] = checkup.samples;
    print(format!("samples: train {train}, val {val}, test {test}"));
    if !checkup.classes.is_empty() {
        print(balance(checkup));
    }
    checkup.figures.iter().for_each(|figures| print(words(figures)));
    let mut kinds: BTreeMap<(bool, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in &checkup.findings {
        kinds.entry((!finding.fault.fatal(), finding.fault.name())).or_default().push(finding);
    }
    for ((usable, name), findings) in kinds {
        print(format!("{}: {name}, files: {}", if usable { "note" } else { "error" }, findings.len()));
        for finding in findings.iter().take(SHOWN) {
            let Finding { sample, split, modality, fault, .. } = finding;
            print(format!("  {modality} of `{sample}` ({split}): {}", fault.words()));
        }
        if findings.len() > SHOWN {
            print(format!("  and {} more", findings.len() - SHOWN));
        }
    }
    for (leak, words) in leaks::words(&checkup.leaks) {
        print(format!("{}: {words}", if leak { "leak" } else { "note" }));
    }
    if !checkup.fatal() {
        print("ok: every file can be used, and no group and no content is in two splits");
    }
}

/// Classes in one line each if there are few, else the rarest and the most frequent.
fn balance(checkup: &Checkup) -> String {
    let mut order: Vec<usize> = (0..checkup.classes.len()).collect();
    order.sort_by_key(|&class| checkup.balance[class].iter().sum::<usize>());
    let one = |&class: &usize| {
        let [train, val, test] = checkup.balance[class];
        format!("{} {train}/{val}/{test}", checkup.classes[class])
    };
    let list = |some: &[usize]| some.iter().map(one).collect::<Vec<_>>().join(", ");
    let few = order.len() <= 12;
    if few {
        return format!("classes (train/val/test): {}", list(&order));
    }
    let end = order.len() - SHOWN;
    format!(
        "{} classes (train/val/test), the rarest: {}; the most frequent: {}",
        order.len(),
        list(&order[..SHOWN]),
        list(&order[end..])
    )
}

/// A modality in one line.
fn words(figures: &Figures) -> String {
    let mut kinds: Vec<(&String, &usize)> = figures.kinds.iter().collect();
    kinds.sort_by(|a, b| b.1.cmp(a.1));
    let mut text = format!("{}: {} samples", figures.modality, figures.present);
    if let Some([low, middle, high]) = figures.spread {
        text += &format!(", {low:.2} to {high:.2} {} (median {middle:.2})", figures.unit);
    }
    let some: Vec<String> = kinds.iter().take(3).map(|(kind, count)| format!("{kind} ({count})")).collect();
    if !some.is_empty() {
        text += &format!("; {}", some.join(", "));
        if kinds.len() > 3 {
            text += &format!(" and {} more", kinds.len() - 3);
        }
    }
    let list = |values: &[f64]| values.iter().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join(", ");
    if !figures.mean.is_empty() {
        text += &format!("; train mean [{}], deviation [{}]", list(&figures.mean), list(&figures.deviation));
    }
    text
}
