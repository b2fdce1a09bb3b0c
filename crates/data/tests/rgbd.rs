//! Colour, depth and label maps: a tiny folder made on the spot.

mod support;

use std::fs;
use std::path::Path;

use counterpoint_batch::{BatchSource, Target, TargetSpec};
use counterpoint_data::{DataConfig, DataError, ErrorKind, Loader, LoaderOptions, RngKey, Splits};
use support::{Folder, reference};

const SIDE: [usize; 2] = [8, 12];

fn write(path: &Path, side: [usize; 2], colour: png::ColorType, pixels: &[u8]) {
    write_deep(path, side, colour, png::BitDepth::Eight, pixels);
}

fn write_deep(
    path: &Path,
    [height, width]: [usize; 2],
    colour: png::ColorType,
    depth: png::BitDepth,
    pixels: &[u8],
) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette((0..48).map(|i| i * 5).collect::<Vec<u8>>());
    }
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
}

/// Numbers of this many bits each, packed row by row as PNG has them.
fn pack(values: &[u16], width: usize, bits: u32) -> Vec<u8> {
    if bits == 16 {
        return values.iter().flat_map(|v| v.to_be_bytes()).collect();
    }
    let share = 8 / bits as usize;
    let byte = |values: &[u16]| {
        let filled = values.iter().fold(0, |byte, v| byte << bits | v);
        (filled << (bits * (share - values.len()) as u32)) as u8
    };
    values.chunks(width).flat_map(|row| row.chunks(share).map(byte)).collect()
}

/// Four samples; grey value = 10 times the column in colour and depth, class = column / 4,
/// row 0 without label.
fn folder() -> Folder {
    let folder = Folder::new("rgbd");
    for sub in ["rgb", "depth", "label40"] {
        fs::create_dir(folder.file(sub)).unwrap();
    }
    let [height, width] = SIDE;
    let column: Vec<u8> = (0..height * width).map(|i| (i % width) as u8).collect();
    let class: Vec<u8> =
        (0..height * width).map(|i| if i < width { 255 } else { (i % width / 4) as u8 }).collect();
    for id in ["a", "b", "c", "d"] {
        let rgb: Vec<u8> = column.iter().flat_map(|c| [c * 10; 3]).collect();
        let depth: Vec<u8> = column.iter().map(|c| c * 10).collect();
        write(&folder.file(&format!("rgb/{id}.png")), SIDE, png::ColorType::Rgb, &rgb);
        write(&folder.file(&format!("depth/{id}.png")), SIDE, png::ColorType::Grayscale, &depth);
        write(&folder.file(&format!("label40/{id}.png")), SIDE, png::ColorType::Grayscale, &class);
    }
    fs::write(folder.file("index.csv"), "id,split\na,train\nb,train\nc,val\nd,test\n").unwrap();
    fs::write(folder.file("classes.csv"), "id,name\n0,wall\n1,floor\n2,bed\n").unwrap();
    folder
}

fn open(folder: &Folder, keys: &str) -> Result<Splits, DataError> {
    let text = format!("name = \"rgbd\"\nroot = \".\"\nsize = [4, 6]\n{keys}");
    DataConfig::from_toml(&text)?.open(&folder.0)
}

