//! The CSV of a manifest, of which every file is there.
#![no_main]

use std::sync::LazyLock;

use counterpoint_fuzz::{Scratch, open_and_read};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Scratch> = LazyLock::new(|| {
    let folder = Scratch::new("manifest");
    folder.write("a.wav", include_bytes!("../corpus/sound/pcm16.wav"));
    folder.write("a.png", include_bytes!("../corpus/picture/rgb.png"));
    folder
});

const DATA: &str = r#"
name = "manifest"
root = "manifest.csv"
check = "off"
[modality.audio]
kind = "audio"
[modality.image]
kind = "image"
"#;

fuzz_target!(|bytes: &[u8]| {
    FOLDER.write("manifest.csv", bytes);
    open_and_read(DATA, FOLDER.path());
});
