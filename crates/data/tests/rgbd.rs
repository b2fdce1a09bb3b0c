//! Colour, depth and label maps: a tiny folder made on the spot.

mod support;

use std::fs;
use std::path::Path;

use counterpoint_batch::{BatchSource, Target, TargetSpec};
use counterpoint_data::{DataConfig, DataError, Draw, ErrorKind, Loader, LoaderOptions, Splits};
use support::Folder;

const SIDE: [usize; 2] = [8, 12];

fn write(path: &Path, [height, width]: [usize; 2], colour: png::ColorType, pixels: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width as u32, height as u32);
    encoder.set_color(colour);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
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
        let sample = splits.train.sample(0, Some(Draw::new(seed))).unwrap();
        assert_eq!(sample, splits.train.sample(0, Some(Draw::new(seed))).unwrap());
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
    let (_, text) = fault(&|f| write(&f.file("depth/b.png"), [4, 6], png::ColorType::Grayscale, &[3; 24]));
    // Which of the two is told depends on which is read first.
    assert!(text.contains("/b.png") && text.contains("`b`"), "{text}");
    assert!(text.contains("4 x 6") && text.contains("8 x 12"), "{text}");
    let (_, text) = fault(&|f| fs::write(f.file("classes.csv"), "id,name\n0,wall\n2,floor\n").unwrap());
    assert!(text.contains("classes.csv") && text.contains("expected 1"), "{text}");
    let (_, text) = fault(&|f| fs::write(f.file("index.csv"), "id,split\na,train\nb,tset\n").unwrap());
    assert!(text.contains("tset"), "{text}");
}
