//! The report, from sound runs and from hostile ones. Run with
//! `COUNTERPOINT_PICTURES=folder` to get the pages and look at them.

use std::collections::BTreeMap;

use counterpoint_report::{
    html::Page,
    predictions::Predictions,
    record::{End, Epoch, Scores, Test, Warning},
    report::{Options, RunSummary, measure, report},
};

/// Markup, an escape sequence, a direction mark, a quote of every kind.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=y>\"'`&\u{0}\u{1b}[2J\u{202e}\n]]>";

fn checked(name: &str, page: &Page) -> String {
    let html = page.to_html();
    if let Ok(folder) = std::env::var("COUNTERPOINT_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{name}.html"), &html).unwrap();
    }
    for bad in ["<script", "<img", "\u{0}", "\u{1b}", "\u{202e}", "http://", "https://"] {
        let rest = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!rest.contains(bad), "{name} holds {bad:?}");
    }
    // No attribute holds what is not a number.
    for attribute in ["=\"NaN", "=\"inf", "LNaN", "MNaN"] {
        assert!(!html.contains(attribute), "{name} holds {attribute}");
    }
    let mut open = Vec::new();
    for tag in html.split('<').skip(2).map(|t| t.split('>').next().unwrap()) {
        let void = tag.starts_with("meta") || tag.ends_with('/');
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
            None if void => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(html.len() < 2_000_000, "{name}: {} bytes", html.len());
    html
}

/// Reproducible scatter around zero.
fn noise(a: u64, b: u64) -> f64 {
    ((a * 7919 + b * 104_729 + a * b * 31) % 1000) as f64 / 1000.0 - 0.5
}

fn scores(rows: &[(&str, f64)]) -> Scores {
    let values = |accuracy: f64| {
        BTreeMap::from([
            ("accuracy".to_owned(), accuracy),
            ("cross_entropy".to_owned(), 1.5 * (1.0 - accuracy)),
        ])
    };
    rows.iter().map(|(row, accuracy)| ((*row).to_owned(), values(*accuracy))).collect()
}

