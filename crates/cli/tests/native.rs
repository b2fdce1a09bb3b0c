//! How far each modality comes by the method's own reading, worked out again
//! from what the command exports.

mod support;

use counterpoint::weights::{self, Weights};
use counterpoint_report::predictions::{CheckpointPredictions, PredictionFile, Truth};
use serde_json::Value;
use support::Toy;

/// `W z + b` of an exported linear head on exported features, `[samples][classes]`.
fn read_by_hand(weights: &Weights, predictions: &CheckpointPredictions, modality: &str) -> Vec<Vec<f32>> {
    let part = |what: &str| &weights[&format!("unimodal_head.{modality}.{what}")];
    let (weight, bias) = (part("weight"), part("bias"));
    let features = &predictions.features[modality];
    assert_eq!(weight.shape, [bias.values.len(), features.width]);
    let score = |z: &[f32], k: usize| -> f32 {
        let row = &weight.values[k * z.len()..(k + 1) * z.len()];
        bias.values[k] + row.iter().zip(z).map(|(w, z)| w * z).sum::<f32>()
    };
    features.rows().map(|z| (0..bias.values.len()).map(|k| score(z, k)).collect()).collect()
}

fn accuracy(scores: &[Vec<f32>], classes: &[usize]) -> f64 {
    let right = |(scores, class): (&Vec<f32>, &usize)| {
        let best = (0..scores.len()).fold(0, |best, k| if scores[k] > scores[best] { k } else { best });
        best == *class
    };
    scores.iter().zip(classes).filter(|pair| right(*pair)).count() as f64 / classes.len() as f64
}

#[test]
fn own_heads_score_what_their_exported_weights_give_on_exported_features() {
    let toy = Toy::new();
    let dgl = "name = \"dgl\"\nalpha = 2.0";
    for (strategy, folder) in
        [("name = \"gblend\"\nalpha = 2.0", "gblend"), ("name = \"mmpareto\"", "mmpareto")]
    {
        toy.edit("toy.toml", dgl, strategy);
        // Few and small steps: a perfect score would tell no two heads apart.
        let sets = ["--set", "train.epochs=2", "--set", "optimizer.lr=0.01", "-q"];
        let said = toy.run(&[&["train", "toy.toml", "--out", folder], &sets[..]].concat());
        said.succeeds();
        for line in ["unimodal audio, own head", "unimodal audio, zero-fill", "unimodal image, own head"] {
            assert!(said.out.contains(line), "{folder}: {}", said.out);
        }
        let name = format!("{folder}.npz");
        toy.run(&["export", folder, "--split", "val", "--out", &name]).succeeds();
        let file = PredictionFile::read(toy.dir.join(&name)).unwrap();
        let Truth::Classes(classes) = &file.targets else { panic!("the toy has classes") };
        let found = toy.run(&["evaluate", folder, "--split", "val", "--json"]);
        let found: Value = serde_json::from_str(&found.succeeds().out).unwrap();
        assert_eq!(found["unimodal"]["native"], "own head");
        assert_eq!(found["unimodal"]["native_trained"], true);
        for checkpoint in ["best", "last"] {
            let name = format!("{folder}-{checkpoint}.safetensors");
            toy.run(&["export-weights", folder, "--out", &name, "--checkpoint", checkpoint]).succeeds();
            let heads = weights::read(&toy.dir.join(&name)).unwrap();
            let predictions = &file.checkpoints[checkpoint];
            for modality in ["audio", "image"] {
                let by_hand = read_by_hand(&heads, predictions, modality);
                let native = &predictions.scores[&format!("native:{modality}")];
                let far = |other: &[f32]| {
                    let pairs = by_hand.iter().flatten().zip(other);
                    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
                };
                assert!(far(&native.values) < 1e-5, "{folder} {checkpoint} {modality}");
                assert!(far(&predictions.scores[modality].values) > 1e-3, "zero-fill is something else");
                let row = &found[checkpoint]["scores"][format!("native:{modality}")];
                assert_eq!(row["accuracy"], accuracy(&by_hand, classes), "{folder} {checkpoint} {modality}");
            }
        }
        // Training saw the same of its last epoch.
        let log = std::fs::read_to_string(toy.dir.join(folder).join("metrics.jsonl")).unwrap();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["unimodal"]["native"], "own head");
        let last = lines.iter().rfind(|line| line["event"] == "epoch").unwrap();
        assert_eq!(last["val"]["native:audio"], found["last"]["scores"]["native:audio"]);
        toy.edit("toy.toml", strategy, dgl);
    }
}

