//! Every layout from tiny raw recordings, named and listed as the originals are, to the data set.

mod films;
mod support;

use std::fs;
use std::path::Path;

use counterpoint_prepare::{Frames, SplitRule};
use films::{film, job, run};
use support::{cells, folder};

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Copies one film to several names.
fn copies(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        fs::create_dir_all(to.join(name).parent().unwrap()).unwrap();
        fs::copy(from, to.join(name)).unwrap();
    }
}

#[test]
fn crema_d_joins_films_and_recordings_by_name() {
    let root = folder("crema-d");
    let raw = root.join("raw");
    let (flv, wav) = (root.join("a.flv"), root.join("a.wav"));
    film(&flv, 1.2, "48x36", 44_100, 1, "-c:v flv1 -c:a mp3");
    films::ffmpeg("-f lavfi -i sine=d=1.2:sample_rate=16000 -ac 1", &wav);
    // Actors 1001 to 1004 say one sentence in two emotions.
    for actor in 1001..=1004 {
        for emotion in ["ANG", "HAP"] {
            let id = format!("{actor}_DFA_{emotion}_XX");
            copies(&flv, &raw, &[&format!("VideoFlash/{id}.flv")]);
            copies(&wav, &raw, &[&format!("AudioWAV/{id}.wav")]);
        }
    }
    // In the original one film and its recording do not have the same fate.
    fs::remove_file(raw.join("VideoFlash/1003_DFA_HAP_XX.flv")).unwrap();
    fs::remove_file(raw.join("AudioWAV/1001_DFA_ANG_XX.wav")).unwrap();
    write(&raw.join("VideoFlash/notes.flv"), "x");

    let by_group = job("crema-d", &root);
    let summary = run(&by_group).unwrap();
    assert_eq!((summary.clips, summary.classes, summary.left_out), (8, 2, 1));
    assert_eq!(cells(&root, "problems.csv", &["id", "found", "kept"]), ["notes name no"]);
    let rows = cells(&root, "manifest.csv", &["id", "label", "group", "audio", "video"]);
    assert_eq!(
        rows[0], "1001_DFA_ANG_XX anger 1001 audio/1001_DFA_ANG_XX.wav frames/1001_DFA_ANG_XX",
        "the sound of the film where there is no recording"
    );
    assert_eq!(rows[5], "1003_DFA_HAP_XX happy 1003 audio/1003_DFA_HAP_XX.wav ", "no film");
    // No actor is in two splits.
    let splits = cells(&root, "manifest.csv", &["group", "split"]);
    let mut of_actors = splits.clone();
    of_actors.dedup();
    assert_eq!(of_actors.len(), 4, "{splits:?}");
    // One frame per second of 1.2 s.
    assert_eq!(fs::read_dir(root.join("set/frames/1002_DFA_ANG_XX")).unwrap().count(), 1);

    // The lists in use, which mix the actors.
    let list = |part: &str, ids: &[&str]| {
        let lines: Vec<String> = ids.iter().map(|id| format!("{id},{}", &id[9..12])).collect();
        write(&raw.join(part), &lines.join("\n"));
    };
    list(
        "train.csv",
        &["1001_DFA_ANG_XX", "1001_DFA_HAP_XX", "1002_DFA_ANG_XX", "1002_DFA_HAP_XX", "1003_DFA_ANG_XX"],
    );
    list("test.csv", &["1003_DFA_HAP_XX", "1004_DFA_ANG_XX", "1099_DFA_ANG_XX"]);
    let summary = run(&by_group).unwrap();
    assert_eq!((summary.clips, summary.known, summary.splits[2]), (7, 7, 2));
    assert_eq!(
        cells(&root, "problems.csv", &["id", "found"]),
        ["1004_DFA_HAP_XX unlisted", "1099_DFA_ANG_XX missing", "notes name"]
    );
    // Speaker-disjoint all the same, if somebody asks for it.
    let mut disjoint = job("crema-d", &root);
    disjoint.split.rule = Some(SplitRule::ByGroup);
    assert!(run(&disjoint).unwrap().split.contains("whole groups"));
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn kinetics_sounds_takes_the_classes_that_have_folders() {
    let root = folder("kinetics");
    let raw = root.join("raw");
    let mp4 = root.join("a.mp4");
    film(&mp4, 1.0, "64x36", 48_000, 2, "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let mut csv = String::from("label,youtube_id,time_start,time_end,split\n");
    for (class, label) in [("playing_piano", "playing piano"), ("tap dancing", "tap dancing")] {
        for (number, split) in ["train", "train", "train", "train", "validate"].iter().enumerate() {
            let video = format!("-a_{number}{}", &class[..4].replace(' ', "x"));
            csv += &format!("{label},{video},{number},{},{split}\n", number + 10);
            let name = format!("{class}/{video}_{number:06}_{:06}.mp4", number + 10);
            copies(&mp4, &raw, &[&name]);
        }
    }
    csv += "playing piano,gone,1,11,train\nabseiling,other,1,11,train\n";
    write(&raw.join("kinetics400.csv"), &csv);
    copies(&mp4, &raw, &["playing_piano/unlisted_000001_000011.mp4"]);

    let mut job = job("kinetics-sounds", &root);
    job.settings.frames = Frames::Spread(3);
    let summary = run(&job).unwrap();
    assert_eq!((summary.clips, summary.classes, summary.splits), (10, 2, [6, 2, 2]));
    assert!(summary.split.contains("published validation is the test"), "{}", summary.split);
    assert!(summary.notes.iter().any(|n| n.contains("1 lines of 1 other classes")), "{:?}", summary.notes);
    assert_eq!(
        cells(&root, "problems.csv", &["id", "found"]),
        ["gone_000001_000011 missing", "unlisted_000001_000011 unlisted"]
    );
    let first = &cells(&root, "manifest.csv", &["id", "label", "group", "video"])[0];
    assert_eq!(first, "-a_0play_000000_000010 playing piano -a_0play frames/-a_0play_000000_000010");
    assert_eq!(fs::read_dir(root.join("set/frames/-a_0play_000000_000010")).unwrap().count(), 3);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn vggsound_reads_its_list_without_header() {
    let root = folder("vggsound");
    let raw = root.join("raw");
    let mp4 = root.join("a.mp4");
    film(&mp4, 1.0, "50x38", 44_100, 2, "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let mut csv = String::new();
    for number in 0..8 {
        let (label, split) = (
            ["\"child speech, kid speaking\"", "people marching"][number % 2],
            ["train", "test"][number / 6],
        );
        csv += &format!("---g-f_I2y{number},{number},{label},{split}\n");
        copies(&mp4, &raw, &[&format!("video/---g-f_I2y{number}_{number:06}.mp4")]);
    }
    csv += "gone,30,people marching,train\n";
    write(&raw.join("vggsound.csv"), &csv);
    let summary = run(&job("vggsound", &root)).unwrap();
    assert_eq!((summary.clips, summary.splits[2], summary.left_out), (8, 2, 1));
    assert!(summary.splits[1] > 0);
    assert_eq!(
        cells(&root, "manifest.csv", &["id", "label", "audio"])[0],
        "---g-f_I2y0_000000 child speech, kid speaking audio/---g-f_I2y0_000000.wav"
    );
    assert_eq!(cells(&root, "problems.csv", &["id", "found"]), ["gone_000030 missing"]);

    write(&raw.join("vggsound.csv"), "a,0,x,train\nb,zero,x,train\n");
    let error = run(&job("vggsound", &root)).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("`zero`"), "{error}");
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn ave_reads_its_lists_with_ampersands() {
    let root = folder("ave");
    let raw = root.join("raw");
    let mp4 = root.join("a.mp4");
    film(&mp4, 1.0, "40x30", 16_000, 1, "-c:v libx264 -pix_fmt yuv420p -c:a aac");
    let header = "Category&VideoID&Quality&StartTime&EndTime\n";
    let line = |label: &str, video: &str| format!("{label}&{video}&good&0&10\n");
    let mut all = String::from(header);
    for (list, videos) in
        [("trainSet", &["t1", "t2", "t3"][..]), ("valSet", &["v1", "v2"]), ("testSet", &["e1", "e2"])]
    {
        let lines: String = videos
            .iter()
            .enumerate()
            .map(|(i, v)| line(["Church bell", "Male speech, man speaking"][i % 2], v))
            .collect();
        all += &lines;
        write(&raw.join(format!("{list}.txt")), &lines);
        videos.iter().for_each(|v| copies(&mp4, &raw, &[&format!("AVE/{v}.mp4")]));
    }
    all += &line("Church bell", "nowhere");
    write(&raw.join("Annotations.txt"), &all);
    let summary = run(&job("ave", &root)).unwrap();
    assert_eq!((summary.splits, summary.classes), ([3, 2, 2], 2));
    assert_eq!(summary.split, "as published");
    assert_eq!(
        cells(&root, "manifest.csv", &["id", "split", "label", "quality", "event_start", "event_end"])[0],
        "e1 test Church bell good 0 10"
    );
    assert_eq!(cells(&root, "problems.csv", &["id", "found"]), ["nowhere unlisted"]);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn ucf101_has_folders_and_scenes() {
    let root = folder("ucf");
    let raw = root.join("raw");
    let (sound, silent) = (root.join("a.avi"), root.join("b.avi"));
    film(&sound, 0.8, "32x24", 44_100, 1, "-c:v mpeg4 -c:a mp3");
    films::ffmpeg("-f lavfi -i testsrc=d=0.8:s=32x24:r=25 -an -c:v mpeg4", &silent);
    let (mut train, mut test) = (String::new(), String::new());
    for (number, class) in ["ApplyEyeMakeup", "Archery"].iter().enumerate() {
        for scene in 1..=5 {
            let name = format!("{class}/v_{class}_g{scene:02}_c01.avi");
            copies(if number == 0 { &sound } else { &silent }, &raw.join("UCF-101"), &[&name]);
            match scene {
                1 => test += &format!("{name}\n"),
                _ => train += &format!("{name} {}\r\n", number + 1),
            }
        }
    }
    write(&raw.join("ucfTrainTestlist/trainlist01.txt"), &train);
    write(&raw.join("ucfTrainTestlist/testlist01.txt"), &test);
    let summary = run(&job("ucf101", &root)).unwrap();
    assert_eq!((summary.clips, summary.splits), (10, [6, 2, 2]));
    assert_eq!((summary.modalities["audio"], summary.modalities["video"]), (5, 10));
    assert_eq!(summary.problems["no-sound"], 5, "kept, and told");
    assert!(cells(&root, "manifest.csv", &["id", "group"])[0].ends_with(" ApplyEyeMakeup_g01"));
    let mut complete = job("ucf101", &root);
    complete.complete = true;
    let summary = run(&complete).unwrap();
    assert_eq!((summary.clips, summary.left_out, summary.known), (5, 5, 5));
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn generic_takes_a_list_or_a_folder_per_class() {
    let root = folder("generic");
    let raw = root.join("raw");
    let (film_file, wav, png) = (root.join("a.mkv"), root.join("a.wav"), root.join("a.bmp"));
    film(&film_file, 1.0, "40x30", 44_100, 1, "-c:v mpeg4 -c:a mp3");
    films::ffmpeg("-f lavfi -i sine=d=1:sample_rate=48000 -ac 2", &wav);
    films::ffmpeg("-f lavfi -i testsrc=s=20x10 -frames:v 1", &png);
    for split in ["train", "val", "test"] {
        for class in ["cat", "dog"] {
            copies(
                &film_file,
                &raw,
                &[&format!("{split}/{class}/one.mkv"), &format!("{split}/{class}/-v:2.mkv")],
            );
        }
    }
    let summary = run(&job("generic", &root)).unwrap();
    assert_eq!((summary.clips, summary.splits, summary.classes), (12, [4, 4, 4], 2));
    assert_eq!(cells(&root, "manifest.csv", &["id", "split", "label"])[0], "test/cat/-v:2 test cat");

    fs::remove_dir_all(&raw).unwrap();
    fs::remove_dir_all(root.join("set")).unwrap();
    copies(&film_file, &raw, &["films/a.mkv"]);
    copies(&wav, &raw, &["s/a.wav"]);
    copies(&png, &raw, &["p/a.bmp"]);
    let list = "name;id;audio;video;image;label;split;group;age\n\
                Ann;one;s\\a.wav;films/a.mkv;p/a.bmp;x;train;g1;30\n\
                Bob;two;;films/a.mkv;;y;train;g2;\n\
                Cy;three;s/a.wav;;;x;val;g3;1\n\
                Di;four;s/none.wav;;;y;test;g4;2\n\
                Ed;five;s/a.wav;;;y;test;g5;2\n\
                Ed;five;s/a.wav;;;x;test;g5;2\n";
    write(&raw.join("clips.csv"), list);
    let summary = run(&job("generic", &root)).unwrap();
    assert_eq!((summary.clips, summary.splits), (4, [2, 1, 1]));
    assert_eq!(
        cells(&root, "manifest.csv", &["id", "audio", "image", "video", "name", "age"]),
        [
            "five audio/five.wav   Ed 2",
            "one audio/one.wav images/one.png frames/one Ann 30",
            "three audio/three.wav   Cy 1",
            "two   frames/two Bob ",
        ]
    );
    assert_eq!(cells(&root, "problems.csv", &["id", "found"]), ["five repeated", "four missing"]);
    for escape in ["../secret.wav", "/etc/passwd", "s/../../x.wav"] {
        write(&raw.join("clips.csv"), &format!("audio,label\n{escape},x\n"));
        let error = run(&job("generic", &root)).unwrap_err().to_string();
        assert!(error.contains("leads out of the folder") && error.contains("line 2"), "{error}");
    }
    fs::remove_dir_all(&root).unwrap();
}
