//! Regression, multilabel classification and segmentation from the command line.

mod support;

use std::fs;

use counterpoint_report::predictions::PredictionFile;
use support::Toy;

/// A NumPy array of 32-bit floats.
fn npy(toy: &Toy, name: &str, shape: &str, values: &[f32]) {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    fs::write(toy.dir.join(name), bytes).unwrap();
}

/// 24 samples of two modalities that tell a mood, and two labels by its sign and size.
fn features(label: &str, more: &str) -> Toy {
    let toy = Toy::new();
    fs::create_dir(toy.dir.join("set")).unwrap();
    let mood = |i: usize| (i % 6) as f32 - 2.5;
    let column = |of: &dyn Fn(usize) -> f32| (0..24).map(of).collect::<Vec<f32>>();
    npy(
        &toy,
        "set/voice.npy",
        "(24, 2)",
        &(0..48).map(|i| mood(i / 2) * (1.0 + (i % 2) as f32)).collect::<Vec<_>>(),
    );
    npy(&toy, "set/face.npy", "(24, 1)", &column(&|i| -mood(i)));
    npy(&toy, "set/mood.npy", "(24,)", &column(&mood));
    npy(
        &toy,
        "set/tags.npy",
        "(24, 2)",
        &(0..48)
            .map(|i| {
                let mood = mood(i / 2);
                f32::from(u8::from(if i % 2 == 0 { mood > 0.0 } else { mood.abs() > 2.0 }))
            })
            .collect::<Vec<_>>(),
    );
    npy(&toy, "set/split.npy", "(24,)", &column(&|i| [0.0, 0.0, 1.0, 2.0][i / 6]));
    npy(&toy, "voice.npy", "(2,)", &[2.5, 5.0]);
    toy.write(
        "set.toml",
        &format!(
            r#"
[data]
name = "features"
root = "set"
label = "{label}"
modalities = ["voice", "face"]
batch_size = 4
{more}
[model]
encoder = {{ name = "mlp", widths = [8] }}
[strategy]
name = "dgl"
alpha = 1.0
[optimizer]
name = "sgd"
lr = 0.05
[train]
epochs = 6
"#
        ),
    );
    toy
}

#[test]
fn a_number_is_trained_reported_and_predicted() {
    let toy = features("mood", "[task]\nname = \"regression\"\nloss = \"absolute\"\nselect = \"mae\"");
    let said = toy.run(&["train", "set.toml", "--out", "run", "--test"]);
    said.succeeds();
    assert!(
        said.out.contains("mean absolute error (lower is better)") && said.out.contains("unimodal voice"),
        "{}",
        said.out
    );
    let record = fs::read_to_string(toy.dir.join("run/metrics.jsonl")).unwrap();
    assert!(record.contains("\"metric\":\"mae\"") && record.contains("nonzero_accuracy"), "{record}");
    let said = toy.run(&["predict", "run", "--input", "voice=voice.npy", "--json"]);
    said.succeeds();
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(value["value"].as_f64().unwrap() > 0.5, "a high voice is a good mood: {}", said.out);
    toy.run(&["predict", "run", "--input", "voice=voice.npy", "--out", "map.png"]).fails(2, &["regression"]);
    let said = toy.run(&["report", "run"]);
    said.succeeds();
}

