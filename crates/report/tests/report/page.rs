//! The page as a whole, and pages of hostile, large or missing runs.

use std::collections::BTreeMap;

use counterpoint_report::html::Page;
use counterpoint_report::record::{End, Epoch, Warning};
use counterpoint_report::report::{Options, RunSummary, report};

use crate::runs::*;

/// Markup, an escape sequence, a direction mark, a quote of every kind.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=y>\"'`&\u{0}\u{1b}[2J\u{202e}\n]]>";

/// The page as HTML that is well formed and holds nothing that runs or calls home.
pub fn checked(name: &str, page: &Page) -> String {
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

#[test]
fn what_the_data_lack_is_a_section_only_where_there_is_something() {
    let page = |runs: &[RunSummary]| report(runs, &Options::default()).to_html();
    let mut runs = field();
    assert!(!page(&runs).contains("What was changed in the data"));
    for run in &mut runs {
        run.data_notes = vec!["modality `image`: absent from 134 of 200 train samples".into()];
        run.data.insert("samples, train".into(), "200".into());
        let used =
            if run.method == "dgl" { vec![("fused", 66), ("audio", 200)] } else { vec![("fused", 66)] };
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
            let nan = scores(&[("fused", f64::NAN), (HOSTILE, f64::NEG_INFINITY), ("image", f64::MAX)]);
            epoch.val = nan.clone();
            epoch.diagnostics = nan;
        }
        run.epochs.push(Epoch { epoch: usize::MAX, ..Epoch::default() });
        run.tests[0].confusion =
            BTreeMap::from([("fused".into(), vec![vec![], vec![u64::MAX; i % 4], vec![1, 2, 3]].into())]);
        run.tests[0].scores = scores(&[("fused", f64::NAN), (HOSTILE, 1e300)]);
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
            run.tests[0].confusion.insert("fused".into(), vec![vec![1; 309]; 309].into());
            run.predictions.clear();
            runs.push(run);
        }
    }
    checked("large", &report(&runs, &Options::default()));
}
