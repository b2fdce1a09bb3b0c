//! Arrays of NumPy.
#![no_main]

use counterpoint_batch::npy::{NpyArray, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = decode(bytes) {
        // What was read is written so that it reads the same.
        let again = decode(&encode(&array)).expect("an own array");
        let bits =
            |array: &NpyArray| array.doubles().map(|x| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        assert_eq!((bits(&array), array.names()), (bits(&again), again.names()));
    }
});
