//! Pictures that hold numbers: class ids and depth, as the file stores them.

use std::io::Cursor;
use std::path::Path;

use png::{BitDepth, ColorType};

use crate::error::{DataError, read};

/// Most bytes of a decoded picture; a damaged header can promise terabytes.
pub(super) const LARGEST: usize = 1 << 30;

/// One channel of whole numbers, row-major.
///
/// Nothing is scaled to brightness: a value is the number in the file, for a
/// picture with a palette the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Pixels in a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Bits of a value in the file: 1, 2, 4, 8 or 16.
    pub bits: u32,
    /// `height * width` values.
    pub values: Vec<u16>,
}

impl Levels {
    /// Reads a PNG file of 1, 2, 4, 8 or 16 bits, grey or with a palette. A
    /// colour picture is read if its three channels are equal; alpha is dropped.
    ///
    /// # Errors
    /// If the file is absent, damaged, a JPEG (which changes numbers), of
    /// another format, or in colour.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::decode(&read(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
    }

    /// Decodes the content of a file, see [`Levels::read`].
    ///
    /// # Errors
    /// As [`Levels::read`]; the message does not know the file's name.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => png(bytes),
            [0xFF, 0xD8, ..] => Err(DataError::format(
                "is a JPEG picture, whose compression changes the numbers; class ids and depth must be PNG: export \
                 them again from the source, because converting this file does not restore the numbers",
            )),
            _ => Err(DataError::format(
                "is not a PNG picture; class ids and depth must be PNG with one channel of 1 to 16 bits",
            )),
        }
    }

    /// TableRow and column of the first value that does not pass.
    pub fn find(&self, passes: impl Fn(u16) -> bool) -> Option<(usize, usize)> {
        self.values.iter().position(|&v| !passes(v)).map(|at| (at / self.width, at % self.width))
    }

    /// The upper eight bits of 16, or the value where there are fewer.
    pub fn upper_byte(&self, value: u16) -> u8 {
        (value >> self.bits.saturating_sub(8)) as u8
    }
}

/// A PNG file that cannot be decoded.
pub(super) fn damaged_png(cause: png::DecodingError) -> DataError {
    DataError::format("the PNG picture is damaged; copy or convert it again").because(cause)
}

fn png(bytes: &[u8]) -> Result<Levels, DataError> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().map_err(damaged_png)?;
    let Some(size) = reader.output_buffer_size().filter(|size| *size <= LARGEST) else {
        return Err(DataError::format("the PNG picture is too large to decode"));
    };
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer).map_err(damaged_png)?;
    buffer.truncate(info.buffer_size());
    let (width, height) = (info.width as usize, info.height as usize);
    let samples = info.color_type.samples();
    let bits = match info.bit_depth {
        BitDepth::One => 1,
        BitDepth::Two => 2,
        BitDepth::Four => 4,
        BitDepth::Eight => 8,
        BitDepth::Sixteen => 16,
    };
    let unpacked = unpack(&buffer, info.line_size, width * samples, bits);
    let values = match info.color_type {
        ColorType::Grayscale | ColorType::Indexed => unpacked,
        ColorType::GrayscaleAlpha => unpacked.into_iter().step_by(2).collect(),
        ColorType::Rgb | ColorType::Rgba => {
            let pixels = unpacked.chunks_exact(samples);
            if pixels.clone().any(|p| p[0] != p[1] || p[0] != p[2]) {
                return Err(DataError::format(
                    "is a colour picture, expected one channel of numbers; class ids and depth must be grey \
                     values or palette indices of a PNG",
                ));
            }
            pixels.map(|p| p[0]).collect()
        }
    };
    Ok(Levels { width, height, bits, values })
}

