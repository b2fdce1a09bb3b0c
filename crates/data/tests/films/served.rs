//! What a film is served as, and that it is decoded once.

use std::fs;

use counterpoint_data::doctor::Sketch;
use counterpoint_data::media::{FilmRule, Frames, Taken, Tools, Wanted, probe, take};
use counterpoint_data::{Check, DataConfig, LoaderOptions, Progress};

use super::{CACHE, batches, entries, epoch, ffmpeg, film, folder, manifest};
use crate::support::Folder;

#[test]
fn the_same_samples_come_whatever_the_workers_and_the_cache() {
    for augment in ["", "augment = true\n"] {
        let folder = folder("films");
        let config = manifest(&format!("{CACHE}{augment}"));
        let expected = batches(&config, &folder, 0);
        assert_eq!(expected[0].inputs[0].array.shape(), [2, 1, 8, 8]);
        assert_eq!(expected[0].inputs[1].array.shape(), [2, 3, 2, 6, 8]);
        for workers in [1, 3] {
            assert!(batches(&config, &folder, workers) == expected, "{workers} workers, {augment}");
        }
        fs::remove_dir_all(folder.file("cache")).unwrap();
        assert!(batches(&config, &folder, 2) == expected, "decoded again, {augment}");
        // So is what stays in memory.
        let mut kept = manifest(&format!("{CACHE}{augment}"));
        kept.common.cache_mb = 16;
        let splits = kept.open(&folder.0).unwrap();
        for round in 0..2 {
            assert!(epoch(&splits, LoaderOptions::train(&kept.common, 5)) == expected, "{round}, {augment}");
        }
    }
}

