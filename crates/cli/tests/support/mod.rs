//! A tiny data set of real files, and the command run on it.

#![allow(dead_code, reason = "every test file uses its own part")]

pub mod document;
pub mod tensorboard;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A folder with 24 clips of two classes (a low or a high tone, a left or a
/// right bar), a manifest and a configuration. Removed when dropped.
pub struct Toy {
    pub dir: PathBuf,
}

/// What the command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Toy {
    pub fn new() -> Self {
        let name = format!("counterpoint-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        fs::create_dir_all(&dir).unwrap();
        let mut csv = "id,split,label,audio,image\n".to_owned();
        for i in 0..24 {
            let class = i % 2;
            wav(&dir.join(format!("{i}.wav")), class, i);
            png(&dir.join(format!("{i}.png")), class, i);
            let split = ["train", "train", "val", "test"][i / 2 % 4];
            csv += &format!("clip{i},{split},{},{i}.wav,{i}.png\n", ["low", "high"][class]);
        }
        fs::write(dir.join("clips.csv"), csv).unwrap();
        let toy = Self { dir };
        toy.write(
            "toy.toml",
            r#"
[data]
name = "manifest"
root = "clips.csv"
batch_size = 4
[data.modality.audio]
kind = "audio"
rate = 8000
samples = 4000
n_fft = 64
hop = 250
bins_per_group = 2
frames = 16
[data.modality.image]
kind = "image"
size = 12
channels = 1
[model]
encoder = { name = "conv-net", channels = [4, 8] }
[strategy]
name = "dgl"
alpha = 2.0
[optimizer]
name = "sgd"
lr = 0.05
[train]
epochs = 4
seed = 3
"#,
        );
        toy
    }

    /// The toy data beside a study of two runs that commit b5a3888 trained on them, `study`, and
    /// its specification, `study.toml`. TensorBoard's files, which are never read, are left out.
    pub fn with_older_study() -> Self {
        fn copy(from: &Path, to: &Path) {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
                let (from, to) = (entry.path(), to.join(entry.file_name()));
                if from.is_dir() { copy(&from, &to) } else { assert!(fs::copy(from, to).unwrap() > 0) }
            }
        }
        let toy = Self::new();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runs-of-b5a3888"), &toy.dir.join("study"));
        toy.write(
            "study.toml",
            r#"
config = "toy.toml"
seeds = [3]
references = false
[methods]
joint = { strategy.name = "joint" }
dgl = { strategy.alpha = 2.0 }
[train]
epochs = 2
"#,
        );
        toy
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.join(name), text).unwrap();
    }

    /// Replaces text in a file; it must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.dir.join(name)).unwrap();
        assert!(text.contains(from), "{name} has no `{from}`");
        self.write(name, &text.replacen(from, to, 1));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterpoint"));
        command.args(args).current_dir(&self.dir);
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().unwrap())
    }

    /// Trains the toy configuration into `run` with more arguments.
    pub fn train(&self, more: &[&str]) -> Said {
        self.run(&[&["train", "toy.toml", "--out", "run"], more].concat())
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.dir.join(name)).unwrap()
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether GNU parallel is there. Where it is not, its tests are skipped, unless COUNTERPOINT_TEST_TOOLS is set.
pub fn has_parallel() -> bool {
    let version = Command::new("parallel").arg("--version").output();
    if version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).starts_with("GNU parallel")) {
        return true;
    }
    let needed = std::env::var_os("COUNTERPOINT_TEST_TOOLS").is_some();
    assert!(!needed, "COUNTERPOINT_TEST_TOOLS is set, and GNU parallel is not installed");
    // Past what the tests' harness keeps to itself.
    let _ =
        std::io::stderr().write_all(b"skipped: GNU parallel is not installed (apt-get install parallel)\n");
    false
}

pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Said {
    /// Asserts exit code and parts of the message.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in: {}", self.err);
        }
    }

    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

fn wav(path: &Path, class: usize, i: usize) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let frequency = if class == 0 { 500.0 } else { 1500.0 } + 10.0 * i as f64;
    for t in 0..4000 {
        let x = (std::f64::consts::TAU * frequency * f64::from(t) / 8000.0).sin();
        writer.write_sample((x * 12_000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

fn png(path: &Path, class: usize, i: usize) {
    let mut pixels = [20_u8; 144];
    for row in 0..12 {
        pixels[row * 12 + 2 + 7 * class] = 200 + i as u8;
    }
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 12, 12);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}