/// The values of rows of bytes; below 8 bits several share a byte, the first in its upper bits.
fn unpack(buffer: &[u8], line: usize, across: usize, bits: u32) -> Vec<u16> {
    let value = |row: &[u8], at: usize| match bits {
        16 => u16::from_be_bytes([row[2 * at], row[2 * at + 1]]),
        8 => u16::from(row[at]),
        _ => {
            let share = 8 / bits as usize;
            let shift = 8 - bits * (at % share + 1) as u32;
            u16::from(row[at / share] >> shift) & ((1 << bits) - 1)
        }
    };
    buffer.chunks_exact(line.max(1)).flat_map(|row| (0..across).map(move |at| value(row, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(side: [u32; 2], color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, side[0], side[1]);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            // The colours must not matter, and are all the same.
            encoder.set_palette([90_u8; 48].to_vec());
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    #[test]
    fn every_depth_and_palette_gives_the_numbers_of_the_file() {
        // Rows of five end inside a byte below 8 bits.
        let numbers = [0, 1, 1, 0, 1, 1, 0, 0, 1, 0];
        let files: [(ColorType, BitDepth, Vec<u8>); 7] = [
            (ColorType::Grayscale, BitDepth::One, vec![0b0110_1000, 0b1001_0000]),
            (ColorType::Grayscale, BitDepth::Two, vec![0b0001_0100, 0b0100_0000, 0b0100_0001, 0]),
            (ColorType::Grayscale, BitDepth::Four, vec![0x01, 0x10, 0x10, 0x10, 0x01, 0x00]),
            (ColorType::Grayscale, BitDepth::Eight, numbers.map(|n| n as u8).to_vec()),
            (ColorType::Grayscale, BitDepth::Sixteen, numbers.iter().flat_map(|n| [0, *n as u8]).collect()),
            (ColorType::Indexed, BitDepth::One, vec![0b0110_1000, 0b1001_0000]),
            (ColorType::Indexed, BitDepth::Eight, numbers.map(|n| n as u8).to_vec()),
        ];
        for (color, depth, data) in files {
            let levels = Levels::decode(&encode([5, 2], color, depth, &data)).unwrap();
            assert_eq!((levels.width, levels.height), (5, 2));
            assert_eq!(levels.values, numbers, "{color:?} {depth:?}");
        }
        let four = encode([2, 1], ColorType::Indexed, BitDepth::Four, &[0xFA]);
        assert_eq!(Levels::decode(&four).unwrap().values, [15, 10]);
    }

    #[test]
    fn sixteen_bits_are_whole_and_alpha_is_dropped() {
        let data = [0x12, 0x34, 0xFF, 0xFF, 0x00, 0xFF, 0x00, 0x00];
        let deep = Levels::decode(&encode([4, 1], ColorType::Grayscale, BitDepth::Sixteen, &data)).unwrap();
        assert_eq!((deep.bits, &deep.values[..]), (16, &[0x1234, 0xFFFF, 0xFF, 0][..]));
        assert_eq!(deep.upper_byte(0x1234), 0x12);
        let alpha = encode([2, 1], ColorType::GrayscaleAlpha, BitDepth::Eight, &[7, 0, 9, 255]);
        assert_eq!(Levels::decode(&alpha).unwrap().values, [7, 9]);
        let equal = encode([2, 1], ColorType::Rgb, BitDepth::Eight, &[7, 7, 7, 9, 9, 9]);
        assert_eq!(Levels::decode(&equal).unwrap().values, [7, 9]);
        assert_eq!(Levels::decode(&equal).unwrap().find(|v| v < 8), Some((0, 1)));
    }

    #[test]
    fn what_would_change_numbers_is_refused() {
        let message = |bytes: &[u8]| Levels::decode(bytes).unwrap_err().to_string();
        let colour = encode([1, 1], ColorType::Rgb, BitDepth::Eight, &[7, 7, 8]);
        assert!(message(&colour).contains("is a colour picture"));
        assert!(message(&[0xFF, 0xD8, 0xFF]).contains("is a JPEG picture"));
        assert!(message(b"GIF89a").contains("not a PNG"));
        let whole = encode([9, 9], ColorType::Grayscale, BitDepth::Eight, &[3; 81]);
        assert!(message(&whole[..45]).contains("PNG picture is damaged"));
    }
}
