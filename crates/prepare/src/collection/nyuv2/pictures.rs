//! Pictures as PNG.

use png::{BitDepth, ColorType, Compression, Encoder};

/// One channel or three, 8 or 16 bits; `values` are the bytes of a PNG, row by row.
pub fn encode(width: usize, height: usize, colour: ColorType, depth: BitDepth, values: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Into memory, with as many bytes as the sides say, which 32 bits hold: this cannot fail.
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(values));
    debug_assert!(written.is_ok(), "{written:?}");
    bytes
}

/// A grey picture of 8 bits.
pub fn grey(width: usize, height: usize, values: &[u8]) -> Vec<u8> {
    encode(width, height, ColorType::Grayscale, BitDepth::Eight, values)
}

/// A grey picture of 16 bits.
pub fn deep(width: usize, height: usize, values: &[u16]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    encode(width, height, ColorType::Grayscale, BitDepth::Sixteen, &bytes)
}
