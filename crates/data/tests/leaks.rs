//! The same sound and the same picture are found whatever file they lie in.

mod support;

use std::fs;
use std::io::BufWriter;

use counterpoint_data::{Bitmap, DataConfig, ErrorKind, Splits, Wave};
use support::{Folder, reference, write_png};

const KEYS: &str = "name = \"manifest\"\nroot = \"clips.csv\"\nbatch_size = 2\n\
    [modality.sound]\nkind = \"audio\"\nrate = 8000\nsamples = 800\nn_fft = 64\nhop = 100\nbins_per_group = 4\nframes = 8\n\
    [modality.face]\nkind = \"image\"\nsize = [6, 8]\n";

/// Training has the sound as FLAC and the picture well compressed; the test has the sound
/// as WAV of 32-bit floats and the picture hardly compressed and in colours. `changed`
/// makes one sample and one pixel of them another.
fn folder(changed: bool) -> Folder {
    let folder = Folder::new("leaks");
    fs::copy(reference("tone.flac"), folder.file("a.flac")).unwrap();
    let mut wave = Wave::read(&folder.file("a.flac")).unwrap();
    let middle = wave.samples.len() / 2;
    wave.samples[middle] += if changed { 1.0 / 32768.0 } else { 0.0 };
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: wave.rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut file = hound::WavWriter::create(folder.file("b.wav"), spec).unwrap();
    wave.samples.iter().for_each(|&v| file.write_sample(v).unwrap());
    file.finalize().unwrap();
    write_png(&folder.file("a.png"), 8, 6, 1);
    let mut picture = Bitmap::read(&folder.file("a.png")).unwrap().with_channels(3);
    picture.pixels[30] ^= u8::from(changed);
    let side = |side: usize| u32::try_from(side).unwrap();
    let file = BufWriter::new(fs::File::create(folder.file("b.png")).unwrap());
    let mut encoder = png::Encoder::new(file, side(picture.width), side(picture.height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    encoder.write_header().unwrap().write_image_data(&picture.pixels).unwrap();
    write_png(&folder.file("c.png"), 8, 6, 2);
    let lines = "id,split,label,sound,face\na,train,yes,a.flac,a.png\nb,train,no,,c.png\n\
        c,val,yes,,c.png\nd,test,no,b.wav,b.png\n";
    fs::write(folder.file("clips.csv"), lines).unwrap();
    folder
}

fn open(folder: &Folder) -> Splits {
    DataConfig::from_toml(KEYS).unwrap().open(&folder.0).unwrap()
}

#[test]
fn equal_contents_are_found_in_files_of_other_bytes() {
    let found = |changed: bool, decoded: bool| -> Vec<(String, Vec<String>)> {
        let folder = folder(changed);
        let splits = open(&folder);
        let leaks = if decoded { splits.leaks_decoded(2) } else { splits.leaks() }.unwrap();
        let ids = |d: &counterpoint_data::Duplicate| d.samples.iter().map(|(_, id)| id.clone()).collect();
        leaks.duplicates.iter().map(|d| (d.modality.clone(), ids(d))).collect()
    };
    let pair = |modality: &str, a: &str, b: &str| (modality.to_owned(), vec![a.to_owned(), b.to_owned()]);
    let same_file = pair("face", "b", "c");
    assert_eq!(found(false, false), std::slice::from_ref(&same_file));
    assert_eq!(found(false, true), [pair("sound", "a", "d"), pair("face", "a", "d"), same_file.clone()]);
    // One step of one sample and of one pixel is another content.
    assert_eq!(found(true, true), [same_file]);
}

#[test]
fn a_file_that_cannot_be_decoded_is_named() {
    let folder = folder(false);
    let splits = open(&folder);
    let whole = fs::read(folder.file("b.png")).unwrap();
    fs::write(folder.file("b.png"), &whole[..whole.len() / 2]).unwrap();
    let error = splits.leaks_decoded(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Format);
    assert!(error.to_string().contains("sample `d` (test split)"), "{error}");
    assert!(splits.leaks().is_ok());
}
