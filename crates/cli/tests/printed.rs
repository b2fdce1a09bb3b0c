//! What the command prints, word for word: `snapshots/` shows what a change does to help, lists,
//! tables and messages. `INSTA_UPDATE=always cargo test --test printed` writes them anew.

mod support;

use std::fs;

use support::{Said, Toy};

/// The text without what differs between machines: folders, the version, times and sizes.
fn redacted(toy: &Toy, text: &str) -> String {
    let dir = toy.dir.canonicalize().unwrap().display().to_string();
    let text = text.replace(&dir, "[dir]").replace(&toy.dir.display().to_string(), "[dir]");
    let text = text.replace(env!("CARGO_PKG_VERSION"), "[version]");
    let mut words: Vec<&str> = text.split(' ').collect();
    for at in 1..words.len() {
        let unit = words[at].split([',', ';', '.', ')', '\n']).next().unwrap();
        let measured = match unit {
            "s" | "ms" | "min" | "h" => "[time]",
            "KB" | "MB" | "GB" => "[size]",
            _ => continue,
        };
        if words[at - 1].parse::<f64>().is_ok() {
            words[at - 1] = measured;
        }
    }
    words.join(" ")
}

/// Compares a text with the snapshot of that name.
fn same(toy: &Toy, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, redacted(toy, text)));
}

/// What was asked and what came: the exit code if it is not 0, standard output, and the error output.
fn dialogue(args: &[&str], said: &Said) -> String {
    let code = if said.code == 0 { String::new() } else { format!("[exit code {}]\n", said.code) };
    let asked: Vec<String> = args
        .iter()
        .map(|arg| if arg.contains(' ') { format!("'{arg}'") } else { (*arg).to_owned() })
        .collect();
    format!("$ counterpoint {}\n{code}{}{}", asked.join(" "), said.out, said.err)
}

fn asked(toy: &Toy, args: &[&str]) -> String {
    dialogue(args, &toy.run(args))
}

#[test]
fn help_of_every_command() {
    let toy = Toy::new();
    let overview = asked(&toy, &["--help"]);
    let commands = overview.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 10, "{commands:?}");
    same(&toy, "help", &overview);
    for command in commands.into_iter().filter(|command| *command != "help") {
        same(&toy, &format!("help-{command}"), &asked(&toy, &[command, "--help"]));
    }
}

#[test]
fn lists() {
    let toy = Toy::new();
    same(&toy, "list", &asked(&toy, &["list"]));
    for (kind, name) in [("strategy", "dgl"), ("data", "manifest"), ("fusion", "gated")] {
        same(&toy, &format!("list-{kind}-{name}"), &asked(&toy, &["list", kind, name]));
    }
    same(&toy, "version", &asked(&toy, &["--version"]));
}

#[test]
fn configurations_and_what_they_mean() {
    let toy = Toy::new();
    same(&toy, "print-config", &asked(&toy, &["train", "toy.toml", "--print-config"]));
    same(&toy, "dry-run", &asked(&toy, &["train", "toy.toml", "--dry-run"]));
    for strategy in ["joint", "dgl", "gblend", "agm", "ogm"] {
        let name = format!("strategy.name={strategy}");
        let args = ["explain", "toy.toml", "--set", &name];
        same(&toy, &format!("explain-{strategy}"), &asked(&toy, &args));
    }
}

/// Tables about runs that were trained long ago, so that no number depends on this machine's rounding.
#[test]
fn tables() {
    let toy = Toy::with_older_study();
    let (study, run) = ("study", "study/runs/dgl/seed3");
    same(&toy, "compare", &asked(&toy, &["compare", "study.toml", "--out", study, "--quiet"]));
    same(&toy, "report", &asked(&toy, &["report", study, "--out", "page.html"]));
    same(&toy, "evaluate", &asked(&toy, &["evaluate", run, "--set", "data.root=clips.csv"]));
    same(&toy, "leaks", &asked(&toy, &["leaks", "toy.toml"]));
}

#[test]
fn refused_configurations() {
    let toy = Toy::new();
    let over = |setting: &str| format!("strategy={{ name = \"relearn\", over = {setting} }}");
    let nested = [
        over("{ name = \"dlg\" }"),
        over("{ name = \"dgl\", alhpa = 3.0 }"),
        over("{ name = \"dgl\", alpha = -1.0 }"),
    ];
    let plain = [
        "train.epoch=3",
        "train.threads=5000",
        "engine.convolution=fats",
        "train.precision=fp16",
        "strategy.name=dlg",
        "trian.epochs=3",
        "data.batchsize=3",
        "strategy.alhpa=3.0",
        "nonsense",
        "train.epochs=\"ten\"",
        "train.epochs=0",
        "strategy.alpha=-1.0",
        "strategy.alpha=\"high\"",
        "strategy.alpha={ audio = 1, imgae = 2 }",
        "strategy.alpha={ audio = 1 }",
        "strategy.alpha={ audio = 1, image = -2 }",
        "data.batch_size=0",
        "optimizer.lr=nan",
        "optimizer.momentum=1.5",
        "model.encoder.channels=[]",
        "model.encoders.adio.name=mlp",
        "model.unimodal_heads=true",
        "model={ name = 'esanet' }",
        "strategy.name=mla",
        "strategy={ name = 'reconboost', start = 'none' }",
    ];
    let said: Vec<String> = plain
        .into_iter()
        .chain(nested.iter().map(String::as_str))
        .map(|set| {
            let said = toy.train(&["--set", set]);
            assert!([2, 3].contains(&said.code), "{set}: exit code {}", said.code);
            dialogue(&["train", "..", "--set", set], &said)
        })
        .collect();
    same(&toy, "refused-configurations", &said.join("\n"));
    assert!(!toy.dir.join("run/config.toml").exists(), "a refused configuration starts no run");
}

