//! Reports from run folders, sound and hostile: every page renders, and what is
//! missing is named.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use counterpoint_report::{
    record::Kind,
    report::{Options, Records, RunSummary, read, report},
};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("counterpoint-report-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A finished run of one epoch with a look at the test split.
    fn run(&self, name: &str, strategy: &str, seed: u64, accuracy: f64) {
        let modality = if strategy == "unimodal" { "modality = \"audio\"\n" } else { "" };
        self.write(
            &format!("{name}/config.toml"),
            &format!("[data]\nname = \"manifest\"\nroot = \"/home/me/clips.csv\"\n[strategy]\nname = \"{strategy}\"\n{modality}[train]\nseed = {seed}\n"),
        );
        self.write(
            &format!("{name}/run.json"),
            r#"{"base":"/home/me","data_hash":"ab","classes":["a","b"]}"#,
        );
        let lines = [
            format!(r#"{{"event":"start","strategy":"{strategy}","seed":{seed},"modalities":["audio"]}}"#),
            format!(
                r#"{{"event":"epoch","epoch":1,"seconds":1.5,"val":{{"fused":{{"accuracy":{accuracy}}}}},"losses":{{"fused":0.5}}}}"#
            ),
            r#"{"event":"end","reason":"finished"}"#.to_owned(),
            format!(
                r#"{{"event":"test","split":"test","checkpoint":"last","epoch":1,"samples":4,"scores":{{"fused":{{"accuracy":{accuracy}}}}}}}"#
            ),
        ];
        self.write(&format!("{name}/metrics.jsonl"), &(lines.join("\n") + "\n"));
    }

    fn records(&self) -> Records {
        read(&[&self.0]).unwrap()
    }

    /// The page's HTML and summary.
    fn page(&self) -> (String, String) {
        let Records { runs, studies } = self.records();
        let page = report(&runs, &Options { studies, ..Options::default() });
        (page.to_html(), page.summary_text())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn folders_in_a_folder_are_runs_with_methods_seeds_and_no_paths() {
    let scratch = Scratch::new();
    for (i, accuracy) in [0.75, 0.5, 1.0].into_iter().enumerate() {
        scratch.run(&format!("a/joint-{i}"), "joint", i as u64, accuracy);
        scratch.run(&format!("b/dgl-{i}"), "dgl", i as u64, accuracy + 0.1);
    }
    let runs = scratch.records().runs;
    let names: Vec<&str> = runs.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["a/joint-0", "a/joint-1", "a/joint-2", "b/dgl-0", "b/dgl-1", "b/dgl-2"]);
    assert_eq!((runs[4].method.as_str(), runs[4].seed), ("dgl", Some(1)));
    assert_eq!(runs[0].classes, ["a", "b"]);
    assert!(runs[0].notes.is_empty(), "{:?}", runs[0].notes);
    let (html, _) = scratch.page();
    assert!(html.contains("…/clips.csv") && !html.contains("/home"), "no path of the machine is passed on");
    // Given twice, a run is still one.
    let twice = read(&[scratch.0.clone(), scratch.0.join("a/joint-0")]).unwrap();
    assert_eq!(twice.runs.len(), 6);
}

#[test]
fn what_is_no_run_is_refused_with_a_way_out() {
    let scratch = Scratch::new();
    let refusal = |path: &Path| read(&[path]).unwrap_err().to_string();
    assert!(refusal(&scratch.0).contains("is empty; give a folder that `counterpoint train`"));
    assert!(refusal(&scratch.0.join("absent")).contains("cannot be read"));
    scratch.write("photos/cat.txt", "meow");
    assert!(refusal(&scratch.0).contains("is not a run folder (no config.toml or metrics.jsonl)"));
    assert!(refusal(&scratch.0.join("photos/cat.txt")).contains("cannot be read"));
    scratch.write("study.json", "{ \"runs\": 7");
    assert!(refusal(&scratch.0).contains("is a study that cannot be read"));
}

#[test]
fn a_study_says_what_its_runs_are() {
    let scratch = Scratch::new();
    for seed in 0..2 {
        scratch.run(&format!("runs/plain/seed{seed}"), "joint", seed, 0.5);
        scratch.run(&format!("runs/new/seed{seed}"), "dgl", seed, 0.75);
        scratch.run(&format!("runs/tried/seed{seed}"), "dgl", seed, 1.0);
        scratch.run(&format!("runs/faster/seed{seed}"), "joint", seed, 0.5);
        scratch.run(&format!("runs/audio/seed{seed}"), "unimodal", seed, 0.25);
    }
    let run = |method: &str, seed: u64, chosen: bool| {
        let place = format!("runs/{}/seed{seed}", if chosen { method } else { "tried" });
        format!(
            r#"{{"place":"{place}","method":"{method}","seed":{seed},"chosen":{chosen},"state":{{"state":"finished"}}}}"#
        )
    };
    let mut runs = Vec::new();
    for seed in 0..2 {
        runs.extend(["plain", "new", "faster", "audio"].map(|method| run(method, seed, true)));
        runs.push(run("new", seed, false));
    }
    runs.push(
        r#"{"place":"runs/new/seed2","method":"new","seed":2,"chosen":true,"state":{"state":"failed","code":5,"message":"loss is NaN in /home/me/x"}}"#
            .to_owned(),
    );
    let kind = |name: &str, kind: &str| format!(r#"{{"name":"{name}","kind":"{kind}","about":""}}"#);
    let methods = [
        kind("plain", "reference"),
        kind("new", "method"),
        kind("faster", "control"),
        kind("audio", "reference"),
    ];
    scratch.write(
        "study.json",
        &format!(
            r#"{{"baseline":"plain","metric":"accuracy","methods":[{}],"runs":[{}],"leaks":["speaker theo is in train and test","note: a file is twice in test"],
               "choices":[{{"method":"new","setting":0,"settings":["strategy.alpha = 4.0","strategy.alpha = 1.0"],"validation":[[0.8],[null]]}}]}}"#,
            methods.join(","),
            runs.join(",")
        ),
    );
    let Records { runs, studies } = scratch.records();
    assert_eq!(runs.len(), 9, "what was only tried is no result");
    let kinds = |runs: &[RunSummary]| [0, 5, 8].map(|i| runs[i].kind);
    assert_eq!(kinds(&runs), [Kind::Reference, Kind::Control, Kind::Reference].map(Some));
    let options = Options { baseline: Some("plain".into()), studies, ..Options::default() };
    let page = report(&runs, &options);
    let (html, text) = (page.to_html(), page.summary_text());
    for part in [
        "new against plain is undecided here: 75.0 ± 0.0 % against 50.0 ± 0.0 %",
        "Leak between splits: speaker theo is in train and test.",
        "About the data: a file is twice in test.",
        "runs/new/seed2: ",
        "failed: loss is NaN in …/x",
        "Against faster",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(html.contains("Settings tried") && html.contains("strategy.alpha = 1.0"));
    // The unchosen runs reached 100 %, and nobody hears of it.
    assert!(!html.contains("100.0 ± 0.0"));
    // A control of one modality is a reference of a model of several: the study says so, in its first format
    // by the name.
    let text = fs::read_to_string(scratch.0.join("study.json")).unwrap();
    let only = text
        .replace(r#""name":"faster","kind":"control""#, r#""name":"faster","kind":"control","modality":"a""#);
    scratch.write("study.json", &only.replacen('{', r#"{"format":2,"#, 1));
    assert_eq!(kinds(&scratch.records().runs)[1], Some(Kind::Reference));
    let only = text.replace(r#""faster""#, r#""only-a-lr-matched""#);
    scratch.write("study.json", &only.replacen('{', r#"{"format":1,"#, 1));
    assert_eq!(kinds(&scratch.records().runs)[1], Some(Kind::Reference));
    scratch.write("study.json", &only.replacen('{', r#"{"format":2,"#, 1));
    assert_eq!(kinds(&scratch.records().runs)[1], Some(Kind::Control));
}

#[test]
fn damage_is_named_and_hides_nothing_else() {
    let scratch = Scratch::new();
    scratch.run("good", "joint", 0, 0.5);
    scratch.run("bad", "joint", 1, 0.75);
    let metrics = fs::read_to_string(scratch.0.join("bad/metrics.jsonl")).unwrap();
    scratch.write(
        "bad/metrics.jsonl",
        &format!("\u{0}\u{0}garbage\n{metrics}{{\"event\":\"hologram\"}}\n{{\"event\":\"ep"),
    );
    scratch.write("bad/run.json", "[[[");
    scratch.write("bad/predictions.npz", "no zip");
    fs::remove_file(scratch.0.join("good/config.toml")).unwrap();
    let (html, text) = scratch.page();
    for part in [
        "bad: metrics.jsonl has 1 damaged line(s), left out here; the first is line 1",
        "events of a newer version, left out here: line 6, hologram",
        "bad: run.json is damaged",
        "bad: cannot read …/predictions.npz",
        "good: cannot read config.toml",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(html.contains("62.5 ± 17.7"), "both runs count");
}

#[test]
fn a_run_without_a_single_epoch_is_told() {
    let scratch = Scratch::new();
    scratch.write("young/config.toml", "[strategy]\nname = \"dgl\"\n");
    let (html, text) = scratch.page();
    assert!(
        text.contains("1 run of 1 method; none has finished. 1 run: still running, or killed."),
        "{text}"
    );
    assert!(text.contains("young: cannot read …/metrics.jsonl"), "{text}");
    assert!(html.contains("No run has a score yet, so there is no result table."));
}

#[test]
fn markup_in_any_file_stays_text() {
    const EVIL: &str = "<script>alert(1)</script><img src=x onerror=y>'&";
    let scratch = Scratch::new();
    for (name, seed) in [("one", 0), ("two", 1)] {
        scratch.write(
            &format!("{name}/config.toml"),
            &format!(
                "[strategy]\nname = \"{EVIL}\"\n[train]\nseed = {seed}\n# {EVIL}\n[{EVIL}]\nx = \"{}\"\n",
                "y".repeat(100_000)
            ),
        );
        scratch.write(
            &format!("{name}/run.json"),
            &format!(
                r#"{{"classes":["{EVIL}","{}"],"environment":{{"{EVIL}":"{EVIL}"}}}}"#,
                "long ".repeat(10_000)
            ),
        );
        let nan = format!(
            r#"{{"event":"start","strategy":"{EVIL}","modalities":["{EVIL}"]}}
{{"event":"epoch","epoch":1,"seconds":"NaN","val":{{"fused":{{"accuracy":"NaN"}},"{EVIL}":{{"accuracy":"inf"}}}},"losses":{{"fused":"-inf"}},"diagnostics":{{"{EVIL}":{{"{EVIL}":1e308}}}}}}
{{"event":"test","split":"test","checkpoint":"{EVIL}","scores":{{"fused":{{"accuracy":null}}}},"confusion":{{"fused":[[1,2],[3,4]]}}}}
{{"event":"warning","kind":"{EVIL}","message":"{EVIL}","remedy":"{EVIL}"}}
{{"event":"end","reason":"{EVIL}","seconds":"NaN"}}
"#
        );
        scratch.write(&format!("{name}/metrics.jsonl"), &nan);
    }
    let (html, text) = scratch.page();
    assert!(!html.contains("<script") && !html.contains("<img"), "markup came through");
    assert!(html.contains("&lt;script&gt;"), "and is shown as text");
    assert!(!html.contains("=\"NaN") && !html.contains("=\"inf"));
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
    assert!(text.contains("A training loss was not finite in one, two."), "{text}");
}
