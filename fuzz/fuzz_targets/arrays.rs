//! `.npz` and `.safetensors` archives as a data set.
#![no_main]

use std::sync::LazyLock;

use counterpoint_fuzz::{Scratch, open_and_read};
use libfuzzer_sys::fuzz_target;

static FOLDER: LazyLock<Scratch> = LazyLock::new(|| Scratch::new("arrays"));

fuzz_target!(|bytes: &[u8]| {
    let name = if bytes.starts_with(b"PK") { "set.npz" } else { "set.safetensors" };
    FOLDER.write(name, bytes);
    open_and_read(&format!("name = \"features\"\nroot = \"{name}\"\nmodalities = [\"*\"]\ncheck = \"off\""), FOLDER.path());
});
