//! `.npz` and `.safetensors` archives as a data set.
#![no_main]

use std::sync::LazyLock;

use counterpoint_fuzz::Folder;
use libfuzzer_sys::fuzz_target;

const NPZ: &str =
    "name = \"features\"\nroot = \"set.npz\"\nmodalities = [\"audio\", \"text\"]\ncheck = \"off\"";
const SAFETENSORS: &str =
    "name = \"features\"\nroot = \"set.safetensors\"\nmodalities = [\"audio\"]\ncheck = \"off\"";

static FOLDERS: LazyLock<[Folder; 2]> = LazyLock::new(|| {
    let npz = include_bytes!("../corpus/arrays/stored.npz");
    let safetensors = include_bytes!("../corpus/arrays/set.safetensors");
    [
        Folder::new("npz", NPZ, &[("set.npz", npz)]),
        Folder::new("safetensors", SAFETENSORS, &[("set.safetensors", safetensors)]),
    ]
});

fuzz_target!(|bytes: &[u8]| {
    let [npz, safetensors] = &*FOLDERS;
    match bytes.starts_with(b"PK") {
        true => npz.read_with("set.npz", bytes),
        false => safetensors.read_with("set.safetensors", bytes),
    }
});
