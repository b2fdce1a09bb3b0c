//! `counterpoint report`: one file about runs, and what it refuses.

mod support;

use support::Toy;

#[test]
fn two_methods_become_one_file() {
    let toy = Toy::new();
    for (out, strategy) in [("runs/a", "dgl"), ("runs/b", "joint")] {
        toy.run(&["train", "toy.toml", "--out", out, "--set", &format!("strategy.name={strategy}")])
            .succeeds();
        toy.run(&["evaluate", out]).succeeds();
    }
    let said = toy.run(&["report", "runs", "--assets", "assets"]);
    assert!(said.succeeds().out.contains("runs/report.html: 2 runs"), "{}", said.out);
    let html = String::from_utf8(toy.bytes("runs/report.html")).unwrap();
    assert!(
        html.contains("<h2 id=\"s0\">Summary</h2>") && html.contains("dgl against joint is undecided here")
    );
    assert!(!html.contains(&toy.dir.display().to_string()), "no path of the machine is in the report");
    for file in ["tables/01-test-split-last-epoch-accuracy.csv", "figures/01-test-split-last-epoch-fused.svg"]
    {
        assert!(toy.dir.join("assets").join(file).exists(), "{file}");
    }
    toy.run(&["report", "runs/b", "runs/a", "--out", "two.html", "--baseline", "dgl"]).succeeds();
    assert!(String::from_utf8(toy.bytes("two.html")).unwrap().contains("Against dgl"));
}

#[test]
fn what_is_no_run_is_refused_by_name() {
    let toy = Toy::new();
    std::fs::create_dir(toy.dir.join("empty")).unwrap();
    toy.run(&["report", "empty"]).fails(7, &["empty is empty", "counterpoint train"]);
    toy.run(&["report", "nowhere"]).fails(7, &["nowhere cannot be read"]);
    toy.run(&["report", "toy.toml"]).fails(7, &["toy.toml cannot be read", "give the folder of a run"]);
    toy.run(&["report", "."]).fails(7, &[". is not a run folder (no config.toml or metrics.jsonl)"]);
    toy.train(&[]).succeeds();
    toy.run(&["report", "run", "--metric", "acuracy"])
        .fails(2, &["--metric acuracy", "did you mean `accuracy`?"]);
    toy.run(&["report", "run", "--baseline", "joint"]).fails(2, &["--baseline joint: the runs have dgl"]);
    assert!(!toy.dir.join("run/report.html").exists());
}

#[test]
fn damage_is_told_and_does_not_hide_the_run() {
    let toy = Toy::new();
    toy.train(&[]).succeeds();
    let metrics = String::from_utf8(toy.bytes("run/metrics.jsonl")).unwrap();
    toy.write(
        "run/metrics.jsonl",
        &metrics.replacen("{\"event\":\"epoch\",\"epoch\":2", "{\"event\":\"epoch\",,", 1),
    );
    toy.write("run/run.json", "{");
    let said = toy.run(&["report", "run"]);
    let out = &said.succeeds().out;
    assert!(out.contains("metrics.jsonl has 1 damaged line(s), left out here; the first is line 4"), "{out}");
    assert!(out.contains("run.json is damaged"), "{out}");
    assert!(out.contains("The test split was not used"), "{out}");
}
