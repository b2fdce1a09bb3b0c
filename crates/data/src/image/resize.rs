//! Bilinear scaling with the result of Pillow's `Image.resize(.., BILINEAR)`.
//!
//! When a picture shrinks, the triangle filter widens with the scale, so
//! every source pixel counts (plain bilinear sampling would skip most).
//! Pillow rounds the weights to 22-bit fixed point and the pixels to 8 bits
//! after each of two passes, rows first; so does this.

use crate::decode::Bitmap;

/// Fractional bits of a weight.
const BITS: u32 = 22;
/// One half in fixed point: makes cutting off round to the nearest.
const HALF: i32 = 1 << (BITS - 1);

/// The source pixels of one target pixel.
struct Span {
    first: usize,
    weights: Vec<i32>,
}

/// Weights from a side of `from` pixels to one of `to`.
fn spans(from: usize, to: usize) -> Vec<Span> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    (0..to)
        .map(|target| {
            let centre = (target as f64 + 0.5) * scale;
            let first = ((centre - support + 0.5) as isize).max(0) as usize;
            let end = ((centre + support + 0.5) as usize).min(from).max(first + 1);
            let triangle: Vec<f64> = (first..end)
                .map(|source| (1.0 - ((source as f64 - centre + 0.5) / support).abs()).max(0.0))
                .collect();
            let total: f64 = triangle.iter().sum();
            let weights =
                triangle.iter().map(|w| (w / total * f64::from(1u32 << BITS)).round() as i32).collect();
            Span { first, weights }
        })
        .collect()
}

/// The picture in another size; the aspect ratio is not kept.
///
/// A target side of 0 counts as 1.
#[must_use]
pub fn resize(picture: &Bitmap, width: usize, height: usize) -> Bitmap {
    let (width, height) = (width.max(1), height.max(1));
    let wide = if width == picture.width { picture.clone() } else { rows(picture, width) };
    if height == wide.height { wide } else { columns(&wide, height) }
}

/// Scales every row.
fn rows(picture: &Bitmap, width: usize) -> Bitmap {
    let channels = picture.channels;
    let spans = spans(picture.width, width);
    let mut pixels = Vec::with_capacity(width * picture.height * channels);
    for row in picture.pixels.chunks_exact(picture.width * channels) {
        for span in &spans {
            for channel in 0..channels {
                let source = row[span.first * channels + channel..].iter().step_by(channels);
                let sum = source.zip(&span.weights).map(|(&p, &w)| i32::from(p) * w).sum::<i32>();
                pixels.push(level(sum + HALF));
            }
        }
    }
    Bitmap { width, height: picture.height, channels, pixels }
}

/// Scales every column, a whole row of sums at a time: rows lie side by side in memory.
fn columns(picture: &Bitmap, height: usize) -> Bitmap {
    let stride = picture.width * picture.channels;
    let mut pixels = Vec::with_capacity(stride * height);
    let mut sums = vec![0i32; stride];
    for span in spans(picture.height, height) {
        sums.fill(HALF);
        let rows = picture.pixels.chunks_exact(stride).skip(span.first);
        for (row, &weight) in rows.zip(&span.weights) {
            sums.iter_mut().zip(row).for_each(|(sum, &pixel)| *sum += i32::from(pixel) * weight);
        }
        pixels.extend(sums.iter().map(|&sum| level(sum)));
    }
    Bitmap { width: picture.width, height, channels: picture.channels, pixels }
}

/// A weighted sum that began at [`HALF`], as a grey level.
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
