//! Random changes of training samples: whose they are, what they leave alone, and what is refused.

mod support;

use std::fs;

use counterpoint_batch::{Batch, BatchSource, Sample, Target};
use counterpoint_data::{DataConfig, Loader, LoaderOptions, RngKey, Splits};
use support::Folder;

/// Everything that can be changed in spoken digits.
const ALL: &str = "[audio]\ntime_masks = 2\ntime_mask_width = 6\nfrequency_masks = 1\nfrequency_mask_width = 9\n\
    gain_db = 6\nnoise_snr_db = [10, 30]\ntime_shift_s = 0.1\n\
    [image]\nchannels = 3\ncrop = [0.5, 0.9]\nratio = [0.8, 1.25]\nflip = 0.3\n\
    [image.jitter]\nbrightness = 0.4\ncontrast = 0.4\nsaturation = [0.5, 1.5]\nhue = 0.1\n";

fn config(common: &str, sets: &str) -> DataConfig {
    DataConfig::from_toml(&format!("name = \"spoken-digits\"\nbatch_size = 48\n{common}\n{sets}")).unwrap()
}

fn open(common: &str, sets: &str) -> Splits {
    config(common, sets).open(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap()
}

fn inputs(sample: Sample) -> Vec<Vec<f32>> {
    sample.inputs.into_iter().map(|input| input.unwrap().values().to_vec()).collect()
}

fn batches(loader: &Loader, epoch: usize, from: usize) -> Vec<Batch> {
    loader.epoch(epoch, from).take(3).map(Result::unwrap).collect()
}

#[test]
fn workers_caches_and_restarts_change_no_bit() {
    let loader = |common: &str| {
        let config = config(&format!("augment = true\n{common}"), ALL);
        let splits = config.open(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
        Loader::new(splits.train, LoaderOptions::train(&config.common, 7)).unwrap()
    };
    let one = loader("workers = 0\ncache_mb = 0");
    let values = |batches: &[Batch]| -> Vec<Vec<f32>> {
        batches.iter().flat_map(|b| b.inputs.iter().map(|i| i.array.values().to_vec())).collect()
    };
    let expected = values(&batches(&one, 1, 2));
    for common in ["workers = 3", "workers = 2\ncache_mb = 1", "workers = 1\ncache_mb = 0"] {
        let other = loader(common);
        batches(&other, 0, 0); // fills the cache
        assert_eq!(values(&batches(&other, 1, 2)), expected, "{common}");
    }
    assert_ne!(values(&batches(&one, 0, 2)), expected);
    assert_ne!(one.draw(0, 5).unwrap(), one.draw(1, 5).unwrap(), "every epoch has draws of its own");
}

#[test]
fn evaluation_and_unset_keys_see_what_they_saw_before() {
    let (off, on) = (open("", "[image]\nchannels = 3"), open("augment = true", ALL));
    for index in [0, 250, 499] {
        let one = inputs(off.val.sample(index, None).unwrap());
        assert_eq!(inputs(on.val.sample(index, None).unwrap()), one);
        assert_eq!(
            inputs(on.train.sample(index, None).unwrap()),
            inputs(off.train.sample(index, None).unwrap())
        );
    }
    assert_eq!(on.preparations[0].normalise, off.preparations[0].normalise, "the fit sees nothing random");
    // The crops of pictures are those that they were before other changes were possible.
    let crops = open("augment = true", "[image]\nnormalise = \"none\"");
    let levels = (0..40).flat_map(|index| {
        let draw = RngKey::new(7).fork(1).fork(2).fork(index as u64);
        inputs(crops.train.sample(index * 50, Some(draw)).unwrap()).swap_remove(1)
    });
    let sum = levels.fold(0_u64, |sum, v| sum.wrapping_mul(31).wrapping_add((v * 255.0).round() as u64));
    assert_eq!(sum, 18_326_928_717_849_342_470);
}

#[test]
fn masks_are_the_mean_and_move_nothing_else() {
    let masks =
        "[audio]\ntime_masks = 1\ntime_mask_width = 8\nfrequency_masks = 1\nfrequency_mask_width = 8\n";
    let without = open("augment = true", "");
    let own = open("augment = true", &format!("{masks}normalise = \"none\""));
    let own_plain = open("augment = true", "[audio]\nnormalise = \"none\"");
    let with = open("augment = true", masks);
    let mut hidden = 0;
    for index in 0..60 {
        let draw = Some(RngKey::new(3).fork(index as u64));
        let (plain, masked) = (
            inputs(without.train.sample(index, draw).unwrap()),
            inputs(with.train.sample(index, draw).unwrap()),
        );
        assert_eq!(plain[1], masked[1], "pictures keep their draws");
        let gone: Vec<usize> = (0..64 * 32).filter(|&at| plain[0][at] != masked[0][at]).collect();
        assert!(gone.iter().all(|&at| masked[0][at] == 0.0));
        hidden += gone.len();
        // Without normalisation: the mean of the spectrogram, in the same places.
        let plain = inputs(own_plain.train.sample(index, None).unwrap()).swap_remove(0);
        let mean = plain.iter().map(|v| f64::from(*v)).sum::<f64>() / plain.len() as f64;
        let masked = inputs(own.train.sample(index, draw).unwrap()).swap_remove(0);
        assert!(gone.iter().all(|&at| (f64::from(masked[at]) - mean).abs() < 1e-5));
    }
    // 4 of 32 frames and 4 of 64 frequencies on average: 0.18 of 2048 values.
    assert!((0.12..0.24).contains(&(hidden as f64 / (60.0 * 2048.0))), "{hidden}");
}

#[test]
fn frames_of_a_film_share_colours_and_if_asked_for_the_crop() {
    let folder = Folder::new("augment");
    let picture: Vec<u8> = (0..16 * 16 * 3).map(|i| (i * 7 + i * i * 3) as u8).collect();
    for name in ["a", "b", "c"] {
        fs::create_dir(folder.file(name)).unwrap();
        for frame in 0..4 {
            let file = fs::File::create(folder.file(&format!("{name}/{frame}.png"))).unwrap();
            let mut encoder = png::Encoder::new(file, 16, 16);
            encoder.set_color(png::ColorType::Rgb);
            encoder.write_header().unwrap().write_image_data(&picture).unwrap();
        }
    }
    fs::write(
        folder.file("clips.csv"),
        "id,split,label,film\na,train,x,a\nd,train,y,b\nb,val,x,b\nc,test,x,c\n",
    )
    .unwrap();
    let frames = |keys: &str, seed: u64| -> Vec<Vec<f32>> {
        let text = format!(
            "name = \"manifest\"\nroot = \"clips.csv\"\naugment = true\n[modality.film]\nkind = \"video\"\nsize = 8\n\
             channels = 3\nframes = 4\n{keys}"
        );
        let splits = DataConfig::from_toml(&text).unwrap().open(&folder.0).unwrap();
        let film = inputs(splits.train.sample(0, Some(RngKey::new(seed))).unwrap()).remove(0);
        let pixel = |frame: usize, at: usize| film[(at / 64 * 4 + frame) * 64 + at % 64];
        (0..4).map(|frame| (0..3 * 64).map(|at| pixel(frame, at)).collect()).collect()
    };
    let alike = |frames: &[Vec<f32>]| frames.iter().all(|frame| *frame == frames[0]);
    let jitter = "jitter = { brightness = 0.5, hue = 0.2, contrast = 0.3, saturation = 0.9 }\n";
    let still = "crop = 1\nflip = false\n";
    for seed in 0..5 {
        let coloured = frames(&format!("{still}{jitter}"), seed);
        assert!(alike(&coloured) && coloured != frames(still, seed));
        assert!(!alike(&frames(jitter, seed)), "a crop for each frame, as before");
        assert!(alike(&frames(&format!("{jitter}frames_alike = true"), seed)));
    }
}

#[test]
fn colours_of_a_scene_change_and_its_numbers_do_not() {
    let folder = Folder::new("augment-scene");
    for sub in ["rgb", "depth", "label40"] {
        fs::create_dir(folder.file(sub)).unwrap();
    }
    for id in ["a", "b", "c"] {
        let write = |sub: &str, colour, pixels: Vec<u8>| {
            let file = fs::File::create(folder.file(&format!("{sub}/{id}.png"))).unwrap();
            let mut encoder = png::Encoder::new(file, 8, 8);
            encoder.set_color(colour);
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        };
        write("rgb", png::ColorType::Rgb, (0..192).map(|i| (i * 5) as u8).collect());
        write("depth", png::ColorType::Grayscale, (0..64).map(|i| i * 3).collect());
        write("label40", png::ColorType::Grayscale, (0..64).map(|i| i / 32).collect());
    }
    fs::write(folder.file("index.csv"), "id,split\na,train\nb,val\nc,test\n").unwrap();
    fs::write(folder.file("classes.csv"), "id,name\n0,wall\n1,floor\n").unwrap();
    let sample = |keys: &str| {
        let text =
            format!("name = \"rgbd\"\nroot = \".\"\nsize = [4, 4]\naugment = true\ncolour = 0.0\n{keys}");
        let splits = DataConfig::from_toml(&text).unwrap().open(&folder.0).unwrap();
        splits.train.sample(0, Some(RngKey::new(4))).unwrap()
    };
    let (plain, changed) = (sample(""), sample("[jitter]\nbrightness = 0.5\nhue = 0.3\n"));
    let Target::Map(map) = &plain.target else { panic!("{:?}", plain.target) };
    assert!(matches!(&changed.target, Target::Map(other) if other.pixels == map.pixels));
    let (plain, changed) = (inputs(plain), inputs(changed));
    assert_ne!(plain[0], changed[0]);
    assert_eq!(plain[1], changed[1]);
}

#[test]
fn what_makes_no_sense_is_refused_with_key_and_limits() {
    for (sets, parts) in [
        (
            "[audio]\ntime_masks = 2",
            &["modality `audio`", "`time_masks` needs `time_mask_width`", "32 frames"][..],
        ),
        ("[audio]\ntime_mask_width = 4", &["`time_mask_width` does nothing without `time_masks`"]),
        ("[audio]\nfrequency_masks = 1\nfrequency_mask_width = 65", &["1 to the 64 frequencies", "got 65"]),
        (
            "[audio]\ntime_masks = 1\ntime_mask_width = 33",
            &["1 to the 32 frames of this spectrogram, got 33"],
        ),
        ("[audio]\nnoise_snr_db = 900", &["`noise_snr_db` must lie between -40 and 120 dB", "got 900"]),
        ("[audio]\nnoise_snr_db = [30, 10]", &["the lower limit first, got 30 to 10"]),
        ("[audio]\ngain_db = nan", &["`gain_db` must lie between -60 and 60 dB"]),
        ("[audio]\ngain_db = -3", &["`gain_db`", "got 3 to -3"]),
        ("[audio]\ntime_shift_s = 1.0", &["`time_shift_s` must be from 0 to below the 1 seconds"]),
        ("[audio]\ntime_shift_s = -0.1", &["`time_shift_s`", "got -0.1"]),
        (
            "[image]\ncrop = [0.9, 0.5]",
            &["modality `image`", "`crop` must be above 0 and at most 1", "[0.9, 0.5]"],
        ),
        ("[image]\nratio = [2.0, 0.5]", &["`ratio` must be from 0.01 to 100"]),
        ("[image]\nflip = 1.5", &["`flip` must be true, false or a share from 0 to 1, got 1.5"]),
        ("[image.jitter]\nhue = 0.1", &["`jitter.hue` does nothing to grey pictures; set `channels` = 3"]),
        ("[image]\nchannels = 3\n[image.jitter]\nhue = 0.7", &["`jitter.hue` must be from 0 to 0.5"]),
        ("[image.jitter]\nbrightness = -0.5", &["`jitter.brightness` must be a number of at least 0"]),
    ] {
        let error = config("augment = true", sets).open(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap_err();
        let message = error.to_string();
        assert!(parts.iter().all(|part| message.contains(part)), "{sets}: {message}");
    }
    for (sets, part) in [
        ("[audio]\ntime_mask_width = -3", "`audio.time_mask_width`"),
        ("[audio]\ntime_masks = 1.5", "`audio.time_masks`"),
        ("[image.jitter]\nbrightnes = 0.5", "did you mean `brightness`?"),
        ("[image]\nflip = \"often\"", "`image.flip`: expected true, false or a share from 0 to 1"),
        ("[audio]\ngain_db = \"loud\"", "`audio.gain_db`: expected a number or [least, most]"),
    ] {
        let text = format!("name = \"spoken-digits\"\n{sets}");
        let message = DataConfig::from_toml(&text).unwrap_err().to_string();
        assert!(message.contains(part), "{sets}: {message}");
    }
}

#[test]
fn changes_that_nothing_switches_on_are_noted() {
    let notes = open("", ALL).notes;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("`audio` and `image`") && note.contains("set `augment` = true")),
        "{notes:?}"
    );
    assert!(open("augment = true", ALL).notes.iter().all(|note| !note.contains("augment")));
    assert!(open("", "").notes.iter().all(|note| !note.contains("augment")));
}
