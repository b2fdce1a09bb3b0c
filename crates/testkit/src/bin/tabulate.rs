//! Tables over run folders laid out as `ROOT/METHOD/FOLD/SEED`: the test
//! accuracy of each method, read from the runs' own records.
//!
//! `tabulate [--metric NAME] ROOT METHOD...` prints Markdown, of another share
//! than `accuracy` if told so. The first method is the one that
//! the others are compared with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use counterpoint_report::record::{Convention, Log, conventions};
use counterpoint_report::statistics::{Comparison, Resampling, Summary};
use counterpoint_report::table::{Cell, Column, Table};

/// Accuracy by row for one run, at the last epoch (`last`) and at the best on
/// validation (`best`), and what it cost (`cost`).
type Run = BTreeMap<&'static str, BTreeMap<String, f64>>;
/// Runs by fold and seed.
type Runs = BTreeMap<(String, String), Run>;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (metric, args) = match args.as_slice() {
        [flag, metric, rest @ ..] if flag == "--metric" => (metric.as_str(), rest),
        all => ("accuracy", all),
    };
    let [root, methods @ ..] = args else {
        eprintln!("usage: tabulate [--metric NAME] ROOT METHOD...");
        return ExitCode::from(2);
    };
    let (mut all, mut read_by) = (Vec::new(), Vec::new());
    for method in methods {
        match read(&Path::new(root).join(method), metric) {
            Ok((runs, by)) if !runs.is_empty() => {
                all.push((method.as_str(), runs));
                read_by.extend(by.into_iter().map(|by| (method.as_str(), by)));
            }
            Ok(_) => eprintln!("warning: {method} has no evaluated run"),
            Err(error) => {
                eprintln!("error: {method}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let named = metric.replace('_', " ");
    println!("{}", by_fold(&all, &named).to_markdown());
    let mut table = overall(&all, &named);
    let read_by = read_by.iter().map(|(method, by)| (*method, by.as_str()));
    conventions(read_by).into_iter().for_each(|words| table.note(words));
    println!("{}", table.to_markdown());
    if let Some(((base, reference), others)) = all.split_first() {
        for (method, runs) in others {
            println!("{}", sentence(method, runs, base, reference));
        }
    }
    ExitCode::SUCCESS
}

/// The runs of a method, and what the convention is called by which it reads a
/// modality alone.
fn read(root: &Path, metric: &str) -> Result<(Runs, Option<String>), String> {
    let (mut runs, mut read_by) = (Runs::new(), None);
    for (fold, path) in folders(root)? {
        for (seed, path) in folders(&path)? {
            let log = Log::read(path.join("metrics.jsonl")).map_err(|e| e.to_string())?;
            let mut run = Run::new();
            for test in log.tests() {
                let which = if test.checkpoint == "last" { "last" } else { "best" };
                let alone = test.alone.clone().unwrap_or_default();
                let mut scores = BTreeMap::new();
                for (row, values) in &test.scores {
                    let (by, modality) = Convention::of_row(row);
                    let Some(&value) = values.get(metric) else { continue };
                    if row == "full" {
                        scores.insert(row.clone(), value);
                        continue;
                    }
                    if by == alone.convention(&test.scores, modality) {
                        scores.insert(format!("{modality} alone"), value);
                        read_by.get_or_insert_with(|| alone.title(by).to_owned());
                    }
                    if !alone.native.is_empty() {
                        scores.insert(format!("{modality} alone, {}", by.name()), value);
                    }
                }
                run.insert(which, scores);
            }
            let trained: f64 = log.epochs().iter().map(|e| e.seconds).sum();
            let peak = log.end().and_then(|end| end.peak_bytes).map_or(f64::NAN, |bytes| bytes as f64 / 1e6);
            if run.len() == 2 {
                run.insert("cost", [("seconds".to_owned(), trained), ("peak".to_owned(), peak)].into());
                runs.insert((fold.clone(), seed), run);
            }
        }
    }
    Ok((runs, read_by))
}

fn folders(path: &Path) -> Result<Vec<(String, std::path::PathBuf)>, String> {
    let entries = fs::read_dir(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|e| e.path().is_dir())
        .map(|e| (e.file_name().to_string_lossy().into_owned(), e.path()))
        .collect();
    found.sort();
    Ok(found)
}

fn accuracies(runs: &Runs, fold: Option<&str>, which: &str, row: &str) -> Vec<f64> {
    let of_fold = runs.iter().filter(|((f, _), _)| fold.is_none_or(|fold| fold == f));
    of_fold.filter_map(|(_, run)| run.get(which)?.get(row).copied()).collect()
}

fn by_fold(all: &[(&str, Runs)], metric: &str) -> Table {
    let mut table = Table::new(
        std::iter::once(Column::new("held-out speaker")).chain(all.iter().map(|(m, _)| Column::new(*m))),
    )
    .captioned(format!("Fused test {metric} at the last epoch, %, mean and standard deviation over seeds"));
    let folds: std::collections::BTreeSet<&String> =
        all.iter().flat_map(|(_, runs)| runs.keys().map(|(fold, _)| fold)).collect();
    for fold in folds {
        let cell = |(_, runs): &(&str, Runs)| {
            Cell::spread(&Summary::of(&accuracies(runs, Some(fold), "last", "full")), 100.0, 1)
        };
        table.row(std::iter::once(Cell::text(fold.as_str())).chain(all.iter().map(cell)));
    }
    table
}

/// Means over folds for each seed first: the interval is over seeds.
fn seed_means(runs: &Runs, which: &str, row: &str) -> Vec<f64> {
    let mut by_seed: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for ((_, seed), run) in runs {
        if let Some(value) = run.get(which).and_then(|r| r.get(row)) {
            by_seed.entry(seed).or_default().push(*value);
        }
    }
    by_seed.values().map(|v| v.iter().sum::<f64>() / v.len() as f64).collect()
}

fn overall(all: &[(&str, Runs)], metric: &str) -> Table {
    let rows: std::collections::BTreeSet<&String> = all
        .iter()
        .flat_map(|(_, runs)| runs.values().flat_map(|run| run["last"].keys()))
        .filter(|row| *row != "full")
        .collect();
    let mut columns = vec![
        Column::new("method"),
        Column::new("runs"),
        Column::new("fused, last"),
        Column::new("fused, best on val"),
    ];
    columns.extend(rows.iter().map(|row| Column::new(format!("{row}, last"))));
    columns.extend([Column::new("training, s"), Column::new("peak, MB")]);
    let mut table = Table::new(columns).captioned(format!(
        "Test {metric} over all folds, %: mean of fold means, 95 % t interval over seeds"
    ));
    for (method, runs) in all {
        let cell = |which: &str, row: &str| {
            let summary = Summary::of(&seed_means(runs, which, row));
            match summary.mean {
                Some(mean) => Cell::range(mean, summary.t_interval(0.95), 100.0, 1),
                None => Cell::none(),
            }
        };
        let mut cells = vec![
            Cell::text(*method),
            Cell::count(runs.len() as u64),
            cell("last", "full"),
            cell("best", "full"),
        ];
        cells.extend(rows.iter().map(|row| cell("last", row)));
        let cost = |what: &str| Cell::maybe(Summary::of(&accuracies(runs, None, "cost", what)).mean, 0);
        cells.extend([cost("seconds"), cost("peak")]);
        table.row(cells);
    }
    table
}

/// The gap to the reference over all folds and seeds that both have.
fn sentence(method: &str, runs: &Runs, base: &str, reference: &Runs) -> String {
    let pairs: Vec<(f64, f64)> = runs
        .iter()
        .filter_map(|(key, run)| Some((run["last"].get("full")?, reference.get(key)?["last"].get("full")?)))
        .map(|(a, b)| (*a, *b))
        .collect();
    let (first, second): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let comparison = Comparison::paired(&first, &second, &Resampling::default());
    let wins = pairs.iter().filter(|(a, b)| a > b).count();
    let losses = pairs.iter().filter(|(a, b)| a < b).count();
    format!(
        "- {method} against {base}, last epoch, {} pairs of fold and seed: {wins} wins, {losses} losses; {}.",
        pairs.len(),
        comparison.sentence(100.0, 1, "points").trim_end_matches('.')
    )
}
