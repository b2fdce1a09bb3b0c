//! Text, numbers, categories and archives, from the list to a prediction.

mod support;

use std::fs;

use support::Toy;

const CONFIG: &str = r#"
[data]
name = "manifest"
root = "people.csv"
batch_size = 4
[data.modality.image]
kind = "image"
size = 12
[data.modality.note]
kind = "text"
length = 6
[data.modality.body]
kind = "numeric"
columns = ["age", "height"]
missing = "mean"
[data.modality.city]
kind = "category"
[model.encoders.image]
name = "conv-net"
channels = [4]
[model.encoders.note]
name = "sequence"
width = 8
steps = { name = "gru", embedding = 4 }
[model.encoders.body]
name = "mlp"
widths = [4]
[model.encoders.city]
name = "sequence"
width = 4
steps = { name = "linear" }
[strategy]
name = "dgl"
[optimizer]
name = "adam"
lr = 0.05
[train]
epochs = 20
seed = 1
"#;

/// The pictures of the toy data with columns that tell the class.
fn toy() -> Toy {
    let toy = Toy::new();
    let mut csv = "id,split,label,image,note,age,height,city\n".to_owned();
    for i in 0..24 {
        let (class, split) = (i % 2, ["train", "train", "val", "test"][i / 2 % 4]);
        let note = ["a low tone", "it is high"][class];
        let height = if i == 4 { String::new() } else { format!("{}", 160 + i) };
        csv += &format!(
            "p{i},{split},{},{i}.png,{note},{},{height},{}\n",
            ["low", "high"][class],
            20 + 30 * class + i % 3,
            ["Rome", "Bonn"][class]
        );
    }
    fs::write(toy.dir.join("people.csv"), csv).unwrap();
    toy.write("people.toml", CONFIG);
    toy
}

#[test]
fn columns_of_a_list_train_and_predict() {
    let toy = toy();
    let said = toy.run(&["train", "people.toml", "--out", "run"]);
    said.succeeds();
    assert!(said.err.contains("1 empty cells set to the mean of their column"), "{}", said.err);
    toy.run(&["evaluate", "run"]).succeeds();
    toy.run(&["doctor", "people.toml"]).succeeds();
    toy.write("new.txt", "It IS high");
    toy.write("new.csv", "age,height,city\n51,,Bonn\n");
    let inputs = ["--input", "note=new.txt", "--input", "body=new.csv", "--input", "city=new.csv"];
    let said = toy.run(&[&["predict", "run", "--checkpoint", "last"][..], &inputs].concat());
    said.succeeds();
    assert!(said.out.contains("(the others are absent): high"), "{}", said.out);
    for modality in ["note", "body", "city"] {
        assert!(said.out.contains(&format!("unimodal {modality}: high")), "{modality}: {}", said.out);
    }
    toy.write("wrong.csv", "age,height\n51,tall\n");
    let wrong = toy.run(&["predict", "run", "--input", "body=wrong.csv"]);
    assert!(wrong.code != 0 && wrong.err.contains("column `height`: holds `tall`"), "{}", wrong.err);
}

#[test]
fn a_set_is_exported_as_archives_that_train_alike() {
    let toy = toy();
    let said = toy.run(&["export-shards", "people.toml", "--to", "tars"]);
    said.succeeds();
    assert!(said.out.contains("24 samples in 3 archives"), "{}", said.out);
    toy.write("tars.toml", &CONFIG.replace("\"manifest\"", "\"shards\"").replace("people.csv", "tars"));
    let order = "data.modalities=[\"image\", \"note\", \"body\", \"city\"]";
    let losses = |config: &str, out: &str| {
        toy.run(&["train", config, "--out", out, "--set", order, "--set", "train.epochs=2"]).succeeds();
        let text = fs::read_to_string(toy.dir.join(out).join("metrics.jsonl")).unwrap();
        let losses = text
            .lines()
            .filter_map(|line| Some(line.split_once("\"losses\":")?.1.split_once('}')?.0.to_owned()));
        losses.collect::<Vec<String>>()
    };
    let (list, tars) = (losses("people.toml", "one"), losses("tars.toml", "two"));
    assert_eq!(list.len(), 2);
    assert_eq!(list, tars);
    let again = toy.run(&["export-shards", "people.toml", "--to", "tars"]);
    assert!(again.code != 0 && again.err.contains("is not empty; name a new one"), "{}", again.err);
}
