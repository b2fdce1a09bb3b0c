//! What the report claims, and of which runs it claims nothing.

use counterpoint_report::html::Page;
use counterpoint_report::record::End;
use counterpoint_report::report::{Options, RunSummary, report};

use crate::page::checked;
use crate::runs::*;

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
            test.scores.get_mut("fused").unwrap().insert("accuracy".into(), 0.9 + 0.01 * seed + gain);
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
        runs.iter().filter(|r| r.method == "dgl").map(|r| r.tests[0].scores["fused"]["accuracy"]).collect();
    let mean = dgl.iter().sum::<f64>() / 5.0;
    let sd = (dgl.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    let line: Vec<&str> = csv.lines().find(|l| l.starts_with("dgl,")).unwrap().split(',').collect();
    assert!((line[2].parse::<f64>().unwrap() - 100.0 * mean).abs() < 1e-9, "{csv}");
    assert!((line[3].parse::<f64>().unwrap() - 100.0 * sd).abs() < 1e-9);
    assert_eq!(line[4], "5");
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
    runs[3].epochs[7].losses.insert("fused".into(), f64::NAN);
    runs[3].tests.clear();
    runs[19].end = None;
    runs[19].tests[0].scores.get_mut("fused").unwrap().insert("accuracy".into(), f64::NAN);
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
