//! How often ffmpeg is called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use counterpoint_data::Check;

use super::support::Folder;
use super::{folder, manifest};

const ROOT: &str = "COUNTERPOINT_TEST_CALLS_ROOT";
const KEYS: &str = "COUNTERPOINT_TEST_CALLS_KEYS";

/// Not a test by itself: decodes the films of the set where another one says.
#[test]
fn child_that_decodes() {
    let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else { return };
    let keys = std::env::var(KEYS).unwrap();
    manifest(&keys).open(&root).unwrap().check(Check::Quick, 3).unwrap();
}

/// Calls of ffmpeg while the films of a set are decoded, and what it is told to write.
fn calls(folder: &Folder, keys: &str) -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap();
    let real = std::env::split_paths(&path).map(|part| part.join("ffmpeg")).find(|file| file.is_file());
    let (bin, log) = (folder.file("bin"), folder.file("log"));
    fs::create_dir_all(&bin).unwrap();
    fs::write(&log, "").unwrap();
    let script =
        format!("#!/bin/sh\necho \"$*\" >> '{}'\nexec '{}' \"$@\"\n", log.display(), real.unwrap().display());
    fs::write(bin.join("ffmpeg"), script).unwrap();
    fs::set_permissions(bin.join("ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["calls::child_that_decodes", "--exact"])
        .env(ROOT, &folder.0)
        .env(KEYS, keys)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let log = fs::read_to_string(log).unwrap();
    log.lines().filter(|line| line.contains(" -map ")).map(str::to_owned).collect()
}

/// Names and bytes of all files of a cache.
fn kept(cache: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let parts = fs::read_dir(cache).unwrap().map(|part| part.unwrap().path());
    let files = parts.flat_map(|part| fs::read_dir(part).unwrap()).map(|entry| entry.unwrap().path());
    let mut all: Vec<_> =
        files.map(|file| (file.strip_prefix(cache).unwrap().to_owned(), fs::read(&file).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn sound_and_frames_of_one_film_are_one_call_and_the_same_as_of_two() {
    let folder = folder("calls");
    let both = calls(&folder, "cache_dir = \"both\"\n");
    assert_eq!(both.len(), 4, "{both:#?}");
    assert!(both.iter().all(|call| call.contains("pcm_s16le") && call.contains("mjpeg")), "{both:#?}");
    for modality in ["sound", "face"] {
        let one = calls(&folder, &format!("cache_dir = \"each\"\nmodalities = [\"{modality}\"]\n"));
        assert_eq!(one.len(), 4, "{one:#?}");
        assert!(one.iter().all(|call| call.contains("pcm_s16le") != call.contains("mjpeg")), "{one:#?}");
    }
    assert!(kept(&folder.file("both")) == kept(&folder.file("each")));
    // Nothing is decoded for what is there, and only what is missing for the rest.
    assert!(calls(&folder, "cache_dir = \"both\"\n").is_empty());
    calls(&folder, "cache_dir = \"half\"\nmodalities = [\"sound\"]\n");
    let rest = calls(&folder, "cache_dir = \"half\"\n");
    assert!(rest.len() == 4 && rest.iter().all(|call| !call.contains("pcm_s16le")), "{rest:#?}");
    assert!(kept(&folder.file("half")) == kept(&folder.file("both")));
}
