//! Tar archives of samples.
#![no_main]

use std::sync::LazyLock;

use counterpoint_fuzz::Folder;
use libfuzzer_sys::fuzz_target;

const DATA: &str = r#"
name = "shards"
root = "train.tar"
stratify = true
fractions = [0.5, 0.25, 0.25]
check = "off"
[modality.image]
kind = "image"
size = 8
[modality.text]
kind = "text"
min_count = 1
[modality.age]
kind = "numeric"
"#;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    Folder::new("shards", DATA, &[("train.tar", include_bytes!("../corpus/shards/six.tar"))])
});

fuzz_target!(|bytes: &[u8]| FOLDER.read_with("train.tar", bytes));
