//! Bilinear scaling with the result of Pillow's `Image.resize(.., BILINEAR)`.
//!
//! When a picture shrinks, the triangle filter widens with the scale, so
//! every source pixel counts (plain bilinear sampling would skip most).
//! Pillow rounds the weights to 22-bit fixed point and the pixels to 8 bits
//! after each of two passes, rows first; so does this.

use std::borrow::Cow;
use std::ops::Range;

use counterpoint_kernels::{Loops, vectorised};

use super::turn::{ROWS, columns, rows};
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

    /// The first source pixel of a target pixel, and the weights from there on.
    #[inline(always)]
    fn of(&self, target: usize) -> (usize, &[i32]) {
        let (first, place) = &self.spans[target];
        (*first, &self.all[place.clone()])
    }
}

/// The picture in another size; the aspect ratio is not kept.
///
/// A target side of 0 counts as 1.
#[must_use]
pub fn resize(picture: &Bitmap, width: usize, height: usize) -> Bitmap {
    let part = Part { left: 0, top: 0, width: picture.width, height: picture.height, mirrored: false };
    part.resize(picture, width, height)
}

/// A window that lies inside a picture, and whether left and right change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
    pub mirrored: bool,
}

impl Part {
    /// The window of a picture in another size, as [`resize`] of that window alone.
    pub fn resize(self, picture: &Bitmap, width: usize, height: usize) -> Bitmap {
        let (width, height) = (width.max(1), height.max(1));
        let whole = [self.width, self.height] == [picture.width, picture.height];
        let wide = if self.mirrored || width != self.width {
            let weights = &Weights::new(self.width, width);
            Cow::Owned(vectorised(Rows { picture, part: self, width, weights }))
        } else if whole {
            Cow::Borrowed(picture)
        } else {
            Cow::Owned(picture.crop(self.left, self.top, self.width, self.height))
        };
        if height == wide.height {
            return wide.into_owned();
        }
        vectorised(Columns { picture: &wide, height, weights: &Weights::new(wide.height, height) })
    }
}

/// Scales every row of a window. Those of a block are turned first, so that a pixel of all of them is a vector: side
/// by side in memory are the channels of a pixel, which are too few.
struct Rows<'a> {
    picture: &'a Bitmap,
    part: Part,
    width: usize,
    weights: &'a Weights,
}

impl Loops for Rows<'_> {
    type Output = Bitmap;

    #[inline(always)]
    fn run(self) -> Bitmap {
        let (Part { left, top, width, height, mirrored }, channels) = (self.part, self.picture.channels);
        let stride = self.picture.width * channels;
        let inside = left * channels..(left + width) * channels;
        let mut scaled = vec![0; self.width * height * channels];
        let mut from = vec![[0u8; ROWS]; width * channels];
        let mut to = vec![[0u8; ROWS]; self.width * channels];
        let source = self.picture.pixels[top * stride..][..height * stride].chunks(ROWS * stride);
        for (source, target) in source.zip(scaled.chunks_mut(ROWS * to.len())) {
            columns(source.chunks_exact(stride).map(|row| &row[inside.clone()]), &mut from);
            for (target, to) in to.chunks_exact_mut(channels).enumerate() {
                let (first, weights) =
                    self.weights.of(if mirrored { self.width - 1 - target } else { target });
                for (channel, to) in to.iter_mut().enumerate() {
                    let mut sums = [HALF; ROWS];
                    let columns = from[first * channels + channel..].iter().step_by(channels);
                    for (column, &weight) in columns.zip(weights) {
                        for at in 0..ROWS {
                            sums[at] += i32::from(column[at]) * weight;
                        }
                    }
                    for at in 0..ROWS {
                        to[at] = level(sums[at]);
                    }
                }
            }
            rows(&to, target.chunks_exact_mut(to.len()));
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
        for (target, out) in scaled.chunks_exact_mut(stride).enumerate() {
            let (first, weights) = self.weights.of(target);
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

    #[test]
    fn a_mirrored_window_is_the_window_alone_with_its_pixels_turned_around() {
        for (channels, width, height) in [(1, 37, 70), (3, 80, 41)] {
            let pixels = (0..width * height * channels).map(|at| (at * at / 7 + 31 * at) as u8).collect();
            let picture = Bitmap::new(width, height, channels, pixels).unwrap();
            for (wide, high) in [(20, 33), (33, 20), (40, 8), (1, 1)] {
                let part = Part { left: 3, top: 5, width: 33, height: 35, mirrored: false };
                let expected = resize(&picture.crop(3, 5, 33, 35), wide, high);
                assert_eq!(part.resize(&picture, wide, high), expected, "{wide} x {high}");
                let found = Part { mirrored: true, ..part }.resize(&picture, wide, high);
                let row = |row: &[u8]| row.chunks(channels).rev().flatten().copied().collect::<Vec<_>>();
                let pixels: Vec<u8> = expected.pixels.chunks(wide * channels).flat_map(row).collect();
                assert_eq!(found, Bitmap { pixels, ..expected }, "{wide} x {high}, mirrored");
            }
        }
    }
}
