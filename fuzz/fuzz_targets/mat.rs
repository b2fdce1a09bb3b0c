//! MATLAB's files of level 5.
#![no_main]

use counterpoint_formats::mat::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = read(bytes);
});
