//! The steps of a sample, each by itself.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use counterpoint_data::{AudioFront, Bitmap, Padding, Wave, resample, resize};

use super::processor_seconds;

/// Prints the processor time of every step on the files of the folder.
pub fn print(folder: &Path) {
    let (waves, pictures) = (files(&folder.join("audio")), files(&folder.join("image")));
    let wave = Wave::read(&waves[0]).expect("a recording");
    let long: Vec<f32> =
        resample(&wave.samples, wave.rate, 22_050).into_iter().cycle().take(66_150).collect();
    let picture = Bitmap::read(&pictures[0]).expect("a picture");
    let bytes: Vec<Vec<u8>> = pictures.iter().map(|p| fs::read(p).expect("a picture")).collect();
    println!("{:24} processor, ms", "step");
    time("read a recording", |at| drop(black_box(Wave::read(&waves[at % waves.len()]))));
    time("resample to 22050 Hz", |_| drop(black_box(resample(&wave.samples, wave.rate, 22_050))));
    time("spectrogram", |_| {
        drop(black_box(AudioFront::Gdl188.spectrogram(&long, 22_050, Padding::Zero)));
    });
    time("decode a picture", |at| drop(black_box(Bitmap::decode(&bytes[at % bytes.len()]))));
    let window = picture.crop(50, 40, 300, 250);
    time("resize to 224 x 224", |_| drop(black_box(resize(&window, 224, 224))));
    println!();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

/// The mean over half a second.
fn time(what: &str, mut step: impl FnMut(usize)) {
    (0..8).for_each(&mut step);
    let (begun, mut count) = (processor_seconds(), 0);
    while processor_seconds() - begun < 0.5 {
        for _ in 0..16 {
            step(count);
            count += 1;
        }
    }
    println!("{what:24} {:13.3}", 1e3 * (processor_seconds() - begun) / count as f64);
}
