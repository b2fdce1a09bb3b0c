//! A study of two runs, joint and DGL, that commit b5a3888 wrote on the toy data set: what users
//! have in files keeps being read. TensorBoard's files, which are never read, are left out.

mod support;

use counterpoint::weights;
use support::Toy;

const RUNS: [&str; 2] = ["study/runs/joint/seed3", "study/runs/dgl/seed3"];

/// The accuracies that a table gives a row.
fn row(table: &str, name: &str) -> Vec<String> {
    let line =
        table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {table}"));
    line[name.len()..].split_whitespace().map(str::to_owned).collect()
}

/// The norm of the first, and that of the difference.
fn distance(a: &[f32], b: &[f32]) -> (f64, f64) {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let apart = norm(&mut a.iter().zip(b).map(|(a, b)| f64::from(a - b)));
    (norm(&mut a.iter().map(|&v| v.into())), apart)
}

#[test]
fn their_report_has_the_numbers_of_then() {
    let toy = Toy::with_older_study();
    for args in [&["report", "study"][..], &[&["report"][..], &RUNS].concat()] {
        let said = toy.run(&[args, &["--out", "page.html", "--force"]].concat());
        // 4 and 6 of 6 test samples, as the run folders say.
        let gap = "100.0 % against 66.7 % fused accuracy (test split, last epoch)";
        assert!(said.succeeds().out.contains(gap), "{}", said.out);
        assert!(said.out.contains("2 runs of 2 methods; all have finished."), "{}", said.out);
    }
}

#[test]
fn their_checkpoints_have_the_scores_of_then() {
    let toy = Toy::with_older_study();
    let now = ["--set", "data.root=clips.csv"];
    for (run, fused, audio) in
        [(RUNS[0], ["83.3", "66.7"], ["50.0", "50.0"]), (RUNS[1], ["100.0"; 2], ["100.0"; 2])]
    {
        let said = toy.run(&[&["evaluate", run][..], &now].concat());
        assert_eq!(row(&said.succeeds().out, "fused"), fused);
        assert_eq!(row(&said.out, "unimodal audio, zero-fill"), audio);
    }
    toy.run(&[&["predict", RUNS[1], "--audio", "1.wav"][..], &now].concat()).succeeds();
}

#[test]
fn their_training_continues_as_a_run_of_today() {
    let toy = Toy::with_older_study();
    let more = ["--set", "data.root=clips.csv", "--set", "train.epochs=4"];
    for (run, name) in RUNS.into_iter().zip(["joint", "dgl"]) {
        toy.run(&[&["train", "--resume", "--out", run][..], &more].concat()).succeeds();
        let strategy = format!("strategy.name={name}");
        // There were no kernels then.
        let burn = ["--set", "engine.convolution=burn"];
        let fresh = [&["train", "toy.toml", "--out", name, "--set", &strategy][..], &burn, &more].concat();
        toy.run(&fresh).succeeds();
        let last =
            |run: &str| weights::read(&toy.dir.join(run).join("checkpoints/last.safetensors")).unwrap();
        let (continued, today) = (last(run), last(name));
        assert_eq!(continued.keys().collect::<Vec<_>>(), today.keys().collect::<Vec<_>>());
        for (tensor, then) in &continued {
            // Spectrograms of then differ in the last bits of their numbers, and two epochs saw them.
            let (norm, apart) = distance(&today[tensor].values, &then.values);
            assert!(apart <= 1e-5 * norm, "{run}, {tensor}: {apart:.2e} of {norm:.2e} from a run of today");
        }
    }
}

#[test]
fn their_study_is_known_again_and_trains_nothing() {
    let toy = Toy::with_older_study();
    let before = RUNS.map(|run| toy.bytes(&format!("{run}/metrics.jsonl")));
    let said = toy.run(&["compare", "study.toml", "--out", "study", "--quiet"]);
    assert_eq!(row(&said.succeeds().out, "joint")[..2], ["66.7", "83.3"]);
    assert_eq!(before, RUNS.map(|run| toy.bytes(&format!("{run}/metrics.jsonl"))));
    // Negative control: one that wants something else is not theirs.
    toy.edit("study.toml", "alpha = 2.0", "alpha = 3.0");
    toy.run(&["compare", "study.toml", "--out", "study"]).fails(3, &["alpha = 3.0, was 2.0"]);
}
