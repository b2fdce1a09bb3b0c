//! Films in folders of classes and in tar archives.

use std::fs;

use counterpoint_data::{Check, Progress};

use super::{CACHE, USUAL, config, ffmpeg, film, folder, manifest};
use crate::support::{Folder, write_wav};

#[test]
fn a_folder_of_films_is_a_data_set() {
    let folder = Folder::new("film-folders");
    for (split, count) in [("train", 2), ("val", 1), ("test", 1)] {
        for (number, class) in ["cat", "dog"].iter().enumerate() {
            for i in 0..count {
                film(&folder.file(&format!("set/{split}/{class}/{i}.mp4")), number + i, 1.0, USUAL);
            }
        }
    }
    // A recording beside a film takes the place of its sound.
    write_wav(&folder.file("set/train/cat/0.wav"), 8000, 0.3);
    let config = config("set", &format!("name = \"folders\"\n{CACHE}"));
    let splits = config.open(&folder.0).unwrap();
    splits.check(Check::Quick, 2).unwrap();
    assert_eq!((splits.train.len(), splits.train.present_counts()), (4, vec![4, 4]));
    let sound = |at: usize| {
        let sample = config.open(&folder.0).unwrap().train.sample(at, None).unwrap();
        sample.inputs[1].as_ref().unwrap().values().to_vec()
    };
    let own = sound(0);
    fs::remove_file(folder.file("set/train/cat/0.wav")).unwrap();
    assert_ne!(sound(0), own);
    // Without films the kind is still said.
    for file in ["train/cat/0", "train/cat/1", "train/dog/0", "train/dog/1", "val/cat/0", "val/dog/0"] {
        fs::remove_file(folder.file(&format!("set/{file}.mp4"))).unwrap();
        ffmpeg("-f lavfi -i sine=d=1", &folder.file(&format!("set/{file}.wav")));
    }
    for file in ["test/cat/0", "test/dog/0"] {
        fs::remove_file(folder.file(&format!("set/{file}.mp4"))).unwrap();
    }
    let error = config.open(&folder.0).unwrap_err().to_string();
    assert!(error.contains("`face`") && error.contains("there is no film"), "{error}");
}

#[test]
fn films_in_archives_are_read_in_place() {
    let folder = folder("film-shards");
    let (list, shards) = (manifest(CACHE), config("tars", &format!("name = \"shards\"\n{CACHE}")));
    fs::create_dir_all(folder.file("tars")).unwrap();
    for (split, numbers) in [("train", vec![0, 1]), ("val", vec![2]), ("test", vec![3])] {
        let mut tar =
            tar::Builder::new(fs::File::create(folder.file(&format!("tars/{split}-0.tar"))).unwrap());
        for i in numbers {
            tar.append_path_with_name(folder.file(&format!("{i}.mp4")), format!("{i}.mp4")).unwrap();
            let label = format!("{{\"label\": \"{}\", \"id\": \"{i}\"}}", ["a", "b"][i % 2]);
            let mut header = tar::Header::new_gnu();
            header.set_size(label.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("{i}.json"), label.as_bytes()).unwrap();
        }
        tar.finish().unwrap();
    }
    let splits = shards.open(&folder.0).unwrap();
    splits.check(Check::Quick, 2).unwrap();
    let of = |splits: &counterpoint_data::Splits, at, name: &str| {
        let modality = splits.modalities().iter().position(|m| m.name == name).unwrap();
        splits.train.sample(at, None).unwrap().inputs[modality].clone()
    };
    let listed = list.open(&folder.0).unwrap();
    for at in 0..2 {
        for name in ["sound", "face"] {
            assert_eq!(of(&splits, at, name), of(&listed, at, name), "{name} {at}");
        }
    }
    let checkup = shards.examine(&folder.0, 2, &Progress::default()).unwrap();
    assert_eq!((checkup.findings.len(), checkup.figures[0].spread.is_some()), (0, true));
    // Without the folder for what is decoded they are refused by name.
    let bare = config("tars", "name = \"shards\"\n");
    let error = bare.open(&folder.0).unwrap_err().to_string();
    assert!(error.contains(".mp4` in `") && error.contains("cache_dir"), "{error}");
}

#[test]
fn films_are_packed_as_their_frames_and_sound() {
    let folder = folder("film-pack");
    let list = manifest("");
    list.pack(&folder.0, &folder.file("tars"), 1 << 20, &Progress::default()).unwrap();
    let packed = config("tars", "name = \"shards\"\n").open(&folder.0).unwrap();
    let listed = manifest(CACHE).open(&folder.0).unwrap();
    for at in 0..2 {
        let (mut a, b) = (packed.train.sample(at, None).unwrap(), listed.train.sample(at, None).unwrap());
        // Modalities of archives are in the order of their names.
        a.inputs.reverse();
        assert_eq!((a.id, a.inputs), (b.id, b.inputs));
    }
}
