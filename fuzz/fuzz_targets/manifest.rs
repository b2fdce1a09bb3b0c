//! The CSV of a manifest, of which every file is there.
#![no_main]

use std::sync::LazyLock;

use counterpoint_fuzz::Folder;
use libfuzzer_sys::fuzz_target;

const DATA: &str = r#"
name = "manifest"
root = "manifest.csv"
check = "off"
[modality.audio]
kind = "audio"
[modality.image]
kind = "image"
size = 8
"#;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let csv = include_bytes!("../corpus/manifest/plain.csv");
    let (sound, picture) =
        (include_bytes!("../corpus/sound/pcm16.wav"), include_bytes!("../corpus/picture/rgb.png"));
    Folder::new("manifest", DATA, &[("manifest.csv", csv), ("a.wav", sound), ("a.png", picture)])
});

fuzz_target!(|bytes: &[u8]| FOLDER.read_with("manifest.csv", bytes));