#[test]
fn refused_data() {
    type Harm = (&'static str, fn(&Toy));
    let harms: [Harm; 8] = [
        ("a missing recording", |toy| fs::remove_file(toy.dir.join("3.wav")).unwrap()),
        ("an empty recording", |toy| toy.write("5.wav", "")),
        ("half a picture", |toy| fs::write(toy.dir.join("9.png"), &toy.bytes("9.png")[..60]).unwrap()),
        ("an unknown class", |toy| {
            toy.edit("toy.toml", "root = \"clips.csv\"", "root = \"clips.csv\"\nclasses = [\"low\"]");
        }),
        ("no validation split", |toy| {
            let text = String::from_utf8(toy.bytes("clips.csv")).unwrap();
            toy.write("clips.csv", &text.replace(",val,", ",train,"));
        }),
        ("a class that training lacks", |toy| {
            let text = String::from_utf8(toy.bytes("clips.csv")).unwrap();
            toy.write("clips.csv", &text.replace(",train,high,", ",test,high,"));
        }),
        ("no such column", |toy| toy.edit("clips.csv", "audio,image", "sound,image")),
        ("no such list", |toy| toy.edit("toy.toml", "clips.csv", "clip.csv")),
    ];
    let mut all = String::new();
    let mut last = Toy::new();
    for (what, harm) in harms {
        let toy = Toy::new();
        harm(&toy);
        let said = toy.train(&[]);
        assert!([3, 4].contains(&said.code), "{what}: exit code {}", said.code);
        all += &redacted(&toy, &format!("# {what}\n[exit code {}]\n{}\n", said.code, said.err));
        last = toy;
    }
    same(&last, "refused-data", &all);
}

#[test]
fn refused_runs_and_arguments() {
    let toy = Toy::with_older_study();
    let run = "study/runs/dgl/seed3";
    let checkpoint = format!("{run}/checkpoints/last.safetensors");
    let whole = toy.bytes(&checkpoint);
    let now = ["--set", "data.root=clips.csv"];
    let evaluate = [&["evaluate", run], &now[..]].concat();
    let mut all: Vec<String> = [
        &["train"][..],
        &["train", "none.toml"],
        &["tarin", "toy.toml"],
        &["train", "toy.toml", "--out", "new", "--epochs", "3"],
        &["evaluate", "nowhere"],
        &["evaluate", run],
        &["train", "toy.toml", "--out", run],
        &[&["train", "--resume", "--out", run, "--set", "optimizer.lr=0.1"], &now[..]].concat(),
        &[&["predict", run], &now[..]].concat(),
        &[&["predict", run, "--video", "0.png"], &now[..]].concat(),
        &[&["predict", run, "--image", "0.wav"], &now[..]].concat(),
        &["report", "nowhere"],
        &["sweep", "toy.toml", "--key", "alpha=1"],
        &["list", "strategy", "dlg"],
    ]
    .map(|args| asked(&toy, args))
    .into();
    toy.write("study/runs/dgl/seed3/run.json", "{");
    all.push(asked(&toy, &evaluate));
    let toy = Toy::with_older_study();
    fs::write(toy.dir.join(&checkpoint), &whole[..whole.len() / 2]).unwrap();
    all.push(asked(&toy, &evaluate));
    assert!(all.iter().all(|text| text.contains("[exit code")), "{all:#?}");
    same(&toy, "refused-runs", &all.join("\n"));
}

#[test]
fn refused_studies() {
    let spec = r#"
config = "toy.toml"
seeds = [3, 5]
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[references]
average = true
"#;
    let two = "dgl = [{ strategy.alpha = 1.0 }, { strategy.alpha = 2.0 }]";
    let changes = [
        ("seeds =", "seed ="),
        ("seeds = [3, 5]", "seeds = [3, 3]"),
        ("[3, 5]", "0"),
        ("strategy.alpha", "strategi.alpha"),
        ("strategy.alpha", "strategy.alfa"),
        ("dgl = {", "\"d/l\" = {"),
        ("average = true", "averag = true"),
        ("average = true", "unimodal = false"),
        ("config = \"toy.toml\"", "config = \"toi.toml\""),
        ("seeds =", "baseline = \"jiont\"\nseeds ="),
        ("joint = {", "unimodal-audio = {"),
        ("alpha = 2.0 }", "alpha = 2.0, train.epochs = 9 }"),
        ("[references]", &format!("[tune.methods]\n{two}\n[references]")),
        ("[references]", "[tune.methods]\ndgk = []\n[references]"),
    ];
    let toy = Toy::new();
    let said = changes.map(|(from, to)| {
        toy.write("study.toml", spec);
        toy.edit("study.toml", from, to);
        let said = toy.run(&["compare", "study.toml", "--out", "study"]);
        assert_eq!(said.code, 3, "{to}");
        assert!(!toy.dir.join("study/runs").exists(), "nothing is trained: {to}");
        format!("# {to}\n{}", said.err)
    });
    same(&toy, "refused-studies", &said.join("\n"));
}