/// A run with scores like those of docs/results/spoken-digits.md.
fn digits(method: &str, seed: u64) -> RunSummary {
    let [fused, audio, image] = match method {
        "dgl" => [0.987, 0.691, 0.966],
        "uniloss" => [0.981, 0.664, 0.964],
        "joint, matched" => [0.962, 0.405, 0.93],
        _ => [0.958, 0.378, 0.923],
    };
    let salt = method.len() as u64;
    let at = |end: f64, speed: f64, epoch: usize| (end * (1.0 - (-(epoch as f64) / speed).exp())).max(0.1);
    let all = |epoch: usize| {
        let n = noise(seed + 3, epoch as u64 + salt) * 0.012;
        scores(&[
            ("full", at(fused, 1.2, epoch) + n),
            ("audio", at(audio, 4.0, epoch) + 2.0 * n),
            ("image", at(image, 1.4, epoch) - n),
        ])
    };
    let epochs = (0..=20)
        .map(|epoch| {
            let e = epoch as f64;
            let decay = if method == "dgl" { 0.75_f64 } else { 0.6 };
            let inside = |scale: f64| {
                BTreeMap::from([
                    (measure::GRADIENT_FULL.to_owned(), scale * 0.9 * 0.6_f64.powf(e)),
                    (
                        measure::GRADIENT_SOLO.to_owned(),
                        scale * 0.9 * decay.powf(e / 2.0) * (1.0 + noise(seed, epoch as u64) / 5.0),
                    ),
                    (
                        measure::SUPPRESSION_EFFECTIVE.to_owned(),
                        1.0 - scale * 0.6 * (-(e - 2.0).abs() / 4.0).exp(),
                    ),
                ])
            };
            Epoch {
                epoch,
                seconds: 0.9 + 0.1 * noise(seed, epoch as u64),
                learning_rate: 0.05,
                samples: 2000,
                val: all(epoch),
                losses: BTreeMap::from([("full".to_owned(), 2.3 * 0.7_f64.powf(e))]),
                diagnostics: BTreeMap::from([
                    ("audio".to_owned(), inside(1.0)),
                    ("image".to_owned(), inside(0.4)),
                ]),
                ..Epoch::default()
            }
        })
        .collect();
    let right = |end: f64, i: u64| noise(i * 3 + 1, seed * 17 + salt) + 0.5 < end;
    let ids: Vec<String> = (0..1000).map(|i| format!("clip-{i}")).collect();
    let correct: Vec<bool> = (0..1000).map(|i| right(fused, i)).collect();
    let accuracy = correct.iter().filter(|c| **c).count() as f64 / 1000.0;
    let mut confusion = vec![vec![0_u64; 10]; 10];
    for (i, right) in correct.iter().enumerate() {
        confusion[i % 10][if *right { i % 10 } else { (i * 7 + 3) % 10 }] += 1;
    }
    let test = |checkpoint: &str, gain: f64| Test {
        split: "test".into(),
        checkpoint: checkpoint.into(),
        epoch: 20,
        samples: 1000,
        scores: scores(&[
            ("full", accuracy + gain),
            ("audio", audio + 0.03 * noise(seed, salt)),
            ("image", image + 0.01 * noise(seed, 2)),
        ]),
        confusion: BTreeMap::from([("full".to_owned(), confusion.clone().into())]),
        ..Test::default()
    };
    RunSummary {
        name: format!("{method}-{seed}"),
        method: method.into(),
        seed: Some(seed),
        fold: None,
        task: BTreeMap::new(),
        config: {
            let strategy = method.split(',').next().unwrap();
            let alpha = if strategy == "dgl" { "\nalpha = 4.0" } else { "" };
            let encoders = if method.contains("matched") {
                "encoder_factor = 4.0\nencoder_weight_decay = 0.000025"
            } else {
                "encoder_factor = 1.0"
            };
            format!(
                "[strategy]\nname = \"{strategy}\"{alpha}\n[train]\nseed = {seed}\n[optimizer]\nname = \"sgd\"\nlr = \
                 0.05\nweight_decay = 0.0001\n{encoders}\n"
            )
        },
        environment: BTreeMap::from([("threads".into(), "1".into()), ("version".into(), "0.1.0".into())]),
        data: BTreeMap::from([
            ("set".into(), "spoken digits, test speaker theo".into()),
            ("hash".into(), "ab12".into()),
        ]),
        modalities: vec!["audio".into(), "image".into()],
        alone: Default::default(),
        classes: (0..10).map(|d| format!("digit {d}")).collect(),
        metric: "accuracy".into(),
        epochs,
        tests: vec![test("last", 0.0), test("best", -0.002)],
        warnings: Vec::new(),
        end: Some(End { reason: "finished".into(), seconds: Some(20.0), peak_bytes: Some(300 << 20) }),
        parameters: Some(123_456),
        predictions: vec![Predictions {
            checkpoint: "last".into(),
            ids,
            correct: BTreeMap::from([("full".into(), correct)]),
        }],
        kind: None,
        looks: 1,
        notes: Vec::new(),
        ..RunSummary::default()
    }
}

#[test]
fn what_the_data_lack_is_a_section_only_where_there_is_something() {
    let page = |runs: &[RunSummary]| report(runs, &Options::default()).to_html();
    let mut runs = field();
    assert!(!page(&runs).contains("What was changed in the data"));
    for run in &mut runs {
        run.data_notes = vec!["modality `image`: absent from 134 of 200 train samples".into()];
        run.data.insert("samples, train".into(), "200".into());
        let used = if run.method == "dgl" { vec![("full", 66), ("audio", 200)] } else { vec![("full", 66)] };
        for epoch in &mut run.epochs {
            epoch.samples = 200;
            epoch.row_samples = used.iter().map(|(row, count)| ((*row).to_owned(), *count)).collect();
        }
    }
    runs.last_mut().unwrap().data_notes.push("one file is twice in it".into());
    let html = page(&runs);
    for words in
        ["absent from 134 of 200 train samples", "one file is twice in it", "Samples that each loss used"]
    {
        assert!(html.contains(words), "{words}");
    }
    assert!(!html.contains("Samples of each split"), "all methods have the same");
}

fn field() -> Vec<RunSummary> {
    let mut runs: Vec<RunSummary> = ["joint", "joint, matched", "uniloss", "dgl"]
        .iter()
        .flat_map(|m| (0..5).map(|s| digits(m, s)))
        .collect();
    runs[0].warnings.push(Warning {
        kind: "modality_at_chance".into(),
        message: "audio alone stays near chance on validation for 5 epochs".into(),
        remedy: "Give it a loss of its own: strategy.name = \"dgl\".".into(),
        epoch: Some(5),
    });
    runs
}

