//! The rules of the house, checked in the source.

mod builds;
mod imports;
mod links;

use std::fs;
use std::path::{Path, PathBuf};

use imports::Imports;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file below a folder, with its text without comments and unit tests.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(path).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                walk(&entry, found);
            } else if entry.extension().is_some_and(|e| e == "rs") {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        (path.strip_prefix(root()).unwrap().display().to_string(), code)
    };
    found.into_iter().map(read).collect()
}

/// Names of the dependencies (not those of tests) in a manifest.
fn dependencies(member: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(format!("crates/{member}/Cargo.toml"))).unwrap();
    let start = text.find("[dependencies]").unwrap();
    let section = text[start..].lines().skip(1).take_while(|l| !l.starts_with('['));
    section
        .filter_map(|l| l.split(['.', '=', ' ']).next())
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn dependencies_point_down_only() {
    let ours = |member: &str| -> Vec<String> {
        dependencies(member).into_iter().filter(|d| d.starts_with("counterpoint")).collect()
    };
    assert_eq!(ours("batch"), [""; 0]);
    assert_eq!(ours("report"), ["counterpoint-batch"]);
    assert_eq!(ours("catalog"), [""; 0]);
    assert_eq!(ours("kernels"), [""; 0]);
    assert_eq!(
        ours("core"),
        ["counterpoint-batch", "counterpoint-catalog", "counterpoint-formats", "counterpoint-kernels"]
    );
    assert_eq!(ours("formats"), ["counterpoint-batch"]);
    assert_eq!(ours("data"), ["counterpoint-batch", "counterpoint-catalog", "counterpoint-kernels"]);
    assert_eq!(ours("prepare"), ["counterpoint-batch", "counterpoint-data", "counterpoint-formats"]);
    for plain in ["batch", "catalog", "data", "formats", "kernels", "prepare", "report"] {
        assert!(!dependencies(plain).iter().any(|d| d.starts_with("burn")), "{plain} must not hold tensors");
    }
}

