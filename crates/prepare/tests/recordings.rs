//! What recordings can be: rates, channels, containers, odd sizes, rotation, damage; and calls that are stopped.

mod films;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use counterpoint_data::{Bitmap, Wave};
use counterpoint_prepare::{Encoding, ErrorKind, Frames, Job};
use films::{ffmpeg, film, job, run};
use support::{cells, folder};

/// Every file below a folder with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            found.extend(contents(&entry));
        } else {
            found.insert(entry.display().to_string(), fs::read(&entry).unwrap());
        }
    }
    found
}

#[test]
fn every_usual_container_rate_and_size_is_read() {
    let root = folder("containers");
    let raw = root.join("raw/x");
    film(
        &raw.join("mono16.mp4"),
        2.0,
        "61x35",
        16_000,
        1,
        "-vf pad=62:36 -c:v libx264 -pix_fmt yuv420p -c:a aac",
    );
    film(&raw.join("stereo44.flv"), 2.0, "61x35", 44_100, 2, "-c:v flv1 -c:a mp3");
    film(&raw.join("stereo48.avi"), 2.0, "61x35", 48_000, 2, "-c:v mjpeg -pix_fmt yuvj420p -c:a pcm_s16le");
    film(&raw.join("mpeg.mpg"), 2.0, "64x48", 44_100, 2, "-c:v mpeg1video -c:a mp2");
    let upright = root.join("upright.mp4");
    film(&upright, 2.0, "64x32", 44_100, 1, "-c:v mpeg4 -c:a aac");
    ffmpeg(&format!("-i {} -c copy -metadata:s:v:0 rotate=90", upright.display()), &raw.join("rotated.mp4"));
    let mut job = job("generic", &root);
    job.settings.encoding = Encoding::Png;
    job.settings.frames = Frames::PerSecond(2.0);
    let summary = run(&job).unwrap();
    assert_eq!(
        (summary.clips, summary.left_out),
        (5, 0),
        "{:?}",
        cells(&root, "problems.csv", &["id", "reason"])
    );
    for name in ["mono16", "stereo44", "stereo48", "mpeg", "rotated"] {
        let wave = Wave::read(&root.join(format!("set/audio/x/{name}.wav"))).unwrap();
        let seconds = wave.samples.len() as f64 / 16_000.0;
        assert!(wave.rate == 16_000 && (1.9..2.15).contains(&seconds), "{name}: {seconds} s");
        let loudest = wave.samples.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!((0.08..0.14).contains(&loudest), "{name}: channels are averaged: {loudest}");
        assert_eq!(fs::read_dir(root.join(format!("set/frames/x/{name}"))).unwrap().count(), 4, "{name}");
    }
    let side = |name: &str| {
        let picture = Bitmap::read(&root.join(format!("set/frames/x/{name}/00001.png"))).unwrap();
        (picture.width, picture.height)
    };
    assert_eq!((side("stereo44"), side("mpeg")), ((61, 35), (64, 48)));
    assert_eq!(side("rotated"), (32, 64), "as it is looked at");
    // Two calls give the same bytes.
    let first = contents(&root.join("set/frames"));
    fs::remove_dir_all(root.join("set")).unwrap();
    job.jobs = 1;
    run(&job).unwrap();
    assert!(contents(&root.join("set/frames")) == first);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn frames_are_those_of_their_times() {
    let root = folder("times");
    // 3 s of 10 frames a second, each as bright as its number.
    ffmpeg(
        "-f lavfi -i color=black:s=16x16:r=10:d=3,geq=lum='N*8':cb=128:cr=128 -c:v ffv1",
        &root.join("raw/x/grey.mkv"),
    );
    let shown = |frames: Frames, size: Option<[u32; 2]>| -> Vec<f64> {
        let mut job = job("generic", &root);
        job.settings.frames = frames;
        job.settings.encoding = Encoding::Png;
        job.settings.size = size;
        run(&job).unwrap();
        let folder = root.join("set/frames/x/grey");
        let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        let number = |file: &PathBuf| {
            let picture = Bitmap::read(file).unwrap();
            // Black is 16 and white 235 in the film.
            (f64::from(picture.pixels[0]) * 219.0 / 255.0 + 16.0) / 8.0
        };
        files.iter().map(|f| number(f).round()).collect()
    };
    assert_eq!(shown(Frames::PerSecond(1.0), None), [5.0, 15.0, 25.0]);
    assert_eq!(shown(Frames::Spread(1), None), [15.0]);
    assert_eq!(shown(Frames::Spread(3), None), [5.0, 15.0, 25.0]);
    assert_eq!(shown(Frames::Spread(2), Some([640, 480])), [7.0, 22.0], "never enlarged");
    assert_eq!(shown(Frames::Spread(100), None).len(), 30, "each once");
    assert_eq!(cells(&root, "problems.csv", &["found", "kept"]), ["few-frames yes", "no-sound yes"]);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn bad_clips_are_left_out_by_name_and_reason() {
    let root = folder("bad");
    let raw = root.join("raw/x");
    film(&raw.join("good.mp4"), 1.0, "32x24", 16_000, 1, "-c:v mpeg4 -c:a aac");
    film(&raw.join("more.mp4"), 1.0, "40x24", 16_000, 1, "-c:v mpeg4 -c:a aac");
    film(&raw.join("fine.mp4"), 1.0, "48x24", 16_000, 1, "-c:v mpeg4 -c:a aac");
    film(&raw.join("cut.mp4"), 4.0, "64x48", 16_000, 1, "-c:v mpeg4 -c:a aac -movflags +faststart");
    film(&raw.join("headless.mp4"), 1.0, "32x24", 16_000, 1, "-c:v mpeg4 -c:a aac");
    for name in ["cut.mp4", "headless.mp4"] {
        let bytes = fs::read(raw.join(name)).unwrap();
        fs::write(raw.join(name), &bytes[..bytes.len() / 2]).unwrap();
    }
    fs::write(raw.join("empty.mp4"), "").unwrap();
    fs::write(raw.join("stub.mp4"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n").unwrap();
    fs::write(raw.join("page.mp4"), "<!DOCTYPE html><html>not found</html>").unwrap();
    fs::write(raw.join("noise.mp4"), [7; 5000]).unwrap();
    // A playlist that would have another file opened.
    fs::write(raw.join("list.mp4"), "#EXTM3U\n#EXTINF:1,\ngood.mp4\n#EXT-X-ENDLIST\n").unwrap();
    fs::write(raw.join("concat.mp4"), "ffconcat version 1.0\nfile good.mp4\n").unwrap();
    ffmpeg("-f lavfi -i testsrc=d=1:s=32x24:r=25 -an -c:v mpeg4", &raw.join("mute.mp4"));
    ffmpeg(
        "-f lavfi -i testsrc=d=1:s=32x24:r=25 -f lavfi -i sine=d=3:sample_rate=16000 -c:v mpeg4 -c:a aac",
        &raw.join("longer.mp4"),
    );
    let summary = run(&job("generic", &root)).unwrap();
    let found = cells(&root, "problems.csv", &["id", "found", "kept"]);
    assert_eq!(
        found,
        [
            "x/concat undecodable no",
            "x/cut cut-off no",
            "x/empty empty no",
            "x/headless undecodable no",
            "x/list undecodable no",
            "x/longer lengths yes",
            "x/mute no-sound yes",
            "x/noise undecodable no",
            "x/page not-media no",
            "x/stub not-media no",
        ]
    );
    assert_eq!((summary.clips, summary.left_out), (5, 8));
    let reasons = cells(&root, "problems.csv", &["reason"]).join("\n");
    assert!(reasons.contains("git lfs pull") && reasons.contains("moov atom not found"), "{reasons}");
    assert!(!reasons.contains("0x"), "no addresses: {reasons}");
    let mut damaged = job("generic", &root);
    damaged.keep_damaged = true;
    let summary = run(&damaged).unwrap();
    assert_eq!((summary.clips, summary.known), (6, 5));

    for file in fs::read_dir(&raw).unwrap().map(|e| e.unwrap().path()) {
        if !file.ends_with("empty.mp4") && !file.ends_with("page.mp4") {
            fs::remove_file(file).unwrap();
        }
    }
    fs::write(raw.join("a.mp4"), "").unwrap();
    let error = run(&job("generic", &root)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("none of the 3 clips can be used"), "{error}");
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn a_stopped_call_continues_to_the_same_bytes() {
    let root = folder("stopped");
    for name in ["a", "b", "c", "d", "e"] {
        film(&root.join(format!("raw/x/{name}.mp4")), 1.0, "32x24", 16_000, 1, "-c:v mpeg4 -c:a aac");
    }
    let mut job = job("generic", &root);
    job.jobs = 1;
    run(&job).unwrap();
    let whole = contents(&root.join("set"));
    fs::remove_dir_all(root.join("set")).unwrap();

    let (plan, stop) = (job.plan().unwrap(), AtomicBool::new(false));
    let error = job.run(&plan, &stop, &|done, _| stop.store(done == 2, Ordering::Relaxed)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(error.to_string().contains("after 2 of 5"), "{error}");
    // What a kill leaves: half a line, half a folder of frames, half a file.
    let journal = root.join("set/prepared.jsonl");
    let mut text = fs::read(&journal).unwrap();
    text.extend(b"{\"id\":\"x/c\",\"na");
    fs::write(&journal, text).unwrap();
    fs::create_dir_all(root.join("set/frames/x/c.partial")).unwrap();
    fs::write(root.join("set/frames/x/c.partial/00009.jpg"), "torn").unwrap();
    // And a file that somebody removed afterwards.
    fs::remove_file(root.join("set/audio/x/a.wav")).unwrap();
    assert_eq!(run(&job).unwrap().known, 1);
    assert!(contents(&root.join("set")) == whole);
    // A file that changed is made again, one that was only touched is not.
    let touched = root.join("raw/x/b.mp4");
    fs::write(&touched, fs::read(&touched).unwrap()).unwrap();
    film(&root.join("raw/x/a.mp4"), 1.2, "32x24", 16_000, 1, "-c:v mpeg4 -c:a aac");
    assert_eq!(run(&job).unwrap().known, 4);
    // So is everything with other settings.
    job.settings.rate = 8_000;
    assert_eq!(run(&job).unwrap().known, 0);
    assert_eq!(Wave::read(&root.join("set/audio/x/b.wav")).unwrap().rate, 8_000);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn misuse_is_told_what_to_do() {
    let root = folder("misuse");
    let told = |name: &str, to: &str| {
        let mut job = job("generic", &root);
        (job.from, job.to) = (root.join(name), root.join(to));
        let error = run(&job).unwrap_err();
        (error.kind(), error.to_string())
    };
    let (kind, text) = told("none", "set");
    assert!(kind == ErrorKind::Data && text.contains("give the folder that holds"), "{text}");
    fs::create_dir_all(root.join("raw")).unwrap();
    let (kind, text) = told("raw", "set");
    assert!(kind == ErrorKind::Data && text.contains("holds no clip") && text.contains("labels:"), "{text}");
    let (kind, text) = told("raw", "raw/set");
    assert!(kind == ErrorKind::Usage && text.contains("lies in the folder of the recordings"), "{text}");
    fs::create_dir_all(root.join("thesis")).unwrap();
    fs::write(root.join("thesis/all.doc"), "x").unwrap();
    let (kind, text) = told("raw", "thesis");
    assert!(kind == ErrorKind::Usage && text.contains("not made by this command"), "{text}");
    let error = counterpoint_prepare::layout::named("cremad").err().unwrap().to_string();
    assert!(error.contains("crema-d"), "{error}");
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn clips_are_cut_from_whole_recordings_on_demand() {
    let root = folder("uncut");
    let raw = root.join("raw");
    // Grey for two seconds, then black; a tone all the time.
    fs::create_dir_all(&raw).unwrap();
    ffmpeg(
        "-f lavfi -i color=gray:d=2:s=32x24:r=25 -f lavfi -i color=black:d=12:s=32x24:r=25 -f lavfi -i \
         sine=d=14:sample_rate=16000 -filter_complex [0:v][1:v]concat=n=2:v=1[v] -map [v] -map 2:a -c:v mpeg4 -c:a aac",
        &raw.join("abc.mp4"),
    );
    let lines =
        |starts: &[u32]| starts.iter().map(|start| format!("abc,{start},tone,train\n")).collect::<String>();
    fs::write(raw.join("vggsound.csv"), lines(&[0, 3, 9])).unwrap();
    // Without the option the whole recording is no clip.
    let error = run(&job("vggsound", &root)).unwrap_err().to_string();
    assert!(error.contains("no file has its name"), "{error}");
    let mut cut = job("vggsound", &root);
    cut.uncut = true;
    cut.settings.frames = Frames::Spread(5);
    let summary = run(&cut).unwrap();
    assert_eq!((summary.clips, summary.left_out), (2, 1));
    assert_eq!(cells(&root, "problems.csv", &["id", "found"]), ["abc_000009 cut-off"]);
    let seconds = |id: &str| {
        let wave = Wave::read(&root.join(format!("set/audio/{id}.wav"))).unwrap();
        wave.samples.len() as f64 / f64::from(wave.rate)
    };
    assert!((seconds("abc_000000") - 10.0).abs() < 0.1 && (seconds("abc_000003") - 10.0).abs() < 0.1);
    let level = |id: &str, frame: usize| {
        Bitmap::read(&root.join(format!("set/frames/{id}/{frame:05}.jpg"))).unwrap().pixels[0]
    };
    assert!(level("abc_000000", 1) > 100 && level("abc_000000", 2) < 30, "middles at 1 and 3 s");
    assert!(level("abc_000003", 1) < 30 && level("abc_000003", 5) < 30);
    // Another part of the same recording is another clip.
    assert_eq!(run(&cut).unwrap().known, 2);
    let error = Job { uncut: true, ..job("generic", &root) }.plan().err().unwrap().to_string();
    assert!(error.contains("--uncut"), "{error}");
    fs::remove_dir_all(&root).unwrap();
}

const CHILD: &str = "COUNTERPOINT_TEST_FULL";

/// Not a test by itself: prepares where the next one says, and tells how it ended.
#[test]
fn child_that_prepares() {
    let Some(root) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let mut job = job("generic", &root);
    job.jobs = 1;
    match run(&job) {
        Err(error) if error.kind() == ErrorKind::Files => panic!("refused: {error}"),
        Err(error) => panic!("another error: {error}"),
        Ok(summary) => assert_eq!(summary.left_out, 0),
    }
}

/// What the child says when no file of it can be larger than so many blocks.
#[cfg(unix)]
fn limited(root: &Path, blocks: &str) -> (bool, String) {
    let output = Command::new("sh")
        // A write beyond the limit is then an error, as on a full disk, and kills nobody.
        .args(["-c", "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"", "sh", blocks])
        .arg(std::env::current_exe().unwrap())
        .args(["child_that_prepares", "--exact", "--nocapture"])
        .env(CHILD, root)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[cfg(unix)]
#[test]
fn a_write_that_fails_is_no_broken_clip() {
    let root = folder("full");
    for name in ["one", "two"] {
        // Noise makes large frames: the sound takes 32 kB, a frame more than 100 kB.
        film(
            &root.join(format!("raw/x/{name}.mkv")),
            1.0,
            "320x240",
            16_000,
            1,
            "-vf geq=random(1)*255:128:128 -c:v ffv1 -c:a pcm_s16le",
        );
    }
    let (success, text) = limited(&root, "96");
    assert!(!success && text.contains("refused: cannot write"), "{text}");
    assert!(text.contains("00001.jpg"), "it names the frame: {text}");
    assert!(!root.join("set/frames/x/one").exists());

    // Frames of one colour are smaller than the sound.
    for name in ["one", "two"] {
        film(
            &root.join(format!("raw/x/{name}.mkv")),
            4.0,
            "32x24",
            16_000,
            1,
            "-vf geq=100:128:128 -c:v ffv1 -c:a pcm_s16le",
        );
    }
    let (success, text) = limited(&root, "32");
    assert!(!success && text.contains("refused: cannot write") && text.contains(".wav"), "{text}");
    // The same command continues where there is room.
    let (success, text) = limited(&root, "unlimited");
    assert!(success, "{text}");
    assert!(root.join("set/audio/x/one.wav").exists());
    fs::remove_dir_all(&root).unwrap();
}