#[test]
fn a_whole_comparison() {
    let options = Options {
        title: "Spoken digits: does DGL help?".into(),
        footer: "counterpoint 0.1.0".into(),
        ..Options::default()
    };
    let page = report(&field(), &options);
    let html = checked("comparison", &page);
    let text = page.summary_text();
    for part in [
        "dgl is better than joint here: 98.",
        "fused accuracy (test split, last epoch); the gap of 2.",
        "20 runs of 4 methods; all have finished.",
        "Against joint, matched the gain survives: the gap of",
        "Better beyond noise: uniloss (+",
        "Unimodal audio: joint reaches 38.",
        "(zero-fill) and dgl 68.",
        "Its effective suppression ends at",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    for heading in [
        "Warnings",
        "Results",
        "Against joint",
        "Every modality over training",
        "Gradients and suppression",
        "Confusions",
        "Gain per class",
        "Cost",
        "Configuration",
        "Data and environment",
    ] {
        assert!(page.sections.iter().any(|s| s.heading == heading), "{heading}");
    }
    assert!(html.contains("optimizer.encoder_factor"));
    assert_eq!(page.tables()[0].0, "01-test-split-last-epoch-accuracy");
    let names: Vec<String> = page.figures().into_iter().map(|f| f.0).collect();
    let unique: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len());
}

/// What the report says of the gain of `dgl` when the control's configuration reads otherwise.
fn said_of_the_control(change: impl Fn(&str) -> String) -> (String, String) {
    let mut runs = field();
    for run in &mut runs {
        run.config = change(&run.config);
        // A control that reaches what the method reaches: nothing is left of the gain.
        if run.method == "joint, matched" {
            let method = digits("dgl", run.seed.unwrap());
            (run.tests, run.predictions) = (method.tests, method.predictions);
        }
    }
    let page = report(&runs, &Options::default());
    (page.summary_text(), page.to_html())
}

#[test]
fn a_gain_is_held_against_matched_steps_only() {
    const WARNING: &str = "do not report this gain as the method";
    let (text, html) = said_of_the_control(str::to_owned);
    assert!(text.contains("Against joint, matched the gain does not survive"), "{text}");
    assert!(html.contains(WARNING));

    // A pair of runs that have not begun has no configuration and nothing to say of the others' steps.
    let mut runs = field();
    runs.extend(["dgl", "joint, matched"].map(|method| RunSummary {
        name: format!("{method}/9"),
        method: method.into(),
        seed: Some(9),
        ..RunSummary::default()
    }));
    let text = report(&runs, &Options::default()).summary_text();
    assert!(text.contains("Against joint, matched the gain"), "{text}");
    assert!(!text.contains("which are not the steps of dgl"), "{text}");

    // Everything multiplied: told, but neither an answer nor a warning.
    let all = |config: &str| match config.contains("encoder_factor = 4.0") {
        true => config
            .replace("lr = 0.05", "lr = 0.2")
            .replace("encoder_factor = 4.0\nencoder_weight_decay = 0.000025", "encoder_factor = 1.0"),
        false => config.to_owned(),
    };
    let (text, html) = said_of_the_control(all);
    for part in [
        "Not tested: the encoders of dgl take larger steps",
        "optimizer.encoder_factor=4",
        "optimizer.encoder_weight_decay=0.000025",
        "joint with every learning rate times 4, that of fusion and head too, which are not the steps of dgl",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("survive:") && !html.contains(WARNING), "{text}");

    let (text, html) = said_of_the_control(|config| config.replace("sgd", "adam"));
    assert!(text.contains("no rate-matched control exists under Adam: alpha cancels"), "{text}");
    assert!(!text.contains("survives") && !text.contains("not survive") && !html.contains(WARNING), "{text}");
}

/// Verdict and corrected p of every row of the tables that hold both.
fn verdicts(page: &Page) -> Vec<(String, Option<f64>)> {
    let mut found = Vec::new();
    for (_, table) in page.tables() {
        let column = |title: &str| table.columns.iter().position(|c| c.title == title);
        let (Some(verdict), Some(p)) = (column("verdict"), column("p, Holm")) else { continue };
        found.extend(table.rows.iter().map(|row| (row[verdict].to_string(), row[p].value())));
    }
    found
}

