//! Films, and recordings that only ffmpeg reads, named by data sets themselves.

#[path = "../support/mod.rs"]
mod support;

#[cfg(unix)]
mod calls;
mod refused;
mod served;
mod sets;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use counterpoint_batch::{Batch, BatchSource};
use counterpoint_data::{DataConfig, DataError, Loader, LoaderOptions, Splits};
use support::Folder;

/// Runs ffmpeg; without it these tests have nothing to test, so they fail and say what to do.
fn ffmpeg(arguments: &str, output: &Path) {
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(arguments.split_whitespace()).arg(output);
    let status = command.status().expect("these tests need ffmpeg: apt-get install ffmpeg");
    assert!(status.success(), "ffmpeg {arguments}");
}

/// A clip whose colours and tone depend on its number.
fn film(output: &Path, number: usize, seconds: f64, codecs: &str) {
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc=d={seconds}:s=64x48:r=25 -f lavfi -i sine=f={}:d={seconds}:sample_rate=44100 \
             -vf hue=h={} {codecs}",
            300 + 100 * number,
            40 * number
        ),
        output,
    );
}

const USUAL: &str = "-c:v mpeg4 -c:a aac";

/// Four clips, made once.
fn clips() -> &'static [Vec<u8>] {
    static CLIPS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    CLIPS.get_or_init(|| {
        let folder = Folder::new("clips");
        let clip = |i| {
            film(&folder.file("clip.mp4"), i, 2.0, USUAL);
            fs::read(folder.file("clip.mp4")).unwrap()
        };
        (0..4).map(clip).collect()
    })
}

/// Four clips in the three splits.
fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    let mut csv = "id,split,label,group,sound,face\n".to_owned();
    for (i, split) in ["train", "train", "val", "test"].iter().enumerate() {
        fs::write(folder.file(&format!("{i}.mp4")), &clips()[i]).unwrap();
        csv += &format!("{i},{split},{},g{i},{i}.mp4,{i}.mp4\n", ["a", "b"][i % 2]);
    }
    fs::write(folder.file("clips.csv"), csv).unwrap();
    folder
}

const CACHE: &str = "cache_dir = \"cache\"\n";

const MODALITIES: &str = "[modality.sound]\nkind = \"audio\"\nrate = 8000\nsamples = 800\nn_fft = 64\nhop = 100\n\
    bins_per_group = 4\nframes = 8\n[modality.face]\nkind = \"video\"\nsize = [6, 8]\nframes = 2\nchannels = 3\n";

fn config(root: &str, keys: &str) -> DataConfig {
    DataConfig::from_toml(&format!("root = \"{root}\"\nbatch_size = 2\ncache_mb = 0\n{keys}\n{MODALITIES}"))
        .unwrap()
}

fn manifest(keys: &str) -> DataConfig {
    config("clips.csv", &format!("name = \"manifest\"\n{keys}"))
}

fn epoch(splits: &Splits, options: LoaderOptions) -> Vec<Batch> {
    Loader::new(splits.train.clone(), options).unwrap().epoch(1, 0).map(Result::unwrap).collect()
}

fn batches(config: &DataConfig, folder: &Folder, workers: usize) -> Vec<Batch> {
    let splits = config.open(&folder.0).unwrap();
    epoch(&splits, LoaderOptions { workers, ..LoaderOptions::train(&config.common, 5) })
}

fn entries(folder: &Folder) -> Vec<PathBuf> {
    let parts = fs::read_dir(folder.file("cache")).unwrap().map(|part| part.unwrap().path());
    parts.flat_map(|part| fs::read_dir(part).unwrap()).map(|entry| entry.unwrap().path()).collect()
}

/// What a set with one line changed says when its files are checked.
fn message(folder: &Folder, keys: &str) -> String {
    let told = |error: DataError| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    };
    match manifest(keys).open(&folder.0) {
        Err(error) => told(error),
        Ok(splits) => told(splits.check(counterpoint_data::Check::Quick, 2).unwrap_err()),
    }
}
