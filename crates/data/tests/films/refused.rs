//! Films that cannot be used, and what is said of them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use counterpoint_data::{DataConfig, Preparation};

use super::{CACHE, USUAL, ffmpeg, film, folder, manifest, message};

#[test]
fn without_a_folder_for_it_the_key_is_named() {
    let folder = folder("no-cache");
    let text = message(&folder, "");
    assert!(text.contains("sample `0`") && text.contains("0.mp4` is an MP4 video"), "{text}");
    assert!(text.contains("set `cache_dir` = \"cache\""), "{text}");
}

#[test]
fn each_broken_clip_is_named_with_what_to_do() {
    let folder = folder("broken");
    let broken = folder.file("3.mp4");
    let told = |words: &[&str]| {
        let text = message(&folder, CACHE);
        assert!(text.contains("sample `3`") && text.contains("test split"), "{text}");
        words.iter().for_each(|word| assert!(text.contains(word), "{word}: {text}"));
        assert!(text.contains("nothing was trained"), "{text}");
    };
    film(&broken, 1, 4.0, "-c:v mpeg4 -c:a aac -movflags +faststart");
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    told(&["3.mp4", "cut off", "says 4.0", "--keep-damaged"]);
    film(&broken, 1, 1.0, USUAL);
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    told(&["3.mp4", "moov atom not found", "get the file again"]);
    ffmpeg("-f lavfi -i testsrc=d=1:s=32x24:r=25 -an -c:v mpeg4", &broken);
    told(&["sound of sample", "has no sound", "leave its cell empty"]);
    ffmpeg("-f lavfi -i sine=d=1:sample_rate=16000 -c:a aac", &broken);
    told(&["face of sample", "has no moving picture"]);
    // A playlist that would have another file opened.
    fs::write(&broken, "\0\0\0\x20ftypisom#EXTM3U\n#EXTINF:1,\n0.mp4\n#EXT-X-ENDLIST\n").unwrap();
    told(&["3.mp4", "cannot be decoded"]);
}

#[test]
fn what_is_no_film_is_called_by_its_name_when_the_list_is_read() {
    let folder = folder("no-film");
    let broken = folder.file("3.mp4");
    for (content, words) in
        [("", "empty"), ("<!DOCTYPE html>", "web page"), ("version https://git-lfs.x", "git lfs")]
    {
        fs::write(&broken, content).unwrap();
        let text = message(&folder, CACHE);
        assert!(text.contains("line 5") && text.contains("3.mp4") && text.contains(words), "{text}");
    }
}

#[test]
fn keys_that_do_nothing_or_cannot_be_are_refused() {
    let folder = folder("keys");
    for (keys, words) in [
        ("film_fps = 0.0", "`film_fps` must be above 0"),
        ("film_frames = 0", "`film_frames` must be from 1"),
        ("film_frames = 3\nfilm_fps = 1.0", "exclude each other"),
        ("film_size = 4", "`film_size` must be from 16 to 16384"),
    ] {
        let text = format!(
            "name = \"manifest\"\nroot = \"clips.csv\"\n[modality.face]\nkind = \"video\"\nsize = 8\n{keys}"
        );
        let error =
            DataConfig::from_toml(&text).and_then(|config| config.open(&folder.0)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let grid = "name = \"grid\"\nroot = \".\"\n[video]\nfilm_fps = 2.0";
    fs::write(
        folder.file("clips.csv"),
        "id,split,letter,letter_id,letter_f0,letter_f1,letter_s0,letter_s1\n1,train,a,0,0,1,0,1\n",
    )
    .unwrap();
    let error = DataConfig::from_toml(grid).unwrap().open(&folder.0).unwrap_err().to_string();
    assert!(error.contains("`film_fps`"), "{error}");
}

#[test]
fn a_model_takes_a_film_as_it_was_trained_with() {
    let folder = folder("predict");
    let splits = manifest(CACHE).open(&folder.0).unwrap();
    for (at, preparation) in splits.preparations.iter().enumerate() {
        let saved: Preparation = serde_json::from_str(&serde_json::to_string(preparation).unwrap()).unwrap();
        let array = saved.prepare_file(&folder.file("1.mp4")).unwrap();
        assert_eq!(Some(array), splits.train.sample(1, None).unwrap().inputs[at]);
    }
}

const CHILD: &str = "COUNTERPOINT_TEST_NO_FFMPEG";

/// Not a test by itself: opens the set where the next one says, and tells how it ended.
#[test]
fn child_without_ffmpeg() {
    let Some(root) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let opened =
        manifest(CACHE).open(&root).and_then(|splits| splits.check(counterpoint_data::Check::Quick, 1));
    panic!("{}", opened.map_or_else(|error| error.to_string(), |()| "it worked".into()));
}

#[test]
fn without_ffmpeg_the_cache_serves_and_else_the_program_is_named() {
    let folder = folder("no-ffmpeg");
    let child = || {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["refused::child_without_ffmpeg", "--exact", "--nocapture"])
            .env(CHILD, &folder.0)
            .env("PATH", &folder.0)
            .output()
            .unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let text = child();
    assert!(text.contains("the program `ffmpeg`") && text.contains("not in PATH"), "{text}");
    assert!(text.contains("install it:"), "{text}");
    manifest(CACHE).open(&folder.0).unwrap().check(counterpoint_data::Check::Quick, 2).unwrap();
    let text = child();
    assert!(text.contains("it worked"), "{text}");
}
