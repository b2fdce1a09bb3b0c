//! Settings that a study chooses: `[tune]`, `ablate`, `sweep`.

use crate::support::Toy;
use crate::toy::*;

#[test]
fn settings_are_chosen_on_validation_and_the_others_stay_sealed() {
    let spec = r#"
config = "toy.toml"
seeds = 2
references = false
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[tune]
settings = [{ optimizer.lr = 1e-9 }, { optimizer.lr = 0.05 }]
"#;
    let toy = toy(spec);
    let out = compare(&toy, "study", &[]).succeeds().out.clone();
    assert!(out.contains("optimizer.lr = 0.05") && out.contains("for the others it stays sealed"), "{out}");
    let study = record(&toy, "study");
    for choice in study["choices"].as_array().unwrap() {
        assert_eq!(choice["setting"], 1, "a learning rate of nothing learns nothing: {choice}");
        let scores: Vec<f64> =
            choice["validation"].as_array().unwrap().iter().map(|s| s[0].as_f64().unwrap()).collect();
        assert!(scores[1] > scores[0], "{choice}");
    }
    for method in ["joint", "dgl"] {
        assert_eq!(looks(&toy, &format!("study/runs/{method}/setting0/seed0")), 0);
        assert_eq!(looks(&toy, &format!("study/runs/{method}/setting1/seed0")), 1);
        assert_eq!(looks(&toy, &format!("study/runs/{method}/setting1/seed1")), 1);
        assert!(!toy.dir.join(format!("study/runs/{method}/setting0/seed1")).exists(), "only one seed tries");
    }
}

#[test]
fn ablate_has_the_rows_of_the_table_and_those_it_lacks() {
    let toy = Toy::new();
    let args = ["ablate", "toy.toml", "--seeds", "1", "--alpha", "3", "--out", "ablation", "--quiet"];
    let out = toy.run(&args).succeeds().out.clone();
    for row in ["joint ", "uniloss ", "uniloss-own-heads", "MT ", "UT ", "dgl "] {
        assert!(out.lines().any(|line| line.starts_with(row)), "{row}: {out}");
    }
    let config = |row: &str| -> toml::Table {
        let text = String::from_utf8(toy.bytes(&format!("ablation/runs/{row}/seed0/config.toml"))).unwrap();
        text.parse::<toml::Table>().unwrap()["strategy"].as_table().unwrap().clone()
    };
    for (row, multimodal, unimodal) in
        [("uniloss", false, false), ("MT", true, false), ("UT", false, true), ("dgl", true, true)]
    {
        let strategy = config(row);
        assert_eq!(strategy["alpha"].as_float(), Some(3.0), "{row}");
        assert_eq!(strategy["truncate_multimodal"].as_bool(), Some(multimodal), "{row}");
        assert_eq!(strategy["truncate_unimodal"].as_bool(), Some(unimodal), "{row}");
    }
    assert_eq!(config("uniloss-own-heads")["name"].as_str(), Some("gblend"));
    // Truncations change something: no two rows end alike.
    let last = |row: &str| toy.bytes(&format!("ablation/runs/{row}/seed0/checkpoints/last.safetensors"));
    let ends: Vec<_> = ["joint", "uniloss", "MT", "UT", "dgl"].map(last).into();
    assert!((0..5).all(|i| (0..i).all(|j| ends[i] != ends[j])));
}

#[test]
fn sweep_chooses_on_validation_draws_and_keeps_the_rest_sealed() {
    let toy = Toy::new();
    let args = ["sweep", "toy.toml", "--key", "optimizer.lr=1e-9,0.05", "--key", "strategy.alpha=1,2"];
    let rest = ["--seeds", "1", "--out", "swept", "--quiet"];
    let out = toy.run(&[&args[..], &rest].concat()).succeeds().out.clone();
    assert!(out.contains("optimizer.lr = 0.05, strategy.alpha = 2"), "{out}");
    assert!(out.contains("Only the chosen setting was evaluated on the test split"), "{out}");
    let study = record(&toy, "swept");
    let chosen = study["choices"][0]["setting"].as_u64().unwrap();
    assert!(chosen >= 2, "the second learning rate learns");
    let looked: Vec<usize> =
        (0..4).map(|k| looks(&toy, &format!("swept/runs/dgl/setting{k}/seed0"))).collect();
    assert_eq!(looked.iter().sum::<usize>(), 1);
    assert_eq!(looked[chosen as usize], 1);
    let svg = String::from_utf8(toy.bytes("swept/sensitivity-strategy-alpha.svg")).unwrap();
    assert!(svg.contains("<svg") && svg.contains("validation accuracy, %"));
    toy.run(&["sweep", "toy.toml", "--key", "optimizer.lr=0.1..0.2"]).fails(2, &["--random N"]);
    toy.run(&["sweep", "toy.toml", "--key", "alpha=1"]).fails(2, &["a key is SECTION.NAME"]);
    let random =
        ["sweep", "toy.toml", "--key", "optimizer.lr=log:0.01..0.1", "--random", "2", "--draw-seed", "4"];
    let out = toy.run(&[&random[..], &["--seeds", "1", "--out", "drawn", "--quiet"]].concat());
    assert!(out.succeeds().out.contains("optimizer.lr = 0.0"), "{}", out.out);
}
