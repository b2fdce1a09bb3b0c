//! Every number of a report, computed again from the run folders in a naive way.

mod support;

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use support::Toy;

/// Student's t quantile 0.975 with two degrees of freedom (three seeds).
const T: f64 = 4.302_652_729_911_275;
const METHODS: [(&str, &[&str]); 4] = [
    ("joint", &["strategy.name=joint"]),
    ("dgl", &[]),
    ("joint (lr 0.01)", &["strategy.name=joint", "optimizer.lr=0.01"]),
    ("unimodal (audio)", &["strategy.name=unimodal", "strategy.modality=audio"]),
];

type Cells = BTreeMap<String, String>;

/// Rows of a CSV by column title; quoted fields may hold commas.
fn csv(path: &Path) -> Vec<Cells> {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let fields = |line: &str| {
        let (mut fields, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(String::new()),
                c => fields.last_mut().unwrap().push(c),
            }
        }
        fields
    };
    let mut lines = text.lines();
    let titles = fields(lines.next().unwrap());
    lines.map(|line| titles.iter().cloned().zip(fields(line)).collect()).collect()
}

fn number(row: &Cells, column: &str) -> f64 {
    let text = row.get(column).unwrap_or_else(|| panic!("no column {column} in {row:?}"));
    text.parse().unwrap_or_else(|_| panic!("{column} is `{text}` in {row:?}"))
}

