//! What numbers mean is recorded with them: metrics, and what a method says of
//! its own steps, in the run folder, TensorBoard and the report.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use counterpoint_report::record::{Better, Epoch, Log, Start};
use support::Toy;
use support::tensorboard::events;

fn record(toy: &Toy) -> (Start, Vec<Epoch>) {
    let log = Log::read(toy.dir.join("run/metrics.jsonl")).unwrap();
    assert!(log.damaged.is_empty() && log.unknown.is_empty());
    (log.start().unwrap().clone(), log.epochs())
}

/// Makes the report with its figures and gives the numbers of each by the end of its name.
fn figures(toy: &Toy, more: &[&str]) -> BTreeMap<String, String> {
    toy.run(&[&["report", "run", "--assets", "assets", "--force"], more].concat()).succeeds();
    let files = fs::read_dir(toy.dir.join("assets/figures")).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.map(|path| (name(&path)[3..].to_owned(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn metrics_carry_their_direction_from_the_task_to_the_report() {
    let toy = Toy::new();
    toy.train(&["--test"]).succeeds();
    let (start, epochs) = record(&toy);
    let of = |name: &str| start.metrics.iter().find(|m| m.name == name).unwrap();
    let recorded: BTreeSet<&String> = epochs[0].val["fused"].keys().collect();
    assert_eq!(recorded, start.metrics.iter().map(|m| &m.name).collect(), "every score is described");
    let ece = of("ece");
    assert_eq!((ece.better, ece.percent, ece.most), (Better::Lower, true, Some(1.0)));
    assert_eq!((of("accuracy").better, of("accuracy").right_answers), (Better::Higher, true));
    assert_eq!((of("cross_entropy").unit.as_str(), of("cross_entropy").most), ("nats", None));
    let drawn = figures(&toy, &["--metric", "ece"]);
    assert!(drawn["fused-validation-split.svg"].contains("expected calibration error, % (lower is better)"));
    // A run of an older version describes nothing; a new look at it does.
    let path = toy.dir.join("run/metrics.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let mut old: serde_json::Value = serde_json::from_str(first).unwrap();
    old.as_object_mut().unwrap().remove("metrics").unwrap();
    fs::write(&path, format!("{old}\n{rest}")).unwrap();
    toy.run(&["evaluate", "run"]).succeeds();
    let drawn = figures(&toy, &["--metric", "ece"]);
    assert!(drawn["fused-validation-split.svg"].contains("(lower is better)"));
}

#[test]
fn what_six_methods_say_of_their_steps_reaches_record_tensorboard_and_report() {
    let methods: [(&str, &[&str], &[&str]); 6] = [
        ("ogm", &["score", "rho", "k"], &["strategy.tensors=weights"]),
        ("agm", &["S", "c"], &[]),
        ("gblend", &["weight"], &[]),
        ("mmpareto", &["cosine", "k0"], &[]),
        ("pmr", &["score", "rho", "coefficient"], &[]),
        ("relearn", &["gap"], &["strategy.every=1"]),
    ];
    for (method, names, settings) in methods {
        let toy = Toy::new();
        let name = format!("strategy.name={method}");
        let sets = [name.as_str()].into_iter().chain(settings.iter().copied()).flat_map(|set| ["--set", set]);
        toy.train(&sets.collect::<Vec<_>>()).succeeds();
        let (start, epochs) = record(&toy);
        let wanted: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(start.legend.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted, "{method}");
        let (scalars, _) = events(&toy.dir.join("run/tensorboard"));
        let drawn = figures(&toy, &[]);
        for modality in ["audio", "image"] {
            let last = &epochs.last().unwrap().strategy[modality];
            assert_eq!(last.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted, "{method}");
            for name in names {
                let of_epochs = epochs.iter().filter_map(|e| e.strategy.get(modality)?.get(*name).copied());
                let recorded: Vec<f64> = of_epochs.collect();
                assert!(recorded.len() > 1 && recorded.iter().all(|v| v.is_finite()), "{method} {name}");
                let tag = format!("strategy/{name}/{modality}");
                let shown: Vec<f32> = scalars.iter().filter(|(t, _)| *t == tag).map(|(_, v)| *v).collect();
                assert_eq!(shown, recorded.iter().map(|v| *v as f32).collect::<Vec<_>>(), "{method} {tag}");
                let file = format!("{method}-{}-{modality}", name.to_lowercase());
                let csv =
                    drawn.get(&format!("{file}.csv")).unwrap_or_else(|| panic!("{file}: {:?}", drawn.keys()));
                // One line per epoch below the head, the value in full precision.
                let values: BTreeSet<String> = recorded.iter().map(f64::to_string).collect();
                let found = csv.lines().flat_map(|line| line.split(',')).map(str::to_owned).collect();
                assert!(values.is_subset(&found), "{file}: {values:?} in {csv}");
                let legend = &start.legend[*name];
                assert!(drawn[&format!("{file}.svg")].contains(&legend[..20.min(legend.len())]), "{file}");
            }
        }
        // G-Blending weighs the fused loss too.
        assert_eq!(epochs[1].strategy.contains_key("fused"), method == "gblend");
    }
}

#[test]
fn losses_of_pairs_of_three_modalities_are_recorded_and_drawn() {
    let toy = Toy::new();
    let csv = fs::read_to_string(toy.dir.join("clips.csv")).unwrap();
    let with_third = |(i, line): (usize, &str)| match (i, line.rsplit_once(',')) {
        (0, _) => format!("{line},third\n"),
        (_, Some((_, image))) => format!("{line},{image}\n"),
        _ => String::new(),
    };
    toy.write("clips.csv", &csv.lines().enumerate().map(with_third).collect::<String>());
    toy.edit(
        "toy.toml",
        "[model]",
        "[data.modality.third]\nkind = \"image\"\nsize = 12\nchannels = 1\n[model]",
    );
    toy.train(&["--set", "strategy.name=agm"]).succeeds();
    let (_, epochs) = record(&toy);
    let rows: BTreeSet<&str> = epochs[1].losses.keys().map(String::as_str).collect();
    let pairs = ["audio+image", "audio+third", "image+third"];
    assert!(pairs.iter().all(|pair| rows.contains(pair)), "{rows:?}");
    // Two train samples in every four of 24.
    assert!(pairs.iter().all(|pair| epochs[1].row_samples[*pair] == 12), "{:?}", epochs[1].row_samples);
    let (scalars, _) = events(&toy.dir.join("run/tensorboard"));
    assert!(scalars.iter().any(|(tag, _)| tag == "loss/audio+image"));
    let drawn = figures(&toy, &[]);
    let csv = &drawn["training-loss-audio-image.csv"];
    assert!(csv.contains(&epochs[1].losses["audio+image"].to_string()), "{csv}");
}