#[test]
fn pictures_are_scaled_and_normalised_and_labels_take_the_nearest_pixel() {
    let folder = folder();
    let splits = open(&folder, "").unwrap();
    let shapes: Vec<_> = splits.modalities().iter().map(|m| (m.name.as_str(), m.shape.clone())).collect();
    assert_eq!(shapes, [("rgb", vec![3, 4, 6]), ("depth", vec![1, 4, 6])]);
    assert_eq!(splits.classes, ["wall", "floor", "bed"]);
    let sample = splits.val.sample(0, None).unwrap();
    let Target::Map(map) = &sample.target else { panic!("a map") };
    // Columns 1, 3, 5, 7, 9, 11 and rows 1, 3, 5, 7 are the nearest ones: no void row is left.
    assert_eq!((map.height, map.width, &map.pixels[..6]), (4, 6, &[0, 0, 1, 1, 2, 2][..]));
    let depth = sample.inputs[1].as_ref().unwrap().values();
    let (mean, deviation) =
        (depth.iter().sum::<f32>() / 24.0, depth.iter().map(|d| d * d).sum::<f32>() / 24.0);
    assert!(mean.abs() < 1e-5 && (deviation - 1.0).abs() < 1e-4, "all samples are alike: {mean} {deviation}");
    assert_eq!(
        splits.targets().unwrap(),
        TargetSpec::Maps { height: 4, width: 6, frequency: vec![8.0 / 24.0; 3] }
    );
    assert!(splits.train.labels().next().is_none());
}

#[test]
fn colour_depth_and_label_are_augmented_together_and_by_key() {
    let folder = folder();
    let splits = open(&folder, "augment = true\ncolour = 0.0").unwrap();
    let mut windows = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let sample = splits.train.sample(0, Some(RngKey::new(seed))).unwrap();
        assert_eq!(sample, splits.train.sample(0, Some(RngKey::new(seed))).unwrap());
        let Target::Map(map) = &sample.target else { panic!("a map") };
        let depth = sample.inputs[1].as_ref().unwrap().values();
        for pair in map.pixels.windows(2).zip(depth.windows(2)).take(5) {
            // Depth and class both grow with the column, so they rise and fall together.
            let (class, depth) = pair;
            assert!(
                class[0] == class[1]
                    || class.contains(&255)
                    || (class[0] < class[1]) == (depth[0] < depth[1])
            );
        }
        windows.insert(format!("{:?}", &depth[..6]));
    }
    assert!(windows.len() > 5, "draws differ");
    let plain = |augment: &str| {
        let config =
            DataConfig::from_toml(&format!("name = \"rgbd\"\nroot = \".\"\nbatch_size = 2\n{augment}"));
        let config = config.unwrap();
        let splits = config.open(&folder.0).unwrap();
        let loader = Loader::new(splits.train.clone(), LoaderOptions::train(&config.common, 7)).unwrap();
        let epochs: Vec<_> = (0..2).map(|epoch| loader.epoch(epoch, 0).next().unwrap().unwrap()).collect();
        epochs[0].inputs[0].array != epochs[1].inputs[0].array
    };
    assert!(plain("augment = true") && !plain(""), "random only where asked for");
}

#[test]
fn every_bit_depth_and_palette_shows_the_same_samples() {
    use png::{BitDepth, ColorType};
    let folder = folder();
    let [height, width] = SIDE;
    let ids: Vec<u16> = (0..height * width).map(|i| (i % width / 6) as u16).collect();
    let mut seen = Vec::new();
    for (colour, depth, bits) in [
        (ColorType::Grayscale, BitDepth::Eight, 8),
        (ColorType::Grayscale, BitDepth::One, 1),
        (ColorType::Grayscale, BitDepth::Two, 2),
        (ColorType::Grayscale, BitDepth::Four, 4),
        (ColorType::Grayscale, BitDepth::Sixteen, 16),
        (ColorType::Indexed, BitDepth::One, 1),
        (ColorType::Indexed, BitDepth::Two, 2),
        (ColorType::Indexed, BitDepth::Four, 4),
        (ColorType::Indexed, BitDepth::Eight, 8),
    ] {
        for id in ["a", "b", "c", "d"] {
            for sub in ["label40", "depth"] {
                let path = folder.file(&format!("{sub}/{id}.png"));
                write_deep(&path, SIDE, colour, depth, &pack(&ids, width, bits));
            }
        }
        let splits = open(&folder, "").unwrap();
        let samples: Vec<_> = (0..2).map(|i| splits.train.sample(i, None).unwrap()).collect();
        seen.push((samples, splits.targets().unwrap()));
        assert_eq!(seen[0], seen[seen.len() - 1], "{colour:?} {depth:?}");
    }
    let Target::Map(map) = &seen[0].0[0].target else { panic!("a map") };
    assert_eq!(map.pixels[..6], [0, 0, 0, 1, 1, 1]);
}

