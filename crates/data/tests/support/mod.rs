//! What several test files need: reference arrays, and small files made on the spot.

#![allow(dead_code)] // each test file uses its part

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file of `tests/reference`.
pub fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

/// Shape and data bytes of a version 1 `.npy` file.
pub fn npy(name: &str) -> (Vec<usize>, Vec<u8>) {
    let bytes = fs::read(reference(name)).unwrap();
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = String::from_utf8(bytes[10..10 + length].to_vec()).unwrap();
    let shape = header.split_once('(').unwrap().1.split_once(')').unwrap().0;
    let shape = shape.split(',').filter_map(|side| side.trim().parse().ok()).collect();
    (shape, bytes[10 + length..].to_vec())
}

/// Shape and row-major values of a `<f4` file; librosa saves its matrices column by column.
pub fn npy_f32(name: &str) -> (Vec<usize>, Vec<f32>) {
    let (shape, bytes) = npy(name);
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let columns_first =
        fs::read(reference(name)).unwrap()[..128].windows(21).any(|w| w == b"'fortran_order': True");
    match shape[..] {
        [rows, columns] if columns_first => {
            let value = |i: usize| values[i % columns * rows + i / columns];
            let values = (0..values.len()).map(value).collect();
            (shape, values)
        }
        _ => (shape, values),
    }
}

/// A version 1 `.npy` file.
pub fn write_npy(path: &Path, descr: &str, shape: &str, data: &[u8]) {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    fs::write(path, bytes).unwrap();
}

/// A tone of this many samples at 8 kHz, mono, 16 bit.
pub fn write_wav(path: &Path, samples: usize, pitch: f32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..samples {
        writer.write_sample(((i as f32 * pitch).sin() * 9000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

/// A grey picture whose pixels depend on `seed`.
pub fn write_png(path: &Path, width: u32, height: u32, seed: u32) {
    let pixels: Vec<u8> = (0..width * height)
        .map(|i| i.wrapping_mul(i).wrapping_mul(3).wrapping_add(i * 7 + seed * 31) as u8)
        .collect();
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// A folder of its own that goes away with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("counterpoint-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