#[test]
fn sound_and_frames_of_one_pass_are_those_of_each_alone() {
    let folder = Folder::new("one-pass");
    let tools = Tools::find().unwrap();
    for (name, codecs) in
        [("a.mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac"), ("b.flv", "-c:v flv1 -c:a mp3")]
    {
        let path = folder.file(name);
        film(&path, 1, 3.0, codecs);
        let found = probe(&tools, path.as_path().into()).unwrap();
        let sound = Some((found.sound.unwrap(), 16_000));
        for frames in [Frames::PerSecond(2.0), Frames::Spread(2)] {
            let picture = Some((found.picture.unwrap(), FilmRule { frames, ..FilmRule::default() }));
            let taken = |wanted, cut| {
                let mut pictures = Vec::new();
                let taken = take(&tools, path.as_path().into(), cut, wanted, |picture| {
                    pictures.push(picture);
                    Ok(())
                });
                let Taken { sound, frames, ended } = taken.unwrap();
                assert!(ended.success && ended.complaint.is_none() && frames.unwrap() == pictures.len());
                (sound.unwrap(), pictures)
            };
            for cut in [None, Some([500, 2500])] {
                let both = taken(Wanted { sound, film: picture }, cut);
                let (wave, none) = taken(Wanted { sound, film: None }, cut);
                assert!(wave.as_ref().is_some_and(|wave| wave.len() > 44 + 50_000) && none.is_empty());
                let (silent, pictures) = taken(Wanted { sound: None, film: picture }, cut);
                assert!(silent.is_none() && !pictures.is_empty());
                assert!(both == (wave, pictures), "{name} {frames:?} {cut:?}");
            }
        }
    }
    // Refused pictures end the program, and the refusal comes back.
    let path = folder.file("a.mp4");
    let found = probe(&tools, path.as_path().into()).unwrap();
    let wanted = Wanted {
        sound: Some((found.sound.unwrap(), 16_000)),
        film: Some((found.picture.unwrap(), FilmRule::default())),
    };
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let taken = take(&tools, path.as_path().into(), None, wanted, |_| Err(full())).unwrap();
    assert_eq!(taken.frames.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn a_film_is_decoded_once_for_all_settings_that_do_not_touch_it() {
    let folder = folder("once");
    let config = manifest(CACHE);
    let splits = config.open(&folder.0).unwrap();
    splits.check(Check::Quick, 2).unwrap();
    let before = batches(&config, &folder, 0);
    // Neither film can be decoded any more, and size and time say that they are as they were.
    for i in 0..4 {
        let path = folder.file(&format!("{i}.mp4"));
        let facts = fs::metadata(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes[64..].fill(0);
        fs::write(&path, bytes).unwrap();
        let file = fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(facts.modified().unwrap()).unwrap();
    }
    assert!(batches(&config, &folder, 2) == before);
    // Other crops and sizes are made of what is kept.
    let other = manifest(&format!("{CACHE}augment = true\n"));
    assert!(batches(&other, &folder, 2) != before);
    manifest(CACHE).open(&folder.0).unwrap().check(Check::Full, 2).unwrap();
    // A time that says that they changed does away with that.
    let file = fs::File::options().append(true).open(folder.file("0.mp4")).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    let text = super::message(&folder, CACHE);
    assert!(text.contains("0.mp4") && text.contains("cannot be decoded"), "{text}");
}

#[test]
fn a_film_that_moves_is_not_decoded_again() {
    let folder = folder("moved");
    let config = manifest(CACHE);
    let before = batches(&config, &folder, 0);
    let count = entries(&folder).len();
    for i in 0..4 {
        fs::create_dir_all(folder.file("new")).unwrap();
        fs::rename(folder.file(&format!("{i}.mp4")), folder.file(&format!("new/{i}.mp4"))).unwrap();
    }
    let csv = fs::read_to_string(folder.file("clips.csv")).unwrap();
    let moved: String = csv
        .lines()
        .map(|line| match line.split_once(".mp4,") {
            Some(_) => {
                let cells: Vec<&str> = line.split(',').collect();
                format!("{},new/{},new/{}\n", cells[..4].join(","), cells[4], cells[5])
            }
            None => format!("{line}\n"),
        })
        .collect();
    fs::write(folder.file("clips.csv"), moved).unwrap();
    assert!(batches(&config, &folder, 0) == before);
    // Of each of the two films of training: its content for sound and film, and both arrays.
    assert_eq!(entries(&folder).len(), count + 2 * 4, "and no sound, no frames");
}

#[test]
fn a_folder_that_is_too_small_is_told_and_serves_the_same() {
    let folder = Folder::new("small");
    let mut csv = "id,split,label,sound\n".to_owned();
    // A minute of sound takes 960 kB, and the folder a MiB.
    for (i, split) in ["train", "train", "train", "val", "test"].iter().enumerate() {
        ffmpeg(
            &format!("-f lavfi -i sine=f={}:d=60:sample_rate=8000 -c:a aac", 300 + 50 * i),
            &folder.file(&format!("{i}.m4a")),
        );
        csv += &format!("{i},{split},{},{i}.m4a\n", ["a", "b"][i % 2]);
    }
    fs::write(folder.file("clips.csv"), csv).unwrap();
    let mut config = DataConfig::from_toml(
        "name = \"manifest\"\nroot = \"clips.csv\"\ncache_mb = 0\ncache_dir = \"cache\"\ncache_dir_mb = 1\naugment = true\n\
         [modality.sound]\nkind = \"audio\"\nrate = 8000\nsamples = 800\nn_fft = 64\nhop = 100\nbins_per_group = 4\n\
         frames = 8\nnormalise = \"none\"\ntime_shift_s = 0.01\n",
    )
    .unwrap();
    let small = config.open(&folder.0).unwrap();
    let options = LoaderOptions { workers: 0, ..LoaderOptions::train(&config.common, 5) };
    let found = epoch(&small, options.clone());
    assert!(epoch(&small, options.clone()) == found);
    let notes = small.cache_notes();
    assert!(
        notes.len() == 1 && notes[0].contains("again") && notes[0].contains("raise `cache_dir_mb`"),
        "{notes:?}"
    );
    config.common.cache_dir_mb = 64;
    let large = config.open(&folder.0).unwrap();
    assert!(epoch(&large, options.clone()) == found && epoch(&large, options) == found);
    assert_eq!(large.cache_notes(), [""; 0]);
}

#[test]
fn the_frames_are_those_that_the_settings_ask_for() {
    let folder = Folder::new("frames");
    // 3 s of 10 frames a second, each as bright as its number.
    for i in 0..4 {
        ffmpeg(
            "-f lavfi -i color=black:s=16x16:r=10:d=3,geq=lum='N*8':cb=128:cr=128 -c:v ffv1",
            &folder.file(&format!("{i}.mkv")),
        );
    }
    let list = "id,split,label,film\n0,train,a,0.mkv\n1,train,b,1.mkv\n2,val,a,2.mkv\n3,test,b,3.mkv\n";
    fs::write(folder.file("clips.csv"), list).unwrap();
    let shown = |kind: &str, keys: &str| -> Vec<f64> {
        let text = format!(
            "name = \"manifest\"\nroot = \"clips.csv\"\n{CACHE}[modality.film]\nkind = \"{kind}\"\nsize = 4\n\
             normalise = \"none\"\n{keys}"
        );
        let config = DataConfig::from_toml(&text).unwrap();
        let sample = config.open(&folder.0).unwrap().train.sample(0, None).unwrap();
        let values = sample.inputs[0].as_ref().unwrap().values().to_vec();
        // Black is 16 and white 235 in the film.
        values.chunks(16).map(|frame| ((f64::from(frame[0]) * 219.0 + 16.0) / 8.0).round()).collect()
    };
    assert_eq!(shown("video", "frames = 3\nrule = \"first-sorted\"\n"), [5.0, 15.0, 25.0], "one per second");
    assert_eq!(shown("video", "frames = 2\nrule = \"first-sorted\"\nfilm_fps = 2.0\n"), [2.0, 7.0]);
    assert_eq!(shown("video", "frames = 2\nfilm_frames = 2\n"), [7.0, 22.0]);
    assert_eq!(shown("image", ""), [15.0], "the middle");
}

#[test]
fn every_usual_container_is_read() {
    let folder = Folder::new("containers");
    let films = [
        ("mp4", "-c:v libx264 -pix_fmt yuv420p -c:a aac"),
        ("mov", "-c:v mpeg4 -c:a aac"),
        ("avi", "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le"),
        ("mkv", "-c:v ffv1 -c:a flac"),
        ("webm", "-c:v libvpx -b:v 500k -c:a libopus -ar 48000"),
        ("flv", "-c:v flv1 -c:a mp3"),
        ("mpg", "-c:v mpeg1video -c:a mp2"),
        ("ts", "-c:v mpeg2video -c:a mp2"),
        ("wmv", "-c:v wmv2 -c:a wmav2"),
    ];
    let sounds = [
        ("m4a", "aac"),
        ("aac", "aac"),
        ("opus", "libopus -ar 48000"),
        ("aiff", "pcm_s16be"),
        ("wma", "wmav2"),
    ];
    let mut csv = "id,split,label,sound,face\n".to_owned();
    for (at, (ending, codecs)) in films.iter().enumerate() {
        film(&folder.file(&format!("clip.{ending}")), 1, 2.0, codecs);
        let split = ["train", "val", "test"][at.saturating_sub(6)];
        csv += &format!("{ending},{split},{},clip.{ending},clip.{ending}\n", ["a", "b"][at % 2]);
    }
    for (ending, codec) in sounds {
        ffmpeg(
            &format!("-f lavfi -i sine=f=400:d=2:sample_rate=44100 -c:a {codec}"),
            &folder.file(&format!("sound.{ending}")),
        );
        csv += &format!("s-{ending},train,a,sound.{ending},\n");
    }
    // Upright as a player shows it.
    let lying = folder.file("lying.mp4");
    ffmpeg(&format!("-i {} -c copy -metadata:s:v:0 rotate=90", folder.file("clip.mov").display()), &lying);
    csv += "rotated,train,a,lying.mp4,lying.mp4\n";
    fs::write(folder.file("clips.csv"), csv).unwrap();
    let config = manifest(CACHE);
    let splits = config.open(&folder.0).unwrap();
    splits.check(Check::Quick, 2).unwrap();
    splits.check(Check::Full, 2).unwrap();
    assert_eq!(splits.train.len(), 7 + 5 + 1);
    let samples: Vec<_> = (0..7).map(|at| splits.train.sample(at, None).unwrap()).collect();
    for sample in &samples {
        let sound = sample.inputs[0].as_ref().unwrap().values();
        let face = sample.inputs[1].as_ref().unwrap().values();
        // The same clip: coded in another way it differs by little.
        let first = samples[3].inputs[1].as_ref().unwrap().values();
        let far = face.iter().zip(first).map(|(a, b)| (a - b).abs()).sum::<f32>() / face.len() as f32;
        assert!(far < 0.25 && sound.iter().all(|v| v.is_finite()), "{}: {far}", sample.id);
    }
    assert_eq!(splits.fingerprint().unwrap().len(), 64);
    assert!(splits.leaks_decoded(2).is_ok());
    let checkup = config.examine(&folder.0, 2, &Progress::default()).unwrap();
    assert_eq!(checkup.findings, []);
    let kinds =
        |of: usize| checkup.figures[of].kinds.iter().map(|(k, n)| format!("{k}: {n}")).collect::<Vec<_>>();
    assert_eq!(kinds(0), ["8000 Hz: 15"]);
    assert_eq!(kinds(1), ["48 x 64: 1", "64 x 48: 9"], "turned");
    assert_eq!((checkup.figures[0].unit, checkup.figures[1].unit), ("seconds", "frames"));
    let entry = checkup.entries.iter().find(|entry| entry.id == "webm").unwrap();
    let shown = checkup.sketches(entry);
    assert_eq!(shown.len(), 2);
    for (modality, sketch) in shown {
        assert!(matches!(sketch, Sketch::Picture(png) if png.starts_with(b"\x89PNG")), "{modality}");
    }
}