#[test]
fn beyond_noise_never_stands_beside_a_corrected_p_above_the_level() {
    let page = report(&field(), &Options::default());
    let found = verdicts(&page);
    assert!(found.iter().any(|(verdict, _)| verdict.starts_with("beyond")), "{found:?}");
    // One gap of 3 seeds has p = 0.017; among five comparisons that is nothing.
    let mut runs: Vec<RunSummary> =
        ["joint", "a", "b", "c", "d", "e"].iter().flat_map(|m| (0..3).map(|s| digits(m, s))).collect();
    for run in &mut runs {
        let seed = run.seed.unwrap() as f64;
        let gain = match run.method.as_str() {
            "joint" => 0.0,
            "a" => 0.02 + 0.006 * seed,
            _ => 0.02 * (seed - 1.0),
        };
        run.predictions.clear();
        for test in &mut run.tests {
            test.scores.get_mut("full").unwrap().insert("accuracy".into(), 0.9 + 0.01 * seed + gain);
        }
    }
    let page = report(&runs, &Options::default());
    let crowd = verdicts(&page);
    let alone = &crowd[0];
    assert!(alone.0.starts_with("within noise") && alone.1.unwrap() > 0.05, "{crowd:?}");
    for (verdict, p) in found.iter().chain(&crowd) {
        assert!(!verdict.starts_with("beyond") || p.unwrap() <= 0.05, "{verdict} beside {p:?}");
    }
    let text = page.summary_text();
    assert!(!text.contains("beyond noise:") && !text.contains("Better beyond"), "{text}");
}

#[test]
fn runs_on_other_data_get_no_verdict_and_other_budgets_are_named() {
    let runs = |change: &dyn Fn(&mut RunSummary)| -> Vec<RunSummary> {
        let mut runs: Vec<RunSummary> =
            ["joint", "dgl"].iter().flat_map(|m| (0..5).map(|s| digits(m, s))).collect();
        runs.iter_mut().filter(|run| run.method == "dgl").for_each(change);
        runs
    };
    let other = runs(&|run| drop(run.data.insert("hash".into(), "cd34".into())));
    let page = report(&other, &Options::default());
    let (text, html) = (page.summary_text(), page.to_html());
    assert!(
        text.starts_with("dgl and joint are not comparable: they were trained on different data"),
        "{text}"
    );
    assert!(!html.contains("beyond noise (") && !html.contains("is better"));
    assert!(!page.tables()[0].1.to_markdown().contains("**9"), "nothing is marked as best");
    assert_eq!(verdicts(&page)[0], ("not comparable".to_owned(), None));
    assert!(!page.sections.iter().any(|s| s.heading == "Warnings" || s.heading == "Gain per class"));

    let longer = runs(&|run| run.config = run.config.replace("[train]", "[train]\nepochs = 20"));
    let text = report(&longer, &Options::default()).summary_text();
    assert!(
        text.starts_with(
            "dgl is better than joint here with another setting (train.epochs 20 against not set):"
        ),
        "{text}"
    );
}