/// Depth in millimetres, 16 bits, of a sample: far from 0 and finer than 1 in 256.
fn millimetres(sample: usize) -> Vec<u16> {
    (0..SIDE[0] * SIDE[1]).map(|i| (40_000 + 1000 * sample + 7 * i) as u16).collect()
}

fn with_depth(depth: impl Fn(usize) -> Vec<u16>) -> Folder {
    let folder = folder();
    for (sample, id) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let data = pack(&depth(sample), SIDE[1], 16);
        let path = folder.file(&format!("depth/{id}.png"));
        write_deep(&path, SIDE, png::ColorType::Grayscale, png::BitDepth::Sixteen, &data);
    }
    folder
}

/// What the model sees of the depth of the validation sample, at full size.
fn seen_depth(folder: &Folder, keys: &str) -> (Vec<f32>, Vec<String>) {
    let text = format!("name = \"rgbd\"\nroot = \".\"\nsize = [8, 12]\n{keys}");
    let splits = DataConfig::from_toml(&text).unwrap().open(&folder.0).unwrap();
    let array = splits.val.sample(0, None).unwrap().inputs.remove(1).unwrap();
    // A saved preparation sees the same.
    let saved = serde_json::to_string(&splits.preparations[1]).unwrap();
    let saved: counterpoint_data::Preparation = serde_json::from_str(&saved).unwrap();
    assert_eq!(saved.prepare_file(&folder.file("depth/c.png")).unwrap(), array);
    (array.into_values(), splits.notes)
}

fn mean_and_deviation(values: &[u16]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
}

fn assert_near(seen: &[f32], expected: impl Iterator<Item = f64>) {
    for (&seen, expected) in seen.iter().zip(expected) {
        assert!((f64::from(seen) - expected).abs() < 1e-6, "{seen} {expected}");
    }
}

#[test]
fn depth_of_16_bits_reaches_the_model_whole() {
    let folder = with_depth(millimetres);
    let (mean, deviation) = mean_and_deviation(&[millimetres(0), millimetres(1)].concat());
    let (seen, notes) = seen_depth(&folder, "");
    assert_near(&seen, millimetres(2).iter().map(|&d| (f64::from(d) - mean) / deviation));
    assert!(notes.is_empty(), "{notes:?}");
    let (seen, _) = seen_depth(&folder, "depth_scale = 0.001\ndepth_offset = -40.0");
    assert_near(&seen, millimetres(2).iter().map(|&d| f64::from(d) * 0.001 - 40.0));
}

#[test]
fn what_was_not_measured_does_not_count() {
    let holes = |sample| {
        let mut depth = millimetres(sample);
        depth.iter_mut().step_by(3).for_each(|d| *d = 0);
        depth
    };
    let folder = with_depth(holes);
    let measured: Vec<u16> = [holes(0), holes(1)].concat().into_iter().filter(|&d| d > 0).collect();
    let (mean, deviation) = mean_and_deviation(&measured);
    let (seen, _) = seen_depth(&folder, "depth_missing = 0");
    let expected = |&d: &u16| if d == 0 { 0.0 } else { (f64::from(d) - mean) / deviation };
    assert_near(&seen, holes(2).iter().map(expected));
    // Counted as measurements they move the mean.
    assert!((seen_depth(&folder, "").0[1] - seen[1]).abs() > 0.1);
}

