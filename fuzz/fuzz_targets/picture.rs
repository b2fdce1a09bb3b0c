//! PNG and JPEG, as pictures and as depth.
#![no_main]

use counterpoint_data::{Bitmap, Levels, content_name};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = content_name(bytes);
    if let Ok(picture) = Bitmap::decode(bytes) {
        assert_eq!(picture.pixels.len(), picture.width * picture.height * picture.channels);
    }
    if let Ok(levels) = Levels::decode(bytes) {
        assert_eq!(levels.values.len(), levels.width * levels.height);
    }
});
