//! WAV in all its encodings, FLAC, MP3, Ogg Vorbis.
#![no_main]

use counterpoint_data::Wave;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(wave) = Wave::decode(bytes) {
        assert!(wave.rate > 0, "a recording without a rate");
    }
});