#[test]
fn a_metric_that_is_not_defined_is_a_dash_null_and_never_best() {
    let toy = features("mood", "[task]\nname = \"regression\"");
    // Every validation target (samples 12 to 17) is the same.
    let mood = |i: usize| if i / 6 == 2 { 0.5 } else { (i % 6) as f32 - 2.5 };
    npy(&toy, "set/mood.npy", "(24,)", &(0..24).map(mood).collect::<Vec<_>>());
    let said = toy.run(&["train", "set.toml", "--out", "run", "--test"]);
    said.succeeds();
    let fused = said.out.lines().find(|line| line.starts_with("fused")).unwrap();
    assert!(fused.contains('–') && !said.out.lines().nth(1).unwrap().contains("best"), "{}", said.out);
    assert_eq!(said.err.matches("warning: r2 of the fused output is not defined").count(), 1, "{}", said.err);
    let record = fs::read_to_string(toy.dir.join("run/metrics.jsonl")).unwrap();
    assert!(record.contains("\"r2\":null") && !record.contains("\"best\":true"), "{record}");
    assert!(!toy.dir.join("run/checkpoints/best.safetensors").exists());
    let said = toy.run(&["evaluate", "run", "--split", "val", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&said.succeeds().out).unwrap();
    let fused = &value["last"]["scores"]["fused"];
    assert!(fused["r2"].is_null() && fused["correlation"].is_null() && fused["mae"].is_f64(), "{value}");
    assert!(value["best"].is_null());
    toy.run(&["predict", "run", "--input", "voice=voice.npy"])
        .fails(7, &["no best epoch", "--checkpoint last"]);
    toy.run(&["predict", "run", "--input", "voice=voice.npy", "--checkpoint", "last"]).succeeds();
    toy.run(&["report", "run"]).succeeds();
    // The data say so before training.
    let said = toy.run(&["train", "set.toml", "--dry-run"]);
    assert!(said.succeeds().out.contains("every target of the val split is 0.5"), "{}", said.out);
    // Another metric selects.
    let said = toy.run(&["train", "set.toml", "--out", "mae", "--set", "task.select=mae"]);
    assert!(said.succeeds().out.contains("best on val"), "{}", said.out);
}

#[test]
fn labels_are_trained_and_predicted() {
    let toy = features("tags", "classes = [\"good\", \"strong\"]");
    let said = toy.run(&["train", "set.toml", "--out", "run"]);
    said.succeeds();
    assert!(said.out.contains("mAP, %"), "{}", said.out);
    let said = toy.run(&["predict", "run", "--input", "voice=voice.npy"]);
    assert!(said.succeeds().out.contains("good"), "{}", said.out);
}

#[test]
fn of_very_many_classes_a_summary_of_each_sample_is_kept_and_told() {
    let toy = features("mood", "");
    let (classes, samples) = (1001, 1031);
    let column = |of: &dyn Fn(usize) -> f32| (0..samples).map(of).collect::<Vec<f32>>();
    // One train sample of every class, then ten for validation and twenty for the test.
    let class = |i: usize| (i % classes) as f32;
    npy(&toy, "set/mood.npy", "(1031,)", &column(&class));
    npy(&toy, "set/face.npy", "(1031, 1)", &column(&|i| -class(i)));
    let voice: Vec<f32> = (0..2 * samples).map(|i| class(i / 2) * (1.0 + (i % 2) as f32)).collect();
    npy(&toy, "set/voice.npy", "(1031, 2)", &voice);
    let part = |i: usize| {
        if i < 1001 {
            0.0
        } else if i < 1011 {
            1.0
        } else {
            2.0
        }
    };
    npy(&toy, "set/split.npy", "(1031,)", &column(&part));
    let args = ["train", "set.toml", "--out", "run", "--test", "--set", "train.epochs=1"];
    let many = ["--set", "data.batch_size=64", "--set", "data.target=class"];
    toy.run(&[&args[..], &many].concat()).succeeds();
    let file = PredictionFile::read(toy.dir.join("run/predictions.npz")).unwrap();
    assert_eq!(file.columns, ["predicted", "log_p_predicted", "log_p_truth", "rank_of_truth"]);
    let value: serde_json::Value =
        serde_json::from_str(&toy.run(&["evaluate", "run", "--json"]).succeeds().out).unwrap();
    for (row, numbers) in &file.checkpoints["last"].scores {
        assert_eq!(numbers.values.len(), 20 * 4, "{row}");
        if let Some(scores) = value["last"]["scores"][row].as_object() {
            assert!(!scores.contains_key("map"), "{row}: {scores:?}");
            let loss = numbers.rows().map(|row| -f64::from(row[2])).sum::<f64>() / 20.0;
            assert!((scores["cross_entropy"].as_f64().unwrap() - loss).abs() < 1e-6, "{row}: {loss}");
            let right = numbers.rows().filter(|row| row[3] == 1.0).count() as f64 / 20.0;
            assert_eq!(scores["accuracy"].as_f64().unwrap(), right, "{row}");
        }
    }
    toy.run(&["report", "run"]).succeeds();
    let map = ["--out", "map", "--set", "task.name=classification", "--set", "task.select=map"];
    toy.run(&[&["train", "set.toml"], &map[..], &many].concat()).fails(3, &["task.select", "accuracy"]);
}

#[test]
fn a_task_that_does_not_fit_the_data_the_model_or_the_strategy_is_refused_by_name() {
    let toy = features("mood", "[task]\nname = \"classification\"");
    toy.run(&["train", "set.toml", "--out", "run"])
        .fails(3, &["classification", "real numbers", "regression"]);
    let toy = features("mood", "[task]\nname = \"regression\"\nselect = \"accuracy\"");
    toy.run(&["train", "set.toml", "--out", "run"]).fails(3, &["task.select", "r2, mae"]);
    let toy = features("mood", "");
    toy.run(&["train", "set.toml", "--out", "run", "--set", "strategy.name=pmr"])
        .fails(3, &["pmr", "regression", "classification"]);
    toy.run(&["train", "set.toml", "--out", "run", "--set", "model.name=esanet"])
        .fails(3, &["esanet", "every pixel", "regression"]);
    toy.run(&["train", "set.toml", "--out", "run", "--set", "task.nmae=regression"]).fails(3, &["task"]);
}

fn png(toy: &Toy, name: &str, colour: png::ColorType, pixels: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(toy.dir.join(name)).unwrap(), 64, 32);
    encoder.set_color(colour);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

/// Six rooms whose left part is near, dark and class 0.
fn rooms() -> Toy {
    let toy = Toy::new();
    for folder in ["rooms/rgb", "rooms/depth", "rooms/label40"] {
        fs::create_dir_all(toy.dir.join(folder)).unwrap();
    }
    for i in 0..6_usize {
        let edge = 16 + 6 * i;
        let of = |left: u8, right: u8| -> Vec<u8> {
            (0..64 * 32).map(|at| if at % 64 < edge { left } else { right }).collect()
        };
        let rgb: Vec<u8> = of(30, 220).iter().flat_map(|&p| [p, p / 2, 40]).collect();
        png(&toy, &format!("rooms/rgb/{i}.png"), png::ColorType::Rgb, &rgb);
        png(&toy, &format!("rooms/depth/{i}.png"), png::ColorType::Grayscale, &of(60, 200));
        png(&toy, &format!("rooms/label40/{i}.png"), png::ColorType::Grayscale, &of(0, 1));
    }
    toy.write("rooms/index.csv", "id,split\n0,train\n1,train\n2,train\n3,train\n4,val\n5,test\n");
    toy.write("rooms/classes.csv", "id,name\n0,near\n1,far\n");
    toy.write(
        "rooms.toml",
        r#"
[data]
name = "rgbd"
root = "rooms"
size = [32, 64]
batch_size = 2
augment = true
[model]
name = "esanet"
width = 4
blocks = [1, 1, 1, 1]
decoder_blocks = 1
se_reduction = 4
[strategy]
name = "dgl"
alpha = 1.0
[optimizer]
name = "sgd"
lr = 0.02
momentum = 0.9
[train]
epochs = 2
"#,
    );
    toy
}

#[test]
fn rooms_are_segmented_and_a_label_picture_is_written() {
    let toy = rooms();
    let said = toy.run(&["train", "rooms.toml", "--out", "run", "--test"]);
    said.succeeds();
    assert!(said.out.contains("mIoU, %") && said.out.contains("unimodal depth"), "{}", said.out);
    let record = fs::read_to_string(toy.dir.join("run/metrics.jsonl")).unwrap();
    assert!(record.contains("pixel_accuracy"), "{record}");
    toy.run(&["evaluate", "run", "--probe"]).fails(3, &["linear probe", "not defined for segmentation"]);
    toy.run(&["train", "rooms.toml", "--out", "no", "--test", "--probe"]).fails(3, &["linear probe"]);
    assert!(!toy.dir.join("no").exists(), "nothing was begun");
    let files = ["--input", "rgb=rooms/rgb/5.png", "--input", "depth=rooms/depth/5.png"];
    let said = toy.run(&[&["predict", "run", "--out", "map.png"], &files[..]].concat());
    said.succeeds();
    assert!(said.out.contains("32 x 64 pixels"), "{}", said.out);
    let decoder =
        png::Decoder::new(std::io::BufReader::new(fs::File::open(toy.dir.join("map.png")).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![9; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert!(pixels.len() == 64 * 32 && pixels.iter().all(|&p| p < 2));
    toy.run(&["train", "rooms.toml", "--out", "other", "--set", "strategy.name=relearn"])
        .fails(3, &["relearn", "segmentation"]);
    toy.run(&["train", "rooms.toml", "--out", "other", "--set", "model.name=late-fusion"])
        .fails(3, &["late-fusion", "segmentation"]);
}

#[test]
fn readouts_add_up_numbers_and_labels_and_refuse_label_maps() {
    for (label, task, metric) in [
        ("mood", "[task]\nname = \"regression\"\n", "mse"),
        ("tags", "[task]\nname = \"multilabel\"\n", "map"),
    ] {
        let toy = features(label, task);
        for labels in ["shared", "each"] {
            let labels = format!("readout.labels={labels}");
            let sets =
                ["--set", "readout.name=cone", "--set", &labels, "--set", "strategy.gate=credit", "--quiet"];
            let run = format!("run-{}", labels.len());
            let said = toy.run(&[&["train", "set.toml", "--out", &run, "--test"], &sets[..]].concat());
            assert!(said.succeeds().out.contains("fused, without the readout"), "{}", said.out);
            let said = toy.run(&["evaluate", &run, "--split", "val", "--json"]);
            let scores: serde_json::Value = serde_json::from_str(&said.succeeds().out).unwrap();
            let [with, without] = ["fused", "plain:fused"]
                .map(|row| scores["last"]["scores"][row][metric].as_f64().expect("a number"));
            // It is fitted on these samples: no worse in what it fits.
            assert!(metric != "mse" || with <= without + 1e-3, "{with} and {without}");
        }
    }
}
