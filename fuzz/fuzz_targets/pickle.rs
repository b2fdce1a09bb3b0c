//! Python's pickles, their arrays included.
#![no_main]

use std::io::Cursor;

use counterpoint_formats::pickle::{Object, Pickle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = Cursor::new(bytes);
    let Ok(pickle) = Pickle::read(&mut file) else { return };
    let _ = pickle.values(&mut file, pickle.root());
    let Object::Dict(entries) = pickle.get(pickle.root()) else { return };
    for (_, value) in entries.iter().take(8) {
        if let Ok(array) = pickle.values(&mut file, *value)
            && array.shape.first().is_some_and(|&rows| rows > 0)
        {
            let _ = pickle.rows(&mut file, *value, 0..1);
        }
    }
});