#[test]
fn a_study_compares_trained_heads_and_names_every_convention() {
    let toy = Toy::new();
    toy.write(
        "study.toml",
        r#"
config = "toy.toml"
seeds = [3]
references = false
[methods]
joint = { strategy.name = "joint" }
gblend = { strategy.name = "gblend" }
[train]
epochs = 2
[optimizer]
lr = 0.01
"#,
    );
    let said = toy.run(&["compare", "study.toml", "--out", "study", "--quiet"]);
    let said = &said.succeeds().out;
    let words = "Unimodal scores: own head for gblend; zero-fill for the others (the model is shown";
    for part in [words, "audio, zero-fill", "audio, native", "native is"] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    let json = toy.run(&["compare", "study.toml", "--out", "study", "--quiet", "--json"]);
    let json: Value = serde_json::from_str(&json.succeeds().out).unwrap();
    let gblend = json["methods"].as_array().unwrap().iter().find(|m| m["name"] == "gblend").unwrap();
    assert_eq!(gblend["unimodal"]["native"], "own head");
    let (native, filled) = (&gblend["last"]["native:audio"]["mean"], &gblend["last"]["audio"]["mean"]);
    let percent = |value: &Value| format!("{:.1}", 100.0 * value.as_f64().unwrap());
    let line = said.lines().find(|line| line.starts_with("gblend")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    // Method, fused at the last and at the best epoch, audio, image, runs.
    assert_eq!(cells[3], percent(native), "{said}");
    let every = said.lines().filter(|line| line.starts_with("gblend")).nth(1).unwrap();
    let cells: Vec<&str> = every.split_whitespace().collect();
    assert_eq!(cells[1..3], [percent(filled), percent(native)], "{said}");
    toy.run(&["report", "study", "--out", "report.html"]).succeeds();
    assert!(String::from_utf8(toy.bytes("report.html")).unwrap().contains(words));
}

#[test]
fn a_probe_reads_frozen_features_and_no_test_label_has_a_say() {
    let toy = Toy::new();
    let train = |out: &str| {
        toy.run(&["train", "toy.toml", "--out", out, "--set", "train.epochs=1", "-q"]).succeeds();
        let said = toy.run(&["evaluate", out, "--probe", "--json"]);
        let json: Value = serde_json::from_str(&said.succeeds().out).unwrap();
        (json, PredictionFile::read(toy.dir.join(out).join(PredictionFile::NAME)).unwrap())
    };
    let (json, file) = train("run");
    // The toy's classes are easy to tell apart in every modality.
    assert_eq!(json["last"]["scores"]["probe:image"]["accuracy"], 1.0);
    assert!(json["last"]["probe_penalty"]["image"].as_f64().unwrap() > 0.0);
    let said = toy.run(&["evaluate", "run", "--probe", "--split", "val"]);
    assert!(said.succeeds().out.contains("unimodal image, linear probe"), "{}", said.out);
    let log = std::fs::read_to_string(toy.dir.join("run/metrics.jsonl")).unwrap();
    assert!(log.lines().last().unwrap().contains(r#""probe:image":{"#));
    toy.run(&["report", "run", "--out", "report.html"]).succeeds();
    assert!(String::from_utf8(toy.bytes("report.html")).unwrap().contains("image, linear probe"));

    // Other labels of the test split: the same scores, other accuracies.
    let csv = String::from_utf8(toy.bytes("clips.csv")).unwrap();
    let turned = csv.replace(",test,low,", ",test,LOW,").replace(",test,high,", ",test,low,");
    toy.write("clips.csv", &turned.replace(",test,LOW,", ",test,high,"));
    let (other, turned) = train("turned");
    for row in ["probe:audio", "probe:image"] {
        let of = |file: &PredictionFile| file.checkpoints["last"].scores[row].values.clone();
        assert_eq!(of(&file), of(&turned), "{row}");
    }
    assert_eq!(other["last"]["scores"]["probe:image"]["accuracy"], 0.0);
}

#[test]
fn a_study_can_ask_for_probes() {
    let toy = Toy::new();
    let spec = "config = \"toy.toml\"\nprobe = true\nseeds = [3]\nreferences = false\ntrain.epochs = 1\n\
                [methods]\njoint = { strategy.name = \"joint\" }\n";
    toy.write("study.toml", spec);
    let said = toy.run(&["compare", "study.toml", "--out", "study", "--quiet"]);
    assert!(said.succeeds().out.contains("audio, linear probe"), "{}", said.out);
    toy.write("study.toml", &spec.replace("probe = true", "probe = 3"));
    toy.run(&["compare", "study.toml", "--out", "other"]).fails(3, &["probe = 3", "expected true or false"]);
}