#[test]
fn the_numbers_are_those_of_the_runs() {
    let runs = field();
    let page = report(&runs, &Options::default());
    let csv = page.tables()[0].1.to_csv();
    let dgl: Vec<f64> =
        runs.iter().filter(|r| r.method == "dgl").map(|r| r.tests[0].scores["full"]["accuracy"]).collect();
    let mean = dgl.iter().sum::<f64>() / 5.0;
    let sd = (dgl.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    let line: Vec<&str> = csv.lines().find(|l| l.starts_with("dgl,")).unwrap().split(',').collect();
    assert!((line[2].parse::<f64>().unwrap() - 100.0 * mean).abs() < 1e-9, "{csv}");
    assert!((line[3].parse::<f64>().unwrap() - 100.0 * sd).abs() < 1e-9);
    assert_eq!(line[4], "5");
}

#[test]
fn nothing_at_all() {
    let page = report(&[], &Options::default());
    assert_eq!(page.summary_text(), "There are no runs to report.\n");
    checked("nothing", &page);
    let page =
        report(&[RunSummary::default()], &Options { baseline: Some("absent".into()), ..Options::default() });
    checked("default", &page);
    assert!(
        page.summary_text()
            .starts_with("1 run of 1 method; none has finished. 1 run: still running, or killed.")
    );
}

#[test]
fn one_seed_says_that_it_is_one() {
    let runs = [digits("joint", 0), digits("dgl", 0)];
    let page = report(&runs, &Options::default());
    checked("one-seed", &page);
    let text = page.summary_text();
    assert!(text.contains("cannot be judged: one pair only"), "{text}");
    assert!(text.contains("McNemar's test gives p = "), "{text}");
    assert!(text.contains("One run only, so no spread over seeds: joint, dgl."), "{text}");
}

#[test]
fn unfinished_and_diverged_runs_are_counted_and_named() {
    let mut runs = field();
    runs[3].end = Some(End { reason: "diverged".into(), ..End::default() });
    runs[3].epochs[7].losses.insert("full".into(), f64::NAN);
    runs[3].tests.clear();
    runs[19].end = None;
    runs[19].tests[0].scores.get_mut("full").unwrap().insert("accuracy".into(), f64::NAN);
    let page = report(&runs, &Options::default());
    checked("diverged", &page);
    let text = page.summary_text();
    assert!(
        text.contains("18 of them finished. 1 run: diverged. 1 run: still running, or killed."),
        "{text}"
    );
    assert!(text.contains("; 2 pairs are missing") && text.contains("18 of them finished"), "{text}");
    assert!(text.contains("A training loss was not finite in joint-3."), "{text}");
}

#[test]
fn without_a_look_at_the_test_split_validation_is_named() {
    let mut runs = field();
    runs.iter_mut().for_each(|run| run.tests.clear());
    let page = report(&runs, &Options::default());
    let html = checked("validation", &page);
    assert!(html.contains("The test split was not used"));
    assert!(page.tables()[0].1.caption.starts_with("Validation split"));
}

#[test]
fn hostile_content_renders_safely() {
    let mut runs = field();
    for (i, run) in runs.iter_mut().enumerate() {
        run.name = format!("{HOSTILE}{i}");
        run.method = format!("{HOSTILE}{}{}", run.method, "long ".repeat(2000));
        run.classes = vec![HOSTILE.repeat(500); 3];
        run.modalities = vec![HOSTILE.into(), "image".into()];
        run.config = format!("{HOSTILE}\n[{HOSTILE}]\nx = [[[\n{}", "y=1\n".repeat(100_000));
        run.environment.insert(HOSTILE.into(), HOSTILE.repeat(i));
        run.warnings =
            vec![Warning { message: HOSTILE.into(), remedy: HOSTILE.into(), ..Warning::default() }];
        run.end = Some(End { reason: HOSTILE.into(), peak_bytes: Some(u64::MAX), seconds: Some(f64::NAN) });
        for epoch in &mut run.epochs {
            epoch.seconds = [f64::NAN, f64::INFINITY, -1.0, 0.0, f64::MAX][epoch.epoch % 5];
            let nan = scores(&[("full", f64::NAN), (HOSTILE, f64::NEG_INFINITY), ("image", f64::MAX)]);
            epoch.val = nan.clone();
            epoch.diagnostics = nan;
        }
        run.epochs.push(Epoch { epoch: usize::MAX, ..Epoch::default() });
        run.tests[0].confusion =
            BTreeMap::from([("full".into(), vec![vec![], vec![u64::MAX; i % 4], vec![1, 2, 3]].into())]);
        run.tests[0].scores = scores(&[("full", f64::NAN), (HOSTILE, 1e300)]);
        run.predictions[0].ids.truncate(i);
    }
    checked("hostile", &report(&runs, &Options { title: HOSTILE.into(), ..Options::default() }));
}

#[test]
fn a_large_study_stays_small() {
    let mut runs = Vec::new();
    for method in 0..40 {
        for seed in 0..5 {
            let mut run = digits("dgl", seed);
            run.method = format!("dgl, alpha {method}");
            run.classes = (0..309).map(|c| format!("class number {c}")).collect();
            run.tests[0].confusion.insert("full".into(), vec![vec![1; 309]; 309].into());
            run.predictions.clear();
            runs.push(run);
        }
    }
    checked("large", &report(&runs, &Options::default()));
}
