//! Scores mean what a run says of them, whatever they are called.

use std::collections::BTreeMap;

use counterpoint_report::{
    html::Page,
    record::{Better, End, Epoch, Log, Metric, Scores, Start, Test},
    report::{Options, RunSummary, report},
    tensorboard::EventFile,
    warning,
};

/// A share of which less is better, under a name that tells nobody so.
fn wer() -> Metric {
    Metric {
        name: "wer".into(),
        title: "word error rate".into(),
        better: Better::Lower,
        percent: true,
        digits: 2,
        least: Some(0.0),
        most: Some(1.0),
        ..Metric::default()
    }
}

fn scores(rows: &[(&str, f64)]) -> Scores {
    rows.iter().map(|(row, value)| ((*row).to_owned(), [("wer".to_owned(), *value)].into())).collect()
}

fn run(method: &str, seed: u64, described: &[Metric]) -> RunSummary {
    let value = if method == "dgl" { 0.1 + 0.01 * seed as f64 } else { 0.2 + 0.011 * seed as f64 };
    let rows = scores(&[("fused", value), ("audio", value + 0.1)]);
    let epoch = Epoch {
        epoch: 1,
        val: rows.clone(),
        diagnostics: [("audio".to_owned(), BTreeMap::from([("train_wer".to_owned(), 0.5)]))].into(),
        ..Epoch::default()
    };
    RunSummary {
        method: method.into(),
        seed: Some(seed),
        modalities: vec!["audio".into()],
        metric: "wer".into(),
        metrics: described.to_vec(),
        epochs: vec![epoch],
        tests: vec![Test {
            split: "test".into(),
            checkpoint: "last".into(),
            scores: rows,
            ..Test::default()
        }],
        end: Some(End { reason: "finished".into(), ..End::default() }),
        ..RunSummary::named(format!("{method}-{seed}"))
    }
}

fn page(described: &[Metric]) -> Page {
    let runs: Vec<RunSummary> =
        ["joint", "dgl"].iter().flat_map(|m| (0..4).map(|seed| run(m, seed, described))).collect();
    report(&runs, &Options { metric: "wer".into(), ..Options::default() })
}

#[test]
fn a_made_up_metric_is_lower_is_better_everywhere() {
    let page = page(&[wer()]);
    let (text, html) = (page.summary_text(), page.to_html());
    assert!(
        text.starts_with(
            "dgl is better than joint here: 11.50 ± 1.29 % against 21.65 ± 1.42 % fused word error rate"
        ),
        "{text}"
    );
    assert!(text.contains("the gap of -10.15 points is beyond noise"), "{text}");
    let (name, table) = &page.tables()[0];
    assert!(table.caption.ends_with("word error rate, % (lower is better)"), "{name}: {}", table.caption);
    // The least is marked as best, and no interval leaves the scale.
    assert!(table.to_markdown().contains("**11.50 ± 1.29**"), "{}", table.to_markdown());
    let drawn = page.figures();
    let axis = |part: &str| {
        let (_, figure) =
            drawn.iter().find(|(_, f)| f.title.contains(part)).unwrap_or_else(|| panic!("{part}"));
        figure.to_svg().contains("word error rate, % (lower is better)")
    };
    assert!(axis("last epoch: fused") && axis("fused, validation split"), "dots and curves");
    assert!(axis("Train samples, the modality alone (zero-fill): word error rate"), "diagnostics");
    assert!(!html.contains("accuracy"), "nobody scored that");
}

#[test]
fn without_a_description_only_metrics_of_old_records_are_known() {
    let text = page(&[]).summary_text();
    assert!(text.starts_with("dgl is worse than joint here: 0.115 ± 0.013 against"), "{text}");
    let known = |name: &str| {
        let metric = Metric::undescribed(name);
        (metric.better, metric.percent)
    };
    assert_eq!(known("balanced_accuracy"), (Better::Higher, true));
    assert_eq!(known("cross_entropy"), (Better::Lower, false));
    assert_eq!(known("r2"), (Better::Higher, false));
    // What only sounds like an error is none.
    assert_eq!(known("terror_management"), (Better::Higher, false));
    assert_eq!(Metric::undescribed("mae").heading(), "mae (lower is better)");
}

#[test]
fn descriptions_are_read_back_and_a_later_look_may_bring_them() {
    let start = Start { metric: "wer".into(), metrics: vec![wer()], ..Start::default() };
    let line = counterpoint_report::record::Event::from(start.clone()).to_line();
    let log = Log::from_reader(line.as_bytes()).unwrap();
    assert_eq!(log.start().unwrap().selecting(), wer());
    let old = r#"{"event":"start","metric":"wer"}"#;
    let look = counterpoint_report::record::Event::from(Test { metrics: vec![wer()], ..Test::default() });
    let log = Log::from_reader(format!("{old}\n{}\n", look.to_line()).as_bytes()).unwrap();
    assert_eq!(RunSummary::from_log("old", &log).metrics, [wer()]);
}

