//! `counterpoint report`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use counterpoint_report::html::Page;
use counterpoint_report::record::Study;
use counterpoint_report::report::{Options, Records, RunSummary, read, report};
use counterpoint_report::table::FORMATS;

use super::print;
use crate::args::Report;
use crate::exit::{Code, Failure};
use crate::target;
use counterpoint::catalog::suggestion;

/// Writes one HTML file about runs.
pub fn run(args: &Report) -> Result<(), Failure> {
    let Records { runs, studies } = read(&args.runs).map_err(|e| Failure::new(Code::Files, e.to_string()))?;
    let chosen =
        |pick: fn(&Study) -> &String| studies.iter().map(pick).find(|name| !name.is_empty()).cloned();
    let selected = || runs.iter().map(|run| &run.metric).find(|name| !name.is_empty()).cloned();
    let metric = args.metric.clone().or_else(|| chosen(|s| &s.metric)).or_else(selected);
    let metric = metric.unwrap_or_else(|| "accuracy".into());
    let baseline = args.baseline.clone().or_else(|| chosen(|s| &s.baseline));
    let metrics: BTreeSet<&str> = runs.iter().flat_map(metrics).collect();
    known("--metric", &metric, &metrics)?;
    let methods: BTreeSet<&str> = runs.iter().map(|run| run.method.as_str()).collect();
    if let Some(baseline) = &args.baseline {
        known("--baseline", baseline, &methods)?;
    }
    let options = Options {
        title: title(&args.runs, &methods),
        metric,
        baseline,
        studies,
        footer: format!("Made by counterpoint {} report.", env!("CARGO_PKG_VERSION")),
        ..Options::default()
    };
    let page = report(&runs, &options);
    let out = args.out.clone().unwrap_or_else(|| default_out(&args.runs));
    let html = page.to_html();
    let mut files = args.assets.as_ref().map_or_else(Vec::new, |folder| assets(folder, &page));
    // A folder's own report is made anew each time.
    let own = args.out.is_none() && args.runs.len() == 1;
    target::check(&out, args.force || own)?;
    files.iter().try_for_each(|(path, _)| target::check(path, args.force))?;
    files.push((out.clone(), html.clone().into_bytes()));
    target::write(&files)?;
    print(page.summary_text().trim_end());
    print(format!("{}: {} runs, {} KB", out.display(), runs.len(), html.len().div_ceil(1000)));
    Ok(())
}

/// Names of the scores a run has.
fn metrics(run: &RunSummary) -> impl Iterator<Item = &str> {
    let epochs = run.epochs.iter().map(|e| &e.val).chain(run.tests.iter().map(|t| &t.scores));
    epochs.flat_map(|scores| scores.values()).flat_map(|values| values.keys()).map(String::as_str)
}

/// Refuses a name that the runs do not have; runs without any name show that themselves.
fn known(option: &str, name: &str, names: &BTreeSet<&str>) -> Result<(), Failure> {
    if names.is_empty() || names.contains(name) {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().copied().collect();
    Err(Failure::new(
        Code::Usage,
        format!("{option} {name}: the runs have {}{}", names.join("; "), suggestion(name, &names)),
    ))
}

fn title(folders: &[PathBuf], methods: &BTreeSet<&str>) -> String {
    let of = |path: &Path| {
        let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        full.file_name().map_or_else(|| "runs".to_owned(), |name| name.to_string_lossy().into_owned())
    };
    match folders {
        [one] => format!("Report: {}", of(one)),
        _ => methods.iter().copied().collect::<Vec<_>>().join(", "),
    }
}

/// Beside the runs of a single folder, else in the working directory.
fn default_out(folders: &[PathBuf]) -> PathBuf {
    match folders {
        [one] => one.join("report.html"),
        _ => PathBuf::from("report.html"),
    }
}

/// The tables as CSV, Markdown and LaTeX, the figures as SVG with their numbers
/// as CSV, and an index of both.
fn assets(folder: &Path, page: &Page) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut add = |kind: &str, name: &str, ending: &str, text: String| {
        files.push((folder.join(kind).join(format!("{name}.{ending}")), text.into_bytes()));
    };
    for (name, table) in page.tables() {
        FORMATS.iter().for_each(|(ending, text)| add("tables", &name, ending, text(table)));
    }
    for (name, figure) in page.figures() {
        add("figures", &name, "svg", figure.to_svg());
        add("figures", &name, "csv", figure.data.to_csv());
    }
    let index = page.index();
    files.push((folder.join("index.csv"), index.to_csv().into_bytes()));
    files.push((folder.join("index.md"), index.to_markdown().into_bytes()));
    files
}
