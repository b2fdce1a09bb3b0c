//! Which number stands for a single modality, and what its convention is called.

use std::collections::BTreeMap;

use counterpoint_report::record::{Convention, Epoch, Log, Scores, Test, UnimodalReading};
use counterpoint_report::report::{Options, RunSummary, report};

fn scores(rows: &[(&str, f64)]) -> Scores {
    let values = |accuracy: f64| BTreeMap::from([("accuracy".to_owned(), accuracy)]);
    rows.iter().map(|(row, accuracy)| ((*row).to_owned(), values(*accuracy))).collect()
}

fn own_head() -> UnimodalReading {
    UnimodalReading { native: "own head".into(), native_trained: true, ..UnimodalReading::default() }
}

/// A run with one look; audio reaches 0.3 by zero-filling.
fn run(method: &str, unimodal: UnimodalReading, more: &[(&str, f64)]) -> RunSummary {
    let rows = scores(&[&[("fused", 0.9), ("audio", 0.3)], more].concat());
    RunSummary {
        method: method.into(),
        seed: Some(1),
        modalities: vec!["audio".into()],
        unimodal,
        epochs: vec![Epoch { epoch: 1, val: rows.clone(), ..Epoch::default() }],
        tests: vec![Test {
            split: "test".into(),
            checkpoint: "last".into(),
            scores: rows,
            ..Test::default()
        }],
        ..RunSummary::named(method)
    }
}

fn field() -> Vec<RunSummary> {
    let prototypes = UnimodalReading { native: "prototypes".into(), ..UnimodalReading::default() };
    let shared = UnimodalReading { plain: UnimodalReading::SHARED_HEAD.into(), ..UnimodalReading::default() };
    vec![
        run("joint", UnimodalReading::default(), &[]),
        run("dgl", UnimodalReading::default(), &[]),
        run("gblend", own_head(), &[("native:audio", 0.6)]),
        run("pmr", prototypes, &[("native:audio", 0.5)]),
        run("mla", shared, &[]),
    ]
}

/// One line of a Markdown table as cells by column; the best of a column is bold there.
fn line(table: &str, method: &str) -> BTreeMap<String, String> {
    let lines = table.lines().filter(|line| line.starts_with('|'));
    let mut lines =
        lines.map(|line| line.trim_matches('|').split('|').map(|c| c.trim().trim_matches('*').to_owned()));
    let heads: Vec<String> = lines.next().unwrap().collect();
    let cells = lines.map(Iterator::collect::<Vec<_>>).find(|cells| cells[0] == method).unwrap();
    heads.into_iter().zip(cells).collect()
}

#[test]
fn the_trained_head_is_compared_and_both_are_shown_and_named() {
    let page = report(&field(), &Options::default());
    let tables = page.tables();
    let results = tables[0].1.to_markdown();
    assert_eq!(line(&results, "gblend")["audio"], "60.0");
    for method in ["joint", "dgl", "pmr", "mla"] {
        assert!(line(&results, method)["audio"].contains("30.0"), "{method}");
    }
    let said = tables[0].1.to_markdown();
    assert!(
        said.contains(
            "Unimodal scores: own head for gblend; shared head for mla; zero-fill for the others (the model"
        ),
        "{said}"
    );
    let (_, every) = tables.iter().find(|(name, _)| name.contains("unimodal-scores")).unwrap();
    let every = every.to_markdown();
    for (method, filled, native, name) in [
        ("joint", "30.0", "–", "-"),
        ("gblend", "30.0", "60.0", "own head"),
        ("pmr", "30.0", "50.0", "prototypes"),
        ("mla", "–", "30.0", "shared head"),
    ] {
        let cells = line(&every, method);
        let found = ["audio, zero-fill", "audio, native", "native is"].map(|head| cells[head].as_str());
        assert_eq!(found, [filled, native, name], "{method}");
    }
    // A curve or a dot that is no zero-fill says so itself.
    assert!(page.to_html().contains("gblend, own head"));
}

#[test]
fn probes_stand_beside_the_others_and_are_not_compared() {
    let runs = [
        run("joint", UnimodalReading::default(), &[("probe:audio", 0.8)]),
        run("gblend", own_head(), &[("native:audio", 0.6), ("probe:audio", 0.7)]),
    ];
    let page = report(&runs, &Options::default());
    let tables = page.tables();
    assert_eq!(line(&tables[0].1.to_markdown(), "joint")["audio"], "30.0");
    let (_, every) = tables.iter().find(|(name, _)| name.contains("unimodal-scores")).unwrap();
    let every = every.to_markdown();
    assert_eq!(line(&every, "joint")["audio, linear probe"], "80.0");
    assert_eq!(line(&every, "gblend")["audio, linear probe"], "70.0");
}

#[test]
fn runs_of_one_convention_need_no_second_table() {
    let page = report(&field()[..2], &Options::default());
    assert!(page.tables().iter().all(|(name, _)| !name.contains("unimodal-scores")));
    assert!(page.tables()[0].1.to_markdown().contains("Unimodal scores: zero-fill (the model"));
}

#[test]
fn records_from_before_there_were_conventions_are_zero_fill() {
    let text = r#"{"event":"start","strategy":"gblend","modalities":["audio"]}
{"event":"epoch","epoch":1,"val":{"fused":{"accuracy":0.9},"audio":{"accuracy":0.3}}}
{"event":"test","split":"test","checkpoint":"last","scores":{"fused":{"accuracy":0.9},"audio":{"accuracy":0.3}}}
"#;
    let old = Log::from_reader(text.as_bytes()).unwrap();
    assert!(old.damaged.is_empty());
    assert_eq!(old.unimodal(), UnimodalReading::default());
    let run = RunSummary::from_log("old", &old);
    let page = report(&[run], &Options::default());
    assert_eq!(line(&page.tables()[0].1.to_markdown(), "gblend")["audio"], "30.0");
    // A later look says more.
    let look =
        Test { unimodal: Some(own_head()), scores: scores(&[("native:audio", 0.6)]), ..Test::default() };
    let text = format!("{text}{}\n", counterpoint_report::record::Event::from(look).to_line());
    assert_eq!(Log::from_reader(text.as_bytes()).unwrap().unimodal(), own_head());
}

#[test]
fn a_trained_head_that_was_not_scored_is_not_claimed() {
    let filled = scores(&[("fused", 0.9), ("audio", 0.3)]);
    assert_eq!(own_head().convention(&filled, "audio"), Convention::ZeroFill);
    assert_eq!(own_head().name(&filled, "audio"), "zero-fill");
    assert_eq!(own_head().row(&filled, "fused"), "fused");
    let both = scores(&[("audio", 0.3), ("native:audio", 0.6)]);
    assert_eq!(own_head().row(&both, "audio"), "native:audio");
    assert_eq!(Convention::of_row("native:audio"), (Convention::Native, "audio"));
    assert_eq!(Convention::of_row("probe:audio"), (Convention::Probe, "audio"));
    assert_eq!(Convention::of_row("audio"), (Convention::ZeroFill, "audio"));
}