#[test]
fn depth_that_tells_nothing_is_told() {
    let flat = with_depth(|_| vec![1234; 96]);
    let (seen, notes) = seen_depth(&flat, "");
    assert!(seen.iter().all(|&d| d == 0.0));
    assert!(
        notes.len() == 1 && notes[0].contains("`depth`: every pixel of the train split is 1234"),
        "{notes:?}"
    );
    let none = open(&with_depth(|_| vec![9; 96]), "depth_missing = 9").unwrap_err().to_string();
    assert!(none.contains("no pixel of the train split has a measurement, all are 9"), "{none}");
    let zero = open(&flat, "depth_scale = 0.0").unwrap_err();
    assert!(zero.kind() == ErrorKind::Config && zero.to_string().contains("`depth_scale`"), "{zero}");
}

#[test]
fn what_does_not_fit_is_refused_by_file() {
    let message = |folder: &Folder, keys: &str| {
        let splits = open(folder, keys)?;
        splits.targets()?;
        (0..splits.train.len()).try_for_each(|i| splits.train.sample(i, None).map(drop))
    };
    let fault = |spoil: &dyn Fn(&Folder)| {
        let folder = folder();
        spoil(&folder);
        let error = message(&folder, "").unwrap_err();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text += &inner.to_string();
            cause = inner.source();
        }
        (error.kind(), text)
    };
    assert!(message(&folder(), "").is_ok());
    let (kind, text) = fault(&|f| fs::remove_file(f.file("depth/b.png")).unwrap());
    assert!(kind == ErrorKind::Missing && text.contains("depth/b.png") && text.contains("`b`"), "{text}");
    let (kind, text) = fault(&|f| {
        write(&f.file("label40/b.png"), SIDE, png::ColorType::Grayscale, &[3; 96]);
    });
    assert!(
        kind == ErrorKind::Label && text.contains("label40/b.png") && text.contains("class id 3"),
        "{text}"
    );
    let (kind, text) = fault(&|f| {
        let ids: Vec<u16> = (0..96).map(|i| if i == 13 { 256 } else { 0 }).collect();
        let data = pack(&ids, 12, 16);
        let path = f.file("label40/b.png");
        write_deep(&path, SIDE, png::ColorType::Grayscale, png::BitDepth::Sixteen, &data);
    });
    let place = "class id 256 at row 1, column 1";
    assert!(kind == ErrorKind::Label && text.contains("label40/b.png") && text.contains(place), "{text}");
    for folder in ["label40", "depth"] {
        // A JPEG under either name.
        for name in ["b.png", "b.jpg"] {
            let (kind, text) = fault(&|f| {
                fs::remove_file(f.file(&format!("{folder}/b.png"))).unwrap();
                fs::copy(reference("grey.jpg"), f.file(&format!("{folder}/{name}"))).unwrap();
            });
            let named = text.contains(&format!("{folder}/{name}")) && text.contains("is a JPEG picture");
            assert!(kind == ErrorKind::Format && named, "{text}");
        }
        let (kind, text) = fault(&|f| {
            let colours: Vec<u8> = (0..288).map(|i| (i % 5) as u8).collect();
            write(&f.file(&format!("{folder}/b.png")), SIDE, png::ColorType::Rgb, &colours);
        });
        assert!(kind == ErrorKind::Format && text.contains("is a colour picture"), "{text}");
    }
    let (_, text) = fault(&|f| write(&f.file("depth/b.png"), [4, 6], png::ColorType::Grayscale, &[3; 24]));
    // Which of the two is told depends on which is read first.
    assert!(text.contains("/b.png") && text.contains("`b`"), "{text}");
    assert!(text.contains("4 x 6") && text.contains("8 x 12"), "{text}");
    let (_, text) = fault(&|f| fs::write(f.file("classes.csv"), "id,name\n0,wall\n2,floor\n").unwrap());
    assert!(text.contains("classes.csv") && text.contains("expected 1"), "{text}");
    let (_, text) = fault(&|f| fs::write(f.file("index.csv"), "id,split\na,train\nb,tset\n").unwrap());
    assert!(text.contains("tset"), "{text}");
}