#[test]
fn warnings_follow_the_metric_that_selects_epochs() {
    let start = Start {
        epochs: 8,
        modalities: vec!["audio".into(), "image".into()],
        samples: [("val".to_owned(), 500)].into(),
        metric: "wer".into(),
        metrics: vec![wer()],
        ..Start::default()
    };
    // Audio has 5 % errors on train and 40 % on validation; the fused output had 10 and has 30.
    let curve = |fused: [f64; 8], trained: f64| -> Vec<Epoch> {
        let epoch = |(i, fused): (usize, f64)| Epoch {
            epoch: i + 1,
            val: scores(&[("fused", fused), ("audio", 0.4), ("image", 0.4)]),
            train: scores(&[("audio", trained)]),
            best: i == 2,
            ..Epoch::default()
        };
        fused.into_iter().enumerate().map(epoch).collect()
    };
    let rising = [0.3, 0.1, 0.1, 0.1, 0.2, 0.3, 0.3, 0.3];
    let found = warning::of_run(&start, &curve(rising, 0.05));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .message
            .contains("audio alone (zero-fill) has word error rate 5.00 % on the train and 40.00 %")
            && found[0].message.contains("worse than at its best"),
        "{found:?}"
    );
    // Falling errors are no loss, and a modality that is worse on train has learned nothing by heart.
    let falling = [0.5, 0.5, 0.4, 0.4, 0.3, 0.3, 0.3, 0.3];
    assert!(warning::of_run(&start, &curve(falling, 0.05)).is_empty());
    assert!(warning::of_run(&start, &curve(rising, 0.9)).is_empty());
    // Of a number that is no share nobody can say what is far.
    let number = Start { metrics: vec![Metric { percent: false, ..wer() }], ..start.clone() };
    assert!(warning::of_run(&number, &curve(rising, 0.05)).is_empty());
    // The last epoch is the best: its value is of the metric.
    let mut last = curve(falling, 0.3);
    (last[2].best, last[7].best) = (false, true);
    let found = warning::of_run(&start, &last);
    assert!(found[0].message.contains("the last, 8 (word error rate 30.00 %)"), "{found:?}");
}

#[test]
fn tensorboard_is_told_what_a_number_means() {
    let start = Start {
        metrics: vec![wer()],
        legend: [("k".to_owned(), "factor on the gradient".to_owned())].into(),
        ..Start::default()
    };
    let k = BTreeMap::from([("k".to_owned(), 0.5)]);
    let epoch = Epoch {
        epoch: 1,
        val: scores(&[("fused", 0.25)]),
        strategy: [("audio".to_owned(), k)].into(),
        ..Epoch::default()
    };
    let mut file = EventFile::new(Vec::new(), 0.0).unwrap().described(&start);
    file.epoch(1.0, &epoch).unwrap();
    let bytes = file.into_inner();
    if let Ok(folder) = std::env::var("COUNTERPOINT_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{}", EventFile::<Vec<u8>>::name(1.0)), &bytes).unwrap();
    }
    // Field 9 of a value is its metadata: the plugin, and in field 3 the description; read back by TensorBoard 2.21.0.
    for about in ["word error rate, a share of 1; lower is better", "factor on the gradient"] {
        let length = about.len() as u8;
        let plugin = b"\x0a\x09\x0a\x07scalars";
        let field = [&[0x4a, length + 13], &plugin[..], &[0x1a, length], about.as_bytes()].concat();
        assert!(bytes.windows(field.len()).any(|w| w == field), "{about}");
    }
}

#[test]
fn what_a_method_says_of_its_steps_is_drawn_under_its_meaning() {
    let run = |method: &str, seed: u64, number: &str| {
        let of = |value: f64| BTreeMap::from([(number.to_owned(), value)]);
        let epoch = |i: usize| Epoch {
            epoch: i,
            strategy: ["audio", "image"].map(|m| (m.to_owned(), of(0.5 * i as f64))).into(),
            ..Epoch::default()
        };
        RunSummary {
            config: format!("[strategy]\nname = \"{method}\"\n"),
            legend: [("k".to_owned(), "factor on the gradient".to_owned())].into(),
            epochs: (1..4).map(epoch).collect(),
            ..run(method, seed, &[wer()])
        }
    };
    let page = report(&[run("ogm", 0, "k"), run("ogm", 1, "k"), run("pmr", 0, "score")], &Options::default());
    let figures = page.figures();
    let find = |title: &str| figures.iter().find(|(_, f)| f.title == title).map(|(_, figure)| figure);
    let k = find("ogm, k: audio").unwrap();
    assert!(k.to_svg().contains("factor on the gradient"), "the axis says what it is");
    assert!(k.data.to_csv().contains("1.5"), "{}", k.data.to_csv());
    assert!(find("pmr, score: image").is_some(), "without a legend under its name");
    assert!(find("pmr, k: image").is_none() && find("ogm, score: audio").is_none());
    // Runs that say nothing have no such section.
    let silent = report(&[self::run("joint", 0, &[])], &Options::default());
    assert!(!silent.sections.iter().any(|s| s.heading == "What the methods do"));
}
