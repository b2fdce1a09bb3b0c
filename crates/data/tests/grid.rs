//! The reader of GRID clips, on a folder made on the spot.

mod support;

use std::fs;

use counterpoint_data::{DataConfig, DataError, ErrorKind, Splits};
use support::{Folder, write_png, write_wav};

const HEADER: &str = "id,split,letter,letter_id,digit,digit_id,letter_f0,letter_f1,digit_f0,digit_f1,letter_s0,letter_s1,digit_s0,digit_s1";

/// Four clips of six frames; letters a and b, digits zero and nine.
fn folder(change: impl Fn(&str) -> String) -> Folder {
    let folder = Folder::new("grid");
    fs::create_dir(folder.file("audio")).unwrap();
    fs::create_dir(folder.file("video")).unwrap();
    let mut lines = vec![HEADER.to_owned()];
    for (clip, split, letter, digit) in [
        ("p", "train", "a,0", "zero,0"),
        ("q", "train", "b,1", "nine,1"),
        ("r", "val", "a,0", "nine,1"),
        ("s", "test", "b,1", "zero,0"),
    ] {
        write_wav(
            &folder.file(&format!("audio/{clip}.wav")),
            3000,
            0.2 + f32::from(clip.as_bytes()[0]) / 500.0,
        );
        // Pictures are told apart by their content, whatever their ending.
        write_png(&folder.file(&format!("video/{clip}.jpg")), 480, 56, u32::from(clip.as_bytes()[0]));
        lines.push(change(&format!("{clip},{split},{letter},{digit},0.5,3.0,3.0,6.0,200,1000,1000,2900")));
    }
    fs::write(folder.file("clips.csv"), lines.join("\n")).unwrap();
    folder
}

fn open(folder: &Folder, keys: &str) -> Result<Splits, DataError> {
    DataConfig::from_toml(&format!("name = \"grid\"\nroot = \".\"\n{keys}"))?.open(&folder.0)
}

#[test]
fn small_and_large_inputs_have_their_shapes() {
    let folder = folder(str::to_owned);
    let small = open(&folder, "").unwrap();
    let shapes: Vec<_> = small.modalities().iter().map(|m| m.shape.clone()).collect();
    assert_eq!(
        (small.classes.clone(), shapes),
        (vec!["a".into(), "b".into()], vec![vec![1, 64, 32], vec![1, 3, 28, 40]])
    );
    let large =
        open(&folder, "task = \"digit\"\n[audio]\nfront = \"gdl188\"\n[video]\nsize = 112\nchannels = 3")
            .unwrap();
    let shapes: Vec<_> = large.modalities().iter().map(|m| m.shape.clone()).collect();
    assert_eq!(
        (large.classes.clone(), shapes),
        (vec!["zero".into(), "nine".into()], vec![vec![1, 257, 188], vec![3, 3, 112, 112]])
    );
    assert!(large.train.sample(0, None).unwrap().inputs.iter().all(Option::is_some));
    let values = |splits: &Splits| splits.val.sample(0, None).unwrap();
    assert_ne!(
        values(&small).inputs,
        values(&open(&folder, "task = \"digit\"").unwrap()).inputs,
        "another word"
    );
}

#[test]
fn the_frames_are_spread_over_the_word() {
    let folder = folder(str::to_owned);
    let splits = open(&folder, "modalities = [\"video\"]\n[video]\nnormalise = \"none\"").unwrap();
    let film = splits.train.sample(0, None).unwrap().inputs.remove(0).unwrap();
    // Word 0.5 to 3.0: the middles of its thirds lie in frames 0, 1 and 2. The seed of clip p is 112.
    let pixel = |x: u32, y: u32| f64::from(((y * 480 + x) * 7 + (y * 480 + x).pow(2) * 3 + 112 * 31) as u8);
    for (time, frame) in [(0, 0), (1, 1), (2, 2)] {
        let (x, y) = (frame * 80 + 2 * 5, 2 * 9);
        let mean = (pixel(x, y) + pixel(x + 1, y) + pixel(x, y + 1) + pixel(x + 1, y + 1)) / 4.0 / 255.0;
        let got = f64::from(film.values()[(time * 28 + 9) * 40 + 5]);
        assert!((got - mean).abs() < 1e-6, "frame {frame}: {got} {mean}");
    }
}

#[test]
fn mistakes_in_the_list_name_their_line() {
    let message = |from: &str, to: &str| {
        let error = open(&folder(|line| line.replace(from, to)), "").unwrap_err();
        (error.kind(), error.to_string())
    };
    for (from, to, kind, text) in [
        ("r,val,", "r,dev1,", ErrorKind::Split, "line 4: split `dev1` must be train, val or test"),
        ("r,val,a,0", "r,val,c,0", ErrorKind::Label, "line 4: class 0 is called `c` here and `a` before"),
        ("b,1", "b,2", ErrorKind::Label, "no clip has `letter_id` 1"),
        (",0.5,", ",x,", ErrorKind::Format, "column `letter_f0` holds `x`, expected a number"),
        ("q,train,", "z,train,", ErrorKind::Missing, "z.wav` of sample `z` does not exist and 1 more"),
    ] {
        let (found, message) = message(from, to);
        assert!(found == kind && message.contains(text), "{message}");
    }
    let error = DataConfig::from_toml("name = \"grid\"").unwrap().open(".".as_ref()).unwrap_err().to_string();
    assert!(error.contains("`root` is missing: the folder with clips.csv"), "{error}");
    let reduce = open(&folder(str::to_owned), "[video]\nreduce = 2\nsize = 56").unwrap_err().to_string();
    assert!(
        reduce.contains("sample `p`, modality `video`")
            && reduce.contains("a picture of 56 x 80 cannot be reduced by 2"),
        "{reduce}"
    );
}
