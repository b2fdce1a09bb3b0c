//! A sheet shows what the model sees, pixel by pixel where that can be said.

mod support;

use std::fs;

use counterpoint_data::{Bitmap, DataConfig, Loader, LoaderOptions, preview};
use support::{Folder, write_wav};

const KEYS: &str = "name = \"manifest\"\nroot = \"clips.csv\"\n\
    [modality.sound]\nkind = \"audio\"\nrate = 8000\nsamples = 800\nn_fft = 64\nhop = 100\nbins_per_group = 4\nframes = 8\n\
    [modality.film]\nkind = \"video\"\nsize = 8\nchannels = 3\nframes = 9\n";

/// Three recordings (the first alone lacks its film) and a film of nine pictures, red from below.
fn folder() -> Folder {
    let folder = Folder::new("preview");
    fs::create_dir(folder.file("film")).unwrap();
    let pixels: Vec<u8> = (0..64).flat_map(|i| if i < 32 { [0, 0, 255] } else { [255, 0, 0] }).collect();
    let picture = Bitmap::new(8, 8, 3, pixels).unwrap().to_png().unwrap();
    for frame in 0..9 {
        fs::write(folder.file(&format!("film/{frame}.png")), &picture).unwrap();
    }
    write_wav(&folder.file("low.wav"), 800, 0.3);
    let lines =
        ["id,split,label,sound,film", "a,train,x,low.wav,", "b,train,y,low.wav,film", "c,val,x,,film"];
    fs::write(folder.file("clips.csv"), format!("{}\nd,test,x,low.wav,film\n", lines.join("\n"))).unwrap();
    folder
}

fn sheet(folder: &Folder, keys: &str, count: usize, epoch: usize) -> Bitmap {
    let config = DataConfig::from_toml(&format!("{keys}{KEYS}")).unwrap();
    let splits = config.open(&folder.0).unwrap();
    let loader = Loader::new(splits.train, LoaderOptions::train(&config.common, 1)).unwrap();
    preview::sheet(&loader, count, epoch, "title").unwrap()
}

fn count(sheet: &Bitmap, colour: [u8; 3]) -> usize {
    sheet.pixels.chunks_exact(3).filter(|pixel| **pixel == colour).count()
}

#[test]
fn colours_are_those_of_the_files_and_films_are_strips() {
    let folder = folder();
    let plain = sheet(&folder, "", 2, 0);
    // Six of nine frames of 96 x 96, the upper half blue.
    assert_eq!((count(&plain, [0, 0, 255]), count(&plain, [255, 0, 0])), (6 * 96 * 48, 6 * 96 * 48));
    // The brightest place of a low tone lies in the lower half of its spectrogram.
    let bright: Vec<usize> = (0..plain.width * plain.height)
        .filter(|at| plain.pixels[at * 3..at * 3 + 3] == [253, 231, 37])
        .map(|at| at / plain.width)
        .collect();
    let spectrogram = 128;
    let last = *bright.last().unwrap();
    assert!(plain.height - last < spectrogram, "{last} of {}", plain.height);
}

#[test]
fn a_second_picture_is_there_where_training_changes_the_input() {
    let folder = folder();
    let plain = sheet(&folder, "", 2, 0);
    let films = sheet(&folder, "augment = true\n", 2, 0);
    assert!(films.width >= plain.width + 6 * 96, "the film twice, the sound once");
    assert_eq!(films, sheet(&folder, "augment = true\nworkers = 4\ncache_mb = 0\n", 2, 0));
    assert_ne!(films, sheet(&folder, "augment = true\n", 2, 1));
    assert_eq!(plain, sheet(&folder, "", 2, 1), "nothing changes at random");
    assert_eq!(plain, sheet(&folder, "", 99, 0), "no more than there are");
}

#[test]
fn a_sheet_of_nothing_is_refused() {
    let config = DataConfig::from_toml(KEYS).unwrap();
    let folder = folder();
    let splits = config.open(&folder.0).unwrap();
    let loader = Loader::new(splits.val, LoaderOptions::eval(&config.common)).unwrap();
    let message = preview::sheet(&loader, 0, 0, "").unwrap_err().to_string();
    assert!(message.contains("show at least 1"), "{message}");
}
