//! A white picture to draw on.

use super::font;
use crate::decode::Bitmap;

/// Dark grey of letters.
pub const INK: [u8; 3] = [34, 34, 34];
/// Light grey of borders and of what is absent.
pub const PALE: [u8; 3] = [205, 205, 205];

/// Pixels in red, green and blue.
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255; width * height * 3] }
    }

    /// Fills a rectangle as far as it is on the canvas.
    pub fn fill(&mut self, [left, top]: [usize; 2], [width, height]: [usize; 2], colour: [u8; 3]) {
        let (right, below) = ((left + width).min(self.width), (top + height).min(self.height));
        for row in top..below {
            for column in left..right {
                let at = (row * self.width + column) * 3;
                self.pixels[at..at + 3].copy_from_slice(&colour);
            }
        }
    }

    /// A picture with a thin border around it.
    pub fn picture(&mut self, [left, top]: [usize; 2], picture: &Bitmap) {
        self.fill([left - 1, top - 1], [picture.width + 2, picture.height + 2], PALE);
        for (row, line) in picture.pixels.chunks_exact(picture.width * 3).enumerate() {
            for (column, pixel) in line.chunks_exact(3).enumerate() {
                self.fill([left + column, top + row], [1, 1], [pixel[0], pixel[1], pixel[2]]);
            }
        }
    }

    /// A line of text whose letters are `scale` times as large.
    pub fn text(&mut self, [left, top]: [usize; 2], scale: usize, text: &str) {
        for (place, letter) in text.chars().enumerate() {
            for (column, row) in font::pixels(letter) {
                let at = [left + (place * font::ADVANCE + column) * scale, top + row * scale];
                self.fill(at, [scale; 2], INK);
            }
        }
    }

    pub fn finish(self) -> Bitmap {
        Bitmap { width: self.width, height: self.height, channels: 3, pixels: self.pixels }
    }
}