#[track_caller]
fn same(ours: f64, theirs: f64, what: &str) {
    assert!(
        (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
        "{what}: {ours}, the folders say {theirs}"
    );
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn sd(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (values.len() as f64 - 1.0)).sqrt()
}

/// The events of the three runs of a method.
struct Runs(Vec<Vec<Value>>);

impl Runs {
    fn read(toy: &Toy, method: usize) -> Self {
        let lines = |seed: usize| -> Vec<Value> {
            let bytes = toy.bytes(&format!("runs/{method}/{seed}/metrics.jsonl"));
            let text = String::from_utf8(bytes).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        Self((0..3).map(lines).collect())
    }

    fn events<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Vec<&'a Value>> {
        self.0.iter().map(move |run| run.iter().filter(|e| e["event"] == name).collect())
    }

    /// A test score of every seed.
    fn test(&self, checkpoint: &str, row: &str, metric: &str) -> Vec<f64> {
        let of = |tests: Vec<&Value>| {
            let test = tests.into_iter().find(|t| t["checkpoint"] == checkpoint).unwrap();
            test["scores"][row][metric].as_f64()
        };
        self.events("test").filter_map(of).collect()
    }

    /// A number of every epoch and seed, by epoch. Record 0 is of the untrained model.
    fn epochs(&self, read: impl Fn(&Value) -> Option<f64>) -> Vec<BTreeMap<usize, f64>> {
        let number = |e: &Value| e["epoch"].as_u64().unwrap() as usize;
        let of = |e: &Value| Some((number(e), read(e)?));
        self.events("epoch").map(|epochs| epochs.into_iter().filter_map(of).collect()).collect()
    }
}

fn toy() -> (Toy, Vec<Runs>) {
    let toy = Toy::new();
    for (index, (_, sets)) in METHODS.iter().enumerate() {
        for seed in 0..3 {
            let out = format!("runs/{index}/{seed}");
            let seed = format!("train.seed={seed}");
            // A step too small to solve the toy leaves numbers that differ.
            let mut args =
                vec!["train", "toy.toml", "--out", &out, "--set", &seed, "--set", "optimizer.lr=0.004"];
            sets.iter().for_each(|set| args.extend(["--set", set]));
            toy.run(&args).succeeds();
            toy.run(&["evaluate", &out]).succeeds();
        }
    }
    let runs = (0..METHODS.len()).map(|method| Runs::read(&toy, method)).collect();
    (toy, runs)
}

/// The file in a folder whose name is this title after its number.
fn find(folder: &Path, name: &str) -> std::path::PathBuf {
    let name = format!("{}.csv", name.trim_end_matches(".csv"));
    let files = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let named = |path: &std::path::PathBuf| {
        path.file_name().unwrap().to_string_lossy().split_once('-').is_some_and(|(_, rest)| rest == name)
    };
    files.into_iter().find(named).unwrap_or_else(|| panic!("no {name} in {}", folder.display()))
}

fn results(folder: &Path, all: &[Runs], metric: &str, factor: f64) {
    for (checkpoint, place) in
        [("last", "test-split-last-epoch"), ("best", "test-split-best-epoch-on-validation")]
    {
        let heading = if metric == "accuracy" { metric } else { "cross-entropy-nats-lower-is-better" };
        let table = csv(&find(&folder.join("tables"), &format!("{place}-{heading}.csv")));
        assert_eq!(table.len(), METHODS.len());
        for (index, (name, _)) in METHODS.iter().enumerate() {
            let row = table.iter().find(|row| row["method"] == *name);
            let row = row.unwrap_or_else(|| panic!("no {name} in {table:?}"));
            for (column, title) in [("fused", "fused"), ("audio", "audio"), ("image", "image")] {
                let values: Vec<f64> =
                    all[index].test(checkpoint, column, metric).iter().map(|x| x * factor).collect();
                if values.is_empty() {
                    assert_eq!(row[title], "", "{name} has no {title}");
                    continue;
                }
                same(number(row, title), mean(&values), &format!("{name} {title}"));
                same(number(row, &format!("{title} sd")), sd(&values), &format!("{name} {title} sd"));
                assert_eq!(row[&format!("{title} n")], "3");
            }
            let fused: Vec<f64> =
                all[index].test(checkpoint, "fused", metric).iter().map(|x| x * factor).collect();
            let half = T * sd(&fused) / 3_f64.sqrt();
            let most = if metric == "accuracy" { 100.0 } else { f64::INFINITY };
            let least = 0.0;
            same(number(row, "95 % interval low"), (mean(&fused) - half).max(least), name);
            same(number(row, "95 % interval high"), (mean(&fused) + half).min(most), name);
        }
    }
}

fn gaps(folder: &Path, all: &[Runs], metric: &str, factor: f64) {
    let unit = if metric == "accuracy" { "points-of-accuracy" } else { "nats-of-cross-entropy" };
    let name = format!("test-split-last-epoch-gaps-to-joint-{unit}");
    let table = csv(&find(&folder.join("tables"), &name));
    let base = all[0].test("last", "fused", metric);
    for (index, (name, _)) in METHODS.iter().enumerate().skip(1) {
        let row = table.iter().find(|row| row["method"] == *name).unwrap();
        let own = all[index].test("last", "fused", metric);
        let gap: Vec<f64> = own.iter().zip(&base).map(|(a, b)| factor * (a - b)).collect();
        same(number(row, "gap [95 % interval]"), mean(&gap), name);
        let half = T * sd(&gap) / 3_f64.sqrt();
        same(number(row, "gap [95 % interval] low"), mean(&gap) - half, name);
        same(number(row, "gap [95 % interval] high"), mean(&gap) + half, name);
        if sd(&gap) > 1e-12 {
            // With two degrees of freedom Student's t has a closed form.
            let t = mean(&gap) / (sd(&gap) / 3_f64.sqrt());
            assert!((number(row, "p") - (1.0 - t.abs() / (2.0 + t * t).sqrt())).abs() < 1e-9, "{row:?}");
        }
        assert_eq!(row["pairs"], "3");
    }
}

/// The points of a figure, by curve and epoch.
fn curves(path: &Path, value: &str) -> BTreeMap<(String, usize), (f64, f64)> {
    let point = |row: &Cells| {
        let mean = number(row, value);
        (
            (row["curve"].clone(), number(row, "epoch") as usize),
            (mean, mean - number(row, &format!("{value} low"))),
        )
    };
    csv(path).iter().map(point).collect()
}

fn check_curve(path: &Path, value: &str, all: &[Runs], read: impl Fn(&Value) -> Option<f64>) {
    let drawn = curves(path, value);
    let mut points = 0;
    for (index, (name, _)) in METHODS.iter().enumerate() {
        let seeds = all[index].epochs(&read);
        for epoch in seeds[0].keys() {
            let values: Vec<f64> = seeds.iter().map(|seed| seed[epoch]).collect();
            let (centre, below) = drawn[&((*name).to_owned(), *epoch)];
            same(centre, mean(&values), &format!("{} {name}", path.display()));
            assert!((below - sd(&values)).abs() < 1e-9, "the band is one standard deviation");
            points += 1;
        }
    }
    assert_eq!(points, drawn.len(), "{}", path.display());
}

#[test]
fn every_number_of_the_report_is_that_of_the_run_folders() {
    let (toy, all) = toy();
    for (metric, factor, title) in
        [("accuracy", 100.0, "accuracy, %"), ("cross_entropy", 1.0, "cross-entropy, nats (lower is better)")]
    {
        let out = format!("assets-{metric}");
        let said = toy.run(&[
            "report",
            "runs",
            "--metric",
            metric,
            "--assets",
            &out,
            "--out",
            "page.html",
            "--force",
        ]);
        said.succeeds();
        let folder = toy.dir.join(&out);
        results(&folder, &all, metric, factor);
        gaps(&folder, &all, metric, factor);
        for (row, name) in [("fused", "fused"), ("audio", "audio"), ("image", "image")] {
            let path = find(&folder.join("figures"), &format!("{name}-validation-split.csv"));
            check_curve(&path, title, &all, |e| Some(factor * e["val"][row][metric].as_f64()?));
        }
        let loss = find(&folder.join("figures"), "training-loss-fused.csv");
        check_curve(&loss, "loss", &all, |e| e["losses"]["fused"].as_f64());
    }
    let html = String::from_utf8(toy.bytes("page.html")).unwrap();
    let page = toy.run(&["report", "runs", "--out", "page.html", "--force"]).succeeds().out.clone();
    let accuracy = |method: usize| {
        let values: Vec<f64> =
            all[method].test("last", "fused", "accuracy").iter().map(|x| 100.0 * x).collect();
        format!("{:.1} ± {:.1}", mean(&values), sd(&values))
    };
    assert!(
        page.contains(&format!(": {} % against {} % fused accuracy", accuracy(1), accuracy(0))),
        "{page}"
    );
    assert!(html.contains("cross-entropy"));

    let cost = csv(&find(
        &toy.dir.join("assets-accuracy/tables"),
        "cost-of-a-run-mean-standard-deviation-over-runs.csv",
    ));
    for (index, (name, _)) in METHODS.iter().enumerate() {
        let row = cost.iter().find(|row| row["method"] == *name).unwrap();
        let trained = |e: &Value| e["seconds"].as_f64().filter(|_| e["epoch"] != 0);
        let seconds = all[index].epochs(trained);
        let flat: Vec<f64> = seconds.iter().flat_map(BTreeMap::values).copied().collect();
        same(number(row, "seconds per epoch"), mean(&flat), name);
        let sums: Vec<f64> = seconds.iter().map(|run| run.values().sum()).collect();
        same(number(row, "seconds in all"), mean(&sums), name);
        same(number(row, "seconds in all sd"), sd(&sums), name);
        assert_eq!(number(row, "encoder passes per batch"), 1.0, "{name}");
        let memory: Vec<f64> = all[index]
            .events("end")
            .map(|ends| ends[0]["peak_bytes"].as_f64().unwrap() / 1_048_576.0)
            .collect();
        same(number(row, "peak memory, MiB"), mean(&memory), name);
    }
}

/// The sum over the seeds of a method's confusion counts of one checkpoint.
fn confusion(runs: &Runs) -> Vec<Vec<u64>> {
    let mut sum = vec![vec![0; 2]; 2];
    for tests in runs.events("test") {
        let test = tests.into_iter().find(|t| t["checkpoint"] == "last").unwrap();
        for pair in test["confusion"]["fused"]["pairs"].as_array().unwrap() {
            let [i, j, n] = [0, 1, 2].map(|at| pair[at].as_u64().unwrap());
            sum[i as usize][j as usize] += n;
        }
    }
    sum
}

#[test]
fn confusions_and_predictions_are_those_of_the_run_folders() {
    let (toy, all) = toy();
    toy.run(&["report", "runs", "--assets", "assets", "--out", "page.html"]).succeeds();
    for (index, name) in [(0, "joint"), (1, "dgl")] {
        let drawn = csv(&find(&toy.dir.join("assets/figures"), &format!("{name}-fused.csv")));
        let counts = confusion(&all[index]);
        for (i, row) in drawn.iter().enumerate() {
            for (j, class) in ["high", "low"].iter().enumerate() {
                same(number(row, class), counts[i][j] as f64, name);
            }
        }
        // Three seeds on six samples; the diagonal is the accuracy.
        let right = (counts[0][0] + counts[1][1]) as f64;
        let accuracy = all[index].test("last", "fused", "accuracy");
        same(right / 18.0, mean(&accuracy), name);
    }
    // Pair by pair: McNemar's counts from the exported correctness.
    let table = csv(&find(
        &toy.dir.join("assets/tables"),
        "test-split-last-epoch-pairs-of-runs-on-the-same-samples.csv",
    ));
    let correct = |method: usize, seed: usize| -> Vec<bool> {
        let path = toy.dir.join(format!("runs/{method}/{seed}/predictions.npz"));
        let file = counterpoint_report::predictions::PredictionFile::read(path).unwrap();
        let counterpoint_report::predictions::Truth::Classes(classes) = &file.targets else { panic!() };
        let scores = &file.checkpoints["last"].scores["fused"];
        let right =
            |(row, class): (&[f32], &usize)| row[*class] == row.iter().copied().fold(f32::MIN, f32::max);
        scores.rows().zip(classes).map(right).collect()
    };
    for seed in 0..3 {
        let row = table.iter().find(|r| r["method"] == "dgl" && r["pair"] == format!("seed {seed}")).unwrap();
        let (dgl, joint) = (correct(1, seed), correct(0, seed));
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|&(&a, &b)| a && !b).count() as f64;
        same(number(row, "only the method right"), only(&dgl, &joint), "only dgl");
        same(number(row, "only joint right"), only(&joint, &dgl), "only joint");
        same(
            number(row, "gap, points [bootstrap]"),
            100.0 * (only(&dgl, &joint) - only(&joint, &dgl)) / 6.0,
            "gap",
        );
    }
}
