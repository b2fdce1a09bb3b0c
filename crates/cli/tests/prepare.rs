//! `counterpoint prepare` as people call it: killed in the middle, without ffmpeg, and trained on afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder that is removed when dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterpoint-prepared-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn counterpoint(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterpoint"));
    command.args(arguments).current_dir(folder);
    command
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A made-up film; these tests fail without ffmpeg.
fn film(output: &Path, size: &str) {
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    let source = format!("testsrc=d=1:s={size}:r=25");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &source])
        .args(["-f", "lavfi", "-i", "sine=d=1:sample_rate=16000", "-c:v", "mpeg4", "-c:a", "aac"])
        .arg(output)
        .status()
        .expect("these tests need ffmpeg: apt-get install ffmpeg");
    assert!(status.success());
}

#[test]
fn what_was_killed_is_continued_to_the_same_bytes() {
    let place = Place::new("killed");
    for number in 0..8 {
        film(&place.path(&format!("raw/{}/{number}.mp4", ["a", "b"][number % 2])), "32x24");
    }
    let arguments =
        |to: &'static str| ["prepare", "generic", "--from", "raw", "--to", to, "--jobs", "1", "--json"];
    let mut killed = counterpoint(&arguments("set"), &place.0).stdout(Stdio::null()).spawn().unwrap();
    let journal = place.path("set/prepared.jsonl");
    let begun = Instant::now();
    while fs::read_to_string(&journal).map_or(0, |text| text.lines().count()) < 2 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no clip is finished");
        assert!(killed.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!place.path("set/manifest.csv").exists(), "a list of some clips would look like one of all");

    let (code, out, err) = said(&counterpoint(&arguments("set"), &place.0).output().unwrap());
    assert_eq!(code, Some(0), "{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(summary["clips"], 8);
    assert!(summary["known"].as_u64().unwrap() >= 2, "{summary}");
    let (code, ..) = said(&counterpoint(&arguments("again"), &place.0).output().unwrap());
    assert_eq!(code, Some(0));
    for name in ["SHA256SUMS", "manifest.csv", "splits.csv", "labels.csv", "problems.csv"] {
        assert_eq!(
            fs::read(place.path("set").join(name)).unwrap(),
            fs::read(place.path("again").join(name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn misuse_has_its_exit_codes() {
    let place = Place::new("misuse");
    film(&place.path("raw/a/1.mp4"), "32x24");
    let call = |arguments: &[&str], path: Option<&str>| {
        let mut command = counterpoint(arguments, &place.0);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        said(&command.output().unwrap())
    };
    let usual = ["prepare", "generic", "--from", "raw", "--to", "set"];
    let (code, _, err) = call(&usual, Some("/nowhere"));
    assert!(code == Some(4) && err.contains("not in PATH") && err.contains("install"), "{err}");
    let (code, _, err) = call(&["prepare", "cremad", "--from", "raw", "--to", "set"], None);
    assert!(code == Some(2) && err.contains("crema-d"), "{err}");
    let (code, _, err) = call(&["prepare", "crema-d", "--from", "raw", "--to", "set"], None);
    assert!(code == Some(4) && err.contains("1001_DFA_ANG_XX"), "{err}");
    let (code, _, err) = call(&["prepare", "generic", "--from", "raw", "--to", "set", "--size", "big"], None);
    assert!(code == Some(2) && err.contains("320x240"), "{err}");
    fs::write(place.path("file"), "").unwrap();
    let (code, _, err) = call(&["prepare", "generic", "--from", "raw", "--to", "file/set"], None);
    assert!(code == Some(7) && err.contains("file/set"), "{err}");
    let (code, out, _) = call(&[&usual[..], &["--dry-run"]].concat(), None);
    assert!(
        code == Some(0) && out.contains("1 clips of 1 classes") && out.contains("nothing was written"),
        "{out}"
    );
    assert!(!place.path("set").exists());
    let (code, out, _) = call(&["prepare", "--layouts"], None);
    assert!(code == Some(0) && out.contains("vggsound: VGGSound") && out.contains("groups:"), "{out}");
}

/// Prepares a tiny set of a layout and checks the configuration of the project on it, which has its name.
fn trains(layout: &str, place: &Place, more: &[&str]) {
    let shapes = match layout {
        "crema-d" => ["audio [1, 257, 299]", "video [3, 1, 224, 224]"],
        _ => ["audio [1, 257, 1004]", "video [3, 3, 224, 224]"],
    };
    trains_by(layout, layout, place, more, &[], &shapes);
}

/// Prepares what is in `raw` and checks a configuration of the project on it, with some settings more.
fn trains_by(layout: &str, config: &str, place: &Place, more: &[&str], settings: &[&str], shapes: &[&str]) {
    let arguments = [&["prepare", layout, "--from", "raw", "--to", "set", "--val", "0.25"], more].concat();
    let (code, out, err) = said(&counterpoint(&arguments, &place.0).output().unwrap());
    assert_eq!(code, Some(0), "{out}{err}");
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(format!("{config}.toml"));
    let root = format!("data.root={}", place.path("set").display());
    let config = config.display().to_string();
    let mut arguments = vec!["train", &config, "--set", &root, "--set", "data.batch_size=2", "--dry-run"];
    arguments.extend(settings);
    let (code, out, err) = said(&counterpoint(&arguments, &place.0).output().unwrap());
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(shapes.iter().all(|shape| out.contains(shape)), "{out}");
    // What is written beside the data trains, too.
    let (code, out, err) =
        said(&counterpoint(&["train", "set/train.toml", "--dry-run"], &place.0).output().unwrap());
    assert_eq!(code, Some(0), "{out}{err}");
}

fn copies(place: &Place, names: impl IntoIterator<Item = String>) {
    let film_file = place.path("film.mp4");
    film(&film_file, "64x48");
    for name in names {
        let path = place.path("raw").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(&film_file, path).unwrap();
    }
}

#[test]
fn crema_d_trains_by_its_configuration() {
    let place = Place::new("crema-d");
    let actors = 1001..=1006;
    copies(&place, actors.flat_map(|a| ["ANG", "SAD"].map(|e| format!("VideoFlash/{a}_DFA_{e}_XX.mp4"))));
    trains("crema-d", &place, &["--test", "0.2"]);
}

#[test]
fn kinetics_sounds_trains_by_its_configuration() {
    let place = Place::new("kinetics-sounds");
    let clips = (0..8).map(|i| format!("{}/video{i}_000000_000010.mp4", ["tap dancing", "bowling"][i % 2]));
    copies(&place, clips);
    let line = |i: usize| {
        format!("{},video{i},0,10,{}\n", ["tap dancing", "bowling"][i % 2], ["train", "validate"][i / 6])
    };
    let lines: String = (0..8).map(line).collect();
    fs::write(place.path("raw/list.csv"), format!("label,youtube_id,time_start,time_end,split\n{lines}"))
        .unwrap();
    trains("kinetics-sounds", &place, &["--frames", "3"]);
}

#[test]
fn vggsound_trains_by_its_configuration() {
    let place = Place::new("vggsound");
    copies(&place, (0..8).map(|i| format!("-video{i}_000030.mp4")));
    let line = |i: usize| {
        format!("-video{i},30,{},{}\n", ["waterfall", "\"a, b\""][i % 2], ["train", "test"][i / 6])
    };
    fs::write(place.path("raw/vggsound.csv"), (0..8).map(line).collect::<String>()).unwrap();
    trains("vggsound", &place, &["--frames", "3"]);
}

#[test]
fn ave_trains_by_its_configuration() {
    let place = Place::new("ave");
    copies(&place, (0..8).map(|i| format!("AVE/video{i}.mp4")));
    for (list, numbers) in [("trainSet", 0..4), ("valSet", 4..6), ("testSet", 6..8)] {
        let line = |i: usize| format!("{}&video{i}&good&0&10\n", ["Bark", "Church bell"][i % 2]);
        fs::write(place.path(&format!("raw/{list}.txt")), numbers.map(line).collect::<String>()).unwrap();
    }
    trains("ave", &place, &["--frames", "3"]);
}

/// Copies files of made-up arrays, which `crates/prepare/tests/data/make.py` makes.
fn arrays(place: &Place, names: &[&str]) {
    fs::create_dir_all(place.path("raw")).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prepare/tests/data");
    for name in names {
        fs::copy(folder.join(name), place.path("raw").join(name)).unwrap();
    }
}

#[test]
fn mosi_trains_by_its_configuration() {
    let place = Place::new("mosi");
    arrays(&place, &["unaligned_50.pkl"]);
    let dry = ["prepare", "mosi", "--from", "raw/unaligned_50.pkl", "--to", "set", "--dry-run"];
    let (code, out, _) = said(&counterpoint(&dry, &place.0).output().unwrap());
    assert!(code == Some(0) && out.contains("18 utterances (train 10, val 4, test 4)"), "{out}");
    assert!(out.contains("problem: vtrain3$_$1") && !place.path("set").exists(), "{out}");
    let foreign = ["prepare", "mosi", "--from", "raw", "--to", "set", "--fps", "2"];
    let (code, _, err) = said(&counterpoint(&foreign, &place.0).output().unwrap());
    assert!(code == Some(2) && err.contains("--fps is for recordings"), "{code:?} {err}");
    let shapes = ["text [6, 3]", "audio [8, 2]", "vision [5, 2]"];
    trains_by("mosi", "mosi-sequences", &place, &[], &[], &shapes);
}

#[test]
fn nyuv2_trains_by_its_configuration() {
    let place = Place::new("nyuv2");
    arrays(&place, &["nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat"]);
    // Its network on its pictures takes gigabytes.
    let small =
        ["data.size=[64, 96]", "model.width=16", "model.blocks=[1, 1, 1, 1]", "model.decoder_blocks=1"];
    let settings: Vec<&str> = small.iter().flat_map(|setting| ["--set", *setting]).collect();
    trains_by("nyuv2", "nyuv2-480", &place, &[], &settings, &["rgb [3, 64, 96]", "depth [1, 64, 96]"]);
}
