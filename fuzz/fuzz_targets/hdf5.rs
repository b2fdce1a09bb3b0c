//! HDF5, as `.csd` and MATLAB 7.3 have it.
#![no_main]

use std::io::Cursor;

use counterpoint_formats::hdf5::{Address, Hdf5};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = Hdf5::open(Cursor::new(bytes)) else { return };
    let mut objects: Vec<(Address, usize)> = vec![(file.root(), 0)];
    let mut left = 64;
    while let Some((at, depth)) = objects.pop() {
        left -= 1;
        if left == 0 {
            return;
        }
        match file.members(at) {
            Ok(members) if depth < 3 => {
                objects.extend(members.into_iter().take(8).map(|(_, at)| (at, depth + 1)))
            }
            Ok(_) => {}
            Err(_) => {
                let Ok(set) = file.dataset(at) else { continue };
                let rows = set.shape.first().copied().unwrap_or(1);
                let _ = file.rows(&set, 0..set.step().min(rows));
            }
        }
    }
});
