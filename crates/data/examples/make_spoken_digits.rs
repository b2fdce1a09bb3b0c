//! Makes the folder `data/spoken-digits` from the set it was taken from.
//!
//! ```text
//! cargo run --example make_spoken_digits -- FROM data/spoken-digits
//! ```
//!
//! FROM holds `pairs.csv` (columns pair, split, digit, speaker, wav,
//! image_file, image_index), `audio/*.wav` (the Free Spoken Digit Dataset) and
//! `images/{train,t10k}-images-idx3-ubyte.gz` (MNIST). Of each recording the
//! first two pictures are kept. The result is the same bytes every time.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use counterpoint_data::IdxImages;
use flate2::{Compression, GzBuilder};

/// Pictures kept of each recording: training and validation use one, the test two.
const PARTNERS: usize = 2;
/// The recordings whose pictures are also written as PNG, to try predictions with.
const SHOWN: &str = "_theo_0.wav";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [from, to] = arguments.as_slice() else {
        return Err("usage: make_spoken_digits FROM TO".into());
    };
    fs::create_dir_all(to.join("audio"))?;
    fs::create_dir_all(to.join("png"))?;
    let images = |part: &str| IdxImages::read(&from.join(format!("images/{part}-images-idx3-ubyte.gz")));
    let (train, t10k) = (images("train")?, images("t10k")?);

    let mut pixels: Vec<u8> = Vec::new();
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut list = csv::Writer::from_path(to.join("pairs.csv"))?;
    list.write_record([
        "id",
        "digit",
        "speaker",
        "take",
        "partner",
        "wav",
        "image",
        "mnist_file",
        "mnist_index",
    ])?;
    let mut pairs = csv::Reader::from_path(from.join("pairs.csv"))?;
    let mut image = 0;
    for row in pairs.records() {
        let row = row?;
        let [_, _, digit, speaker, wav, file, index] = row.iter().collect::<Vec<_>>()[..] else {
            return Err(format!("pairs.csv: expected 7 columns, got {row:?}").into());
        };
        let partner = taken.entry(wav.to_owned()).or_default();
        if *partner < PARTNERS {
            let stem = wav.strip_suffix(".wav").ok_or("a recording that is no wav")?;
            let take = stem.rsplit('_').next().unwrap_or_default();
            let source = if file == "train" { &train } else { &t10k };
            let picture = source.pixels(index.parse()?).ok_or("an index beyond the images")?;
            pixels.extend_from_slice(picture);
            let id = format!("{stem}-{partner}");
            if wav.ends_with(SHOWN) {
                write_png(&to.join(format!("png/{id}.png")), picture)?;
            }
            let (partner, image) = (partner.to_string(), image.to_string());
            list.write_record([&id, digit, speaker, take, &partner, wav, &image, file, index])?;
            if partner == "0" {
                fs::write(to.join("audio").join(wav), fs::read(from.join("audio").join(wav))?)?;
            }
        }
        if *partner < PARTNERS {
            image += 1;
        }
        *partner += 1;
    }
    list.flush()?;
    write_images(&to.join("images.idx3-ubyte.gz"), image, &pixels)
}

/// The idx format: a magic number, three sizes, then the pixels; no time stamp in the gzip header.
fn write_images(path: &Path, count: u32, pixels: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut file = GzBuilder::new().mtime(0).write(BufWriter::new(File::create(path)?), Compression::best());
    for number in [0x0803, count, 28, 28] {
        file.write_all(&number.to_be_bytes())?;
    }
    file.write_all(pixels)?;
    file.finish()?.flush()?;
    Ok(())
}

fn write_png(path: &Path, pixels: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), 28, 28);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(pixels)?;
    Ok(())
}
