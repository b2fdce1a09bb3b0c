//! Tar archives of samples.
#![no_main]

use std::sync::LazyLock;

use counterpoint_fuzz::{Scratch, open_and_read};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Scratch> = LazyLock::new(|| Scratch::new("shards"));

const DATA: &str = r#"
name = "shards"
root = "train.tar"
stratify = true
check = "off"
[modality.image]
kind = "image"
[modality.text]
kind = "text"
[modality.age]
kind = "numeric"
"#;

fuzz_target!(|bytes: &[u8]| {
    FOLDER.write("train.tar", bytes);
    open_and_read(DATA, FOLDER.path());
});
