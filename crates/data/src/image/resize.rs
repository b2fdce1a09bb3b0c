//! Bilinear scaling with the result of Pillow's `Image.resize(.., BILINEAR)`.
//!
//! When a picture shrinks, the triangle filter widens with the scale, so
//! every source pixel counts (plain bilinear sampling would skip most).
//! Pillow rounds the weights to 22-bit fixed point and the pixels to 8 bits
//! after each of two passes, rows first; so does this.

use std::borrow::Cow;
use std::ops::Range;

use counterpoint_kernels::{Loops, vectorised};

use crate::decode::Bitmap;

/// Fractional bits of a weight.
const BITS: u32 = 22;
/// One half in fixed point: makes cutting off round to the nearest.
const HALF: i32 = 1 << (BITS - 1);

/// Weights from one side of a picture to another.
struct Weights {
    /// Of each target pixel the first source pixel and the place of its weights.
    spans: Vec<(usize, Range<usize>)>,
    all: Vec<i32>,
}

impl Weights {
    /// From a side of `from` pixels to one of `to`.
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        let support = scale.max(1.0);
        let mut weights =
            Self { spans: Vec::with_capacity(to), all: Vec::with_capacity(to * (2 + 2 * support as usize)) };
        for target in 0..to {
            let centre = (target as f64 + 0.5) * scale;
            let first = ((centre - support + 0.5) as isize).max(0) as usize;
            let end = ((centre + support + 0.5) as usize).min(from).max(first + 1);
            let triangle = |source: usize| (1.0 - ((source as f64 - centre + 0.5) / support).abs()).max(0.0);
            let total: f64 = (first..end).map(triangle).sum();
            let begin = weights.all.len();
            let fixed = |source| (triangle(source) / total * f64::from(1u32 << BITS)).round() as i32;
            weights.all.extend((first..end).map(fixed));
            weights.spans.push((first, begin..weights.all.len()));
        }
        weights
    }

    /// Of each target pixel the first source pixel and the weights from there on.
    fn iter(&self) -> impl Iterator<Item = (usize, &[i32])> {
        self.spans.iter().map(|(first, place)| (*first, &self.all[place.clone()]))
    }
}

/// The picture in another size; the aspect ratio is not kept.
///
/// A target side of 0 counts as 1.
#[must_use]
pub fn resize(picture: &Bitmap, width: usize, height: usize) -> Bitmap {
    let (width, height) = (width.max(1), height.max(1));
    let wide = if width == picture.width {
        Cow::Borrowed(picture)
    } else {
        Cow::Owned(vectorised(Rows { picture, width, weights: &Weights::new(picture.width, width) }))
    };
    if height == wide.height {
        return wide.into_owned();
    }
    vectorised(Columns { picture: &wide, height, weights: &Weights::new(wide.height, height) })
}

/// Rows that are scaled at once.
const BLOCK: usize = 32;

/// Scales every row. Rows of a block are turned first, so that a pixel of all of them is a vector: side by side in
/// memory are the channels of a pixel, which are too few.
struct Rows<'a> {
    picture: &'a Bitmap,
    width: usize,
    weights: &'a Weights,
}

impl Loops for Rows<'_> {
    type Output = Bitmap;

    #[inline(always)]
    fn run(self) -> Bitmap {
        let Bitmap { width, height, channels, ref pixels } = *self.picture;
        let mut scaled = vec![0; self.width * height * channels];
        let mut from = vec![[0u8; BLOCK]; width * channels];
        let mut to = vec![[0u8; BLOCK]; self.width * channels];
        let (source, target) = (width * channels * BLOCK, self.width * channels * BLOCK);
        for (source, target) in pixels.chunks(source).zip(scaled.chunks_mut(target)) {
            for (at, row) in source.chunks_exact(from.len()).enumerate() {
                from.iter_mut().zip(row).for_each(|(column, &pixel)| column[at] = pixel);
            }
            for ((first, weights), to) in self.weights.iter().zip(to.chunks_exact_mut(channels)) {
                for (channel, to) in to.iter_mut().enumerate() {
                    let mut sums = [HALF; BLOCK];
                    let columns = from[first * channels + channel..].iter().step_by(channels);
                    for (column, &weight) in columns.zip(weights) {
                        for at in 0..BLOCK {
                            sums[at] += i32::from(column[at]) * weight;
                        }
                    }
                    for at in 0..BLOCK {
                        to[at] = level(sums[at]);
                    }
                }
            }
            for (at, row) in target.chunks_exact_mut(to.len()).enumerate() {
                row.iter_mut().zip(&to).for_each(|(pixel, column)| *pixel = column[at]);
            }
        }
        Bitmap { width: self.width, height, channels, pixels: scaled }
    }
}

/// Scales every column, a whole row of sums at a time: rows lie side by side in memory.
struct Columns<'a> {
    picture: &'a Bitmap,
    height: usize,
    weights: &'a Weights,
}

impl Loops for Columns<'_> {
    type Output = Bitmap;

    #[inline(always)]
    fn run(self) -> Bitmap {
        let Bitmap { width, channels, ref pixels, .. } = *self.picture;
        let stride = width * channels;
        let mut scaled = vec![0; stride * self.height];
        let mut sums = vec![0i32; stride];
        for ((first, weights), out) in self.weights.iter().zip(scaled.chunks_exact_mut(stride)) {
            sums.fill(HALF);
            for (row, &weight) in pixels[first * stride..].chunks_exact(stride).zip(weights) {
                sums.iter_mut().zip(row).for_each(|(sum, &pixel)| *sum += i32::from(pixel) * weight);
            }
            out.iter_mut().zip(&sums).for_each(|(out, &sum)| *out = level(sum));
        }
        Bitmap { width, height: self.height, channels, pixels: scaled }
    }
}

/// A weighted sum that began at [`HALF`], as a grey level.
#[inline(always)]
fn level(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// Mean of each block of `factor` x `factor` pixels, as exact numbers in 0..=255.
///
/// Pixels beyond the last whole block are left out.
pub fn block_means(picture: &Bitmap, factor: usize) -> Vec<f32> {
    let (factor, channels) = (factor.max(1), picture.channels);
    let (width, height) = (picture.width / factor, picture.height / factor);
    let mut means = vec![0.0; width * height * channels];
    for row in 0..height * factor {
        for column in 0..width * factor {
            for channel in 0..channels {
                let pixel = picture.pixels[(row * picture.width + column) * channels + channel];
                means[(row / factor * width + column / factor) * channels + channel] += f32::from(pixel);
            }
        }
    }
    let area = (factor * factor) as f32;
    means.iter_mut().for_each(|mean| *mean /= area);
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_averaged_without_rounding() {
        let picture = Bitmap { width: 5, height: 2, channels: 1, pixels: vec![1, 2, 9, 9, 7, 4, 4, 8, 9, 7] };
        assert_eq!(block_means(&picture, 2), [2.75, 8.75]);
        assert_eq!(block_means(&picture, 1)[4], 7.0);
    }

    #[test]
    fn a_flat_picture_stays_flat_at_every_size() {
        let picture = Bitmap { width: 7, height: 5, channels: 3, pixels: vec![203; 105] };
        for (width, height) in [(1, 1), (3, 11), (64, 2), (7, 5)] {
            let scaled = resize(&picture, width, height);
            assert_eq!(scaled.pixels, vec![203; width * height * 3]);
        }
    }
}
