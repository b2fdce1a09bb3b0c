//! The encodings of sound in WAV files, all as 32-bit numbers.

use std::io::SeekFrom;
use std::ops::Range;

use symphonia::core::io::MediaSource;

use super::{mono, unreadable};
use crate::error::DataError;

/// Frames that are decoded at once.
const BLOCK: u64 = 1 << 16;

/// How one value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// 8 bits, 128 is silence.
    Unsigned,
    /// Two's complement of 2, 3 or 4 bytes.
    Signed(usize),
    /// IEEE numbers of 4 or 8 bytes.
    Float(usize),
    /// ITU-T G.711 A-law.
    ALaw,
    /// ITU-T G.711 mu-law.
    MuLaw,
}

impl Encoding {
    /// The encoding of a format tag with the given bytes and bits per value.
    pub fn new(tag: usize, size: usize, bits: usize) -> Result<Self, DataError> {
        Ok(match (tag, size) {
            (1, 1) => Self::Unsigned,
            (1, 2..=4) => Self::Signed(size),
            (3, 4 | 8) => Self::Float(size),
            (6, 1) => Self::ALaw,
            (7, 1) => Self::MuLaw,
            _ => {
                let name = match tag {
                    1 => "PCM",
                    2 => "MS ADPCM",
                    3 => "floating-point",
                    6 => "A-law",
                    7 => "mu-law",
                    0x11 => "IMA ADPCM",
                    0x31 => "GSM 6.10",
                    0x50 => "MPEG",
                    0x55 => "MP3",
                    0x160..=0x163 => "WMA",
                    0xFF | 0x1600..=0x1610 => "AAC",
                    0x2000 => "AC-3",
                    _ => "other",
                };
                return Err(DataError::format(format!(
                    "the wav file holds {name} sound (format tag {tag}, {bits} bits), expected PCM of 8 to 32 bits, \
                     float, A-law or mu-law; convert it: ffmpeg -i FILE -c:a pcm_s16le FILE.wav"
                )));
            }
        })
    }

    /// Bytes of a value.
    pub fn size(self) -> usize {
        match self {
            Self::Unsigned | Self::ALaw | Self::MuLaw => 1,
            Self::Signed(size) | Self::Float(size) => size,
        }
    }

    /// The value of its bytes; full scale of an integer is -1 to just below 1.
    fn value(self, bytes: &[u8], big_endian: bool) -> f32 {
        let push = |n: u64, byte: &u8| (n << 8) | u64::from(*byte);
        let word = if big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) };
        match self {
            Self::Unsigned => (f64::from(bytes[0]) / 128.0 - 1.0) as f32,
            Self::Signed(size) => {
                // The sign comes to the uppermost bit, so every width has one scale.
                let number = (word << (64 - 8 * size)) as i64;
                (number as f64 / 2f64.powi(63)) as f32
            }
            Self::Float(8) => f64::from_bits(word) as f32,
            Self::Float(_) => f32::from_bits(word as u32),
            Self::ALaw => f32::from(a_law(bytes[0])) / 32_768.0,
            Self::MuLaw => f32::from(mu_law(bytes[0])) / 32_768.0,
        }
    }
}

/// How the values lie in a file, as its header says.
#[derive(Debug)]
pub struct Layout {
    pub rate: u32,
    pub channels: usize,
    pub encoding: Encoding,
    pub big_endian: bool,
    /// Stretches of the file with sound, in bytes; usually one.
    pub data: Vec<Range<u64>>,
}

/// G.711 table 1a: sign, three bits of exponent, four of mantissa; even bits inverted.
fn a_law(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let (exponent, mantissa) = (code >> 4 & 7, i16::from(code & 15) << 4);
    let size = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
    if code & 0x80 == 0 { -size } else { size }
}

/// G.711 table 2a: the same with all bits inverted and a bias of 33 in 14 bits.
fn mu_law(byte: u8) -> i16 {
    let code = !byte;
    let size = (((i16::from(code & 15) << 3) + 0x84) << (code >> 4 & 7)) - 0x84;
    if code & 0x80 == 0 { size } else { -size }
}

/// The mean of the channels over a stretch of frames, less at the end.
pub fn read(
    source: &mut dyn MediaSource,
    layout: &Layout,
    frames: Range<usize>,
) -> Result<Vec<f32>, DataError> {
    let (block, size) = (layout.block(), layout.encoding.size());
    let (mut out, mut before) = (Vec::new(), 0);
    for stretch in &layout.data {
        let count = (stretch.end - stretch.start) / block;
        // Which of its frames are wanted.
        let inside = |frame: usize| (frame as u64).saturating_sub(before).min(count);
        let (mut from, to) = (inside(frames.start), inside(frames.end));
        source.seek(SeekFrom::Start(stretch.start + from * block)).map_err(unreadable)?;
        while from < to {
            let now = (to - from).min(BLOCK);
            let mut bytes = vec![0; (now * block) as usize];
            source.read_exact(&mut bytes).map_err(unreadable)?;
            let value = |bytes: &[u8]| layout.encoding.value(bytes, layout.big_endian);
            if (layout.encoding, layout.channels, layout.big_endian) == (Encoding::Signed(2), 1, false) {
                // What most files hold, as a loop that becomes vectors.
                let pairs = bytes.as_chunks::<2>().0;
                out.extend(pairs.iter().map(|&pair| f32::from(i16::from_le_bytes(pair)) / 32_768.0));
            } else {
                let values: Vec<f32> = bytes.chunks_exact(size).map(value).collect();
                out.extend(mono(&values, layout.channels));
            }
            from += now;
        }
        before += count;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companded_sound_by_the_tables_of_g711() {
        // The largest, the smallest and one in between of each, as in the tables.
        for (byte, value) in [(0xD5, 8), (0x55, -8), (0xAA, 32_256), (0x2A, -32_256), (0xC4, 280)] {
            assert_eq!(a_law(byte), value, "A-law {byte:#x}");
        }
        for (byte, value) in [(0xFF, 0), (0x7F, 0), (0x80, 32_124), (0x00, -32_124), (0xEF, 132)] {
            assert_eq!(mu_law(byte), value, "mu-law {byte:#x}");
        }
    }

    #[test]
    fn numbers_of_every_width_have_one_scale() {
        let half = |encoding: Encoding, bytes: &[u8]| assert_eq!(encoding.value(bytes, true), 0.5);
        half(Encoding::Unsigned, &[192]);
        half(Encoding::Signed(2), &[0x40, 0]);
        half(Encoding::Signed(3), &[0x40, 0, 0]);
        half(Encoding::Signed(4), &[0x40, 0, 0, 0]);
        half(Encoding::Float(4), &0.5f32.to_be_bytes());
        half(Encoding::Float(8), &0.5f64.to_be_bytes());
        assert_eq!(Encoding::Signed(3).value(&[0, 0, 0x80], false), -1.0);
    }
}