/// Files of the core that contain `what` outside the folders that may.
fn offenders(what: &str, allowed: &[&str]) -> Vec<String> {
    sources("crates/core/src")
        .into_iter()
        .filter(|(path, code)| code.contains(what) && !allowed.iter().any(|a| path.contains(a)))
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn only_grad_calls_backward() {
    assert_eq!(offenders(".backward()", &["src/grad/"]), [""; 0]);
    assert!(!offenders(".backward()", &[]).is_empty(), "the check finds the callers that there are");
}

#[test]
fn only_train_moves_parameters() {
    assert_eq!(offenders("optimizer.step(", &["src/train/"]), [""; 0]);
    assert!(!offenders("optimizer.step(", &[]).is_empty());
}

#[test]
fn strategies_know_no_parts_and_models_no_strategies() {
    for (path, code) in sources("crates/core/src/strategy") {
        for part in ["encoder::", "fusion::", "BatchSource", "Optimizer", "dyn Model"] {
            assert!(!code.contains(part), "{path} names {part}");
        }
    }
    for (path, code) in sources("crates/core/src/model").into_iter().chain(sources("crates/core/src/layer")) {
        assert!(!code.contains("strategy::"), "{path} knows strategies");
    }
}

#[test]
fn files_are_rooms_not_halls() {
    let found = sources("crates");
    assert!(found.iter().any(|(path, _)| path.starts_with("crates/kernels/src")));
    for (path, _) in found {
        let lines = fs::read_to_string(root().join(&path)).unwrap().lines().count();
        assert!(lines <= 400, "{path} has {lines} lines; split it, or say at its top why not");
    }
}

/// The folders and files of a crate from the bottom up: each may use those before it.
const FLOORS: &[(&str, &[&str])] = &[
    (
        "kernels",
        &[
            "isa",
            "vectorised",
            "fir",
            "buffer",
            "scratch",
            "threads",
            "peak",
            "signs",
            "bf16",
            "gemm",
            "vector",
            "update",
            "channels",
            "bias",
            "norm",
            "pool",
            "gate",
            "entropy",
            "upsample",
            "winograd",
            "conv",
            "gru",
            "kernels",
        ],
    ),
    ("formats", &["error", "bytes", "hdf5", "mat", "pickle"]),
    (
        "core",
        &[
            "Error",
            "ErrorKind",
            "error",
            "math",
            "modality",
            "host",
            "peers",
            "device",
            "engine",
            "feature",
            "task",
            "readout",
            "step",
            "roster",
            "layer",
            "input",
            "weights",
            "model",
            "strategy",
            "grad",
            "probe",
            "diagnose",
            "train",
        ],
    ),
    (
        "data",
        &[
            "cache",
            "contents",
            "moments",
            "progress",
            "respell",
            "room",
            "error",
            "audio",
            "folder",
            "hash",
            "decode",
            "media",
            "rows",
            "image",
            "augment",
            "source",
            "prepare",
            "disk",
            "library",
            "truth",
            "record",
            "check",
            "composition",
            "config",
            "plan",
            "assign",
            "dataset",
            "set",
            "coverage",
            "digest",
            "fit",
            "leak",
            "split",
            "data",
            "pack",
            "doctor",
            "loader",
            "preview",
        ],
    ),
    (
        "prepare",
        &[
            "problem",
            "settings",
            "error",
            "clip",
            "names",
            "content",
            "folder",
            "layout",
            "split",
            "summary",
            "sheet",
            "made",
            "place",
            "streams",
            "extract",
            "journal",
            "lock",
            "job",
            "collection",
            "output",
            "run",
        ],
    ),
    (
        "report",
        &[
            "text",
            "record",
            "statistics",
            "predictions",
            "table",
            "tensorboard",
            "warning",
            "plot",
            "html",
            "report",
        ],
    ),
    (
        "cli",
        &[
            "allocator",
            "leaks",
            "output",
            "words",
            "screen",
            "scores",
            "predictions",
            "exit",
            "ranks",
            "lock",
            "stop",
            "target",
            "run_info",
            "place",
            "config",
            "folder",
            "located",
            "model",
            "args",
            "catalogs",
            "reference",
            "watch",
            "run",
            "study",
            "command",
        ],
    ),
    (
        "testkit",
        &[
            "device",
            "fill",
            "method",
            "optimizer",
            "parameters",
            "problem",
            "report",
            "finite_difference",
            "conformance",
            "seg_reference",
            "dense_reference",
            "toy_reference",
            "training",
        ],
    ),
];

fn imports(member: &str) -> Imports {
    let folder = format!("crates/{member}/src/");
    let below = |(path, code): (String, String)| (path.trim_start_matches(&folder).to_owned(), code);
    Imports::of(&sources(&folder).into_iter().map(below).collect::<Vec<_>>())
}

#[test]
fn imports_point_down_only() {
    for (member, floors) in FLOORS {
        let imports = imports(member);
        assert!(imports.found_any(), "{member}: no import was found");
        assert_eq!(imports.unnamed(floors), Default::default(), "{member}: folders without a floor");
        assert_eq!(imports.upwards(floors), [""; 0], "{member}: imports that point up");
    }
}

#[test]
fn files_that_need_each_other_lie_in_one_folder_that_says_so() {
    // A kind of part knows its built-in list, whose parts are of that kind; a task's configuration
    // builds the tasks that read it; the trainer and what it hands to strategies share its settings;
    // a study's plan, its arms and their controls are told by each other.
    let known: &[(&str, &[&str])] = &[
        ("batch", &[]),
        ("data", &[]),
        // A layout and a collection are listed where their kinds are.
        ("prepare", &["layout/", "collection/"]),
        // A format's words are said where its parts are listed.
        ("formats", &["hdf5/", "pickle/"]),
        ("report", &[]),
        ("core", &["strategy/", "task/", "train/", "model/esanet/"]),
        ("cli", &["study/"]),
        ("testkit", &["toy_reference/"]),
    ];
    for (member, known) in known {
        let circles = imports(member).circles();
        let others = circles.iter().filter(|arrow| !known.iter().any(|k| arrow.starts_with(k)));
        assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{member}: files that need each other");
    }
}
