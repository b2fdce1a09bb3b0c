//! An entry as bytes: twelve numbers, then the values.

use std::fs::File;
use std::io::Read;

use counterpoint_batch::Array;

use crate::decode::{Bitmap, Clip, Levels};
use crate::prepare::{Frames, Raw};
use crate::source::Source;

const MAGIC: u64 = u64::from_le_bytes(*b"cpsample");
/// Bytes of the numbers before the values: magic, key, kind, four of the kind, length, checksum.
const HEAD: usize = 12 * 8;

/// What can be kept.
pub trait Entry: Sized {
    /// A number for the kind of value, four that describe it, and its values; `None` if it is not worth keeping.
    fn parts(&self) -> Option<(u64, [u64; 4], Vec<u8>)>;

    /// The value of these parts, if they fit each other.
    fn of(kind: u64, facts: [u64; 4], values: Vec<u8>, source: &Source) -> Option<Self>;
}

/// Numbers and values of an entry, as they lie in its file.
pub fn write<T: Entry>(key: [u8; 32], value: &T) -> Option<([u8; HEAD], Vec<u8>)> {
    let (kind, facts, values) = value.parts()?;
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC.to_le_bytes());
    head[8..40].copy_from_slice(&key);
    let numbers = [kind].into_iter().chain(facts).chain([values.len() as u64]);
    head[40..88]
        .chunks_exact_mut(8)
        .zip(numbers)
        .for_each(|(to, number)| to.copy_from_slice(&number.to_le_bytes()));
    let sum = checksum(&head, &values);
    head[88..].copy_from_slice(&sum.to_le_bytes());
    Some((head, values))
}

/// The value of an entry; `None` if any of its bytes is not as it was written.
pub fn read<T: Entry>(file: &mut File, key: [u8; 32], source: &Source) -> Option<T> {
    let mut head = [0; HEAD];
    file.read_exact(&mut head).ok()?;
    let number = |at: usize| Some(u64::from_le_bytes(head[8 * at..][..8].try_into().ok()?));
    let length = number(10)?;
    if number(0)? != MAGIC
        || head[8..40] != key
        || length.checked_add(HEAD as u64)? != file.metadata().ok()?.len()
    {
        return None;
    }
    let mut values = Vec::with_capacity(usize::try_from(length).ok()?);
    file.take(length).read_to_end(&mut values).ok()?;
    let sum = number(11)?;
    if values.len() as u64 != length || checksum(&head, &values) != sum {
        return None;
    }
    T::of(number(5)?, [number(6)?, number(7)?, number(8)?, number(9)?], values, source)
}

/// CRC-32 of everything before the checksum and of the values.
fn checksum(head: &[u8; HEAD], values: &[u8]) -> u64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[..88]);
    hasher.update(values);
    u64::from(hasher.finalize())
}

fn bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0; 4 * values.len()];
    bytes.as_chunks_mut::<4>().0.iter_mut().zip(values).for_each(|(to, value)| *to = value.to_le_bytes());
    bytes
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Numbers of an array's axes: as many as its description has places for.
const AXES: usize = 4;
/// The kind of an array without its number of axes.
const ARRAY: u64 = 16;

impl Entry for Array {
    fn parts(&self) -> Option<(u64, [u64; 4], Vec<u8>)> {
        let axes = self.shape().len();
        let mut facts = [0; AXES];
        facts.get_mut(..axes)?.iter_mut().zip(self.shape()).for_each(|(to, side)| *to = *side as u64);
        Some((ARRAY + axes as u64, facts, bytes(self.values())))
    }

    fn of(kind: u64, facts: [u64; 4], values: Vec<u8>, _: &Source) -> Option<Self> {
        let axes = usize::try_from(kind.checked_sub(ARRAY)?).ok()?;
        let shape: Option<Vec<usize>> =
            facts.get(..axes)?.iter().map(|side| usize::try_from(*side).ok()).collect();
        Self::new(shape?, floats(&values)).ok()
    }
}

const CLIP: u64 = 1;
const PICTURE: u64 = 2;
const LEVELS: u64 = 3;
const FILM: u64 = 4;

impl Entry for Raw {
    fn parts(&self) -> Option<(u64, [u64; 4], Vec<u8>)> {
        Some(match self {
            Self::Wave { clip: Clip { samples, rate, begin, length }, .. } => {
                (CLIP, [u64::from(*rate), *begin as u64, *length as u64, 0], bytes(samples))
            }
            Self::Picture(picture) => (PICTURE, facts(picture, 1), picture.pixels.clone()),
            Self::Levels(Levels { width, height, bits, values }) => {
                let values = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                (LEVELS, [*width as u64, *height as u64, u64::from(*bits), 0], values)
            }
            Self::Film { frames: Frames::Decoded(frames), .. } => {
                let pixels = frames.iter().flat_map(|frame| frame.pixels.iter().copied()).collect();
                (FILM, facts(frames.first()?, frames.len()), pixels)
            }
            // Names of files, and what is in memory anyway.
            Self::Film { .. } | Self::Vector(_) | Self::Cells(_) => return None,
        })
    }

    fn of(kind: u64, facts: [u64; 4], values: Vec<u8>, source: &Source) -> Option<Self> {
        let size = |at: usize| usize::try_from(facts[at]).ok();
        let picture = |pixels| Bitmap::new(size(0)?, size(1)?, size(2)?, pixels).ok();
        Some(match (kind, source) {
            (CLIP, _) => {
                let rate = u32::try_from(facts[0]).ok()?;
                let clip = Clip { samples: floats(&values), rate, begin: size(1)?, length: size(2)? };
                let span = if let Source::Wave { span, .. } = source { *span } else { None };
                Self::Wave { clip, span }
            }
            (PICTURE, _) => Self::Picture(picture(values)?),
            (LEVELS, _) => {
                let (width, height, bits) = (size(0)?, size(1)?, u32::try_from(facts[2]).ok()?);
                let values: Vec<u16> =
                    values.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
                (values.len() == width.checked_mul(height)?).then_some(())?;
                Self::Levels(Levels { width, height, bits, values })
            }
            (FILM, _) => {
                let pixels = values.chunks_exact((values.len() / size(3)?.max(1)).max(1));
                let frames: Option<Vec<Bitmap>> = pixels.map(|pixels| picture(pixels.to_vec())).collect();
                let span = if let Source::Film { span, .. } = source { *span } else { None };
                Self::Film { frames: Frames::Decoded(frames?), span }
            }
            _ => return None,
        })
    }
}

fn facts(picture: &Bitmap, count: usize) -> [u64; 4] {
    [picture.width, picture.height, picture.channels, count].map(|number| number as u64)
}
