//! A confusion matrix as a small picture without text: the counts are in the
//! record, and the report draws them with their names.

use crate::record::Confusion;

/// Pixels along a side of the picture, about; a cell is at least one.
const SIDE: usize = 256;
/// Pixels along a side of a cell at most.
const CELL: usize = 24;
/// What a share of 0 and a share of 1 look like, in red, green and blue.
const COLOURS: [[f64; 3]; 2] = [[255.0, 255.0, 255.0], [10.0, 92.0, 194.0]];
/// A class of which there was no sample.
const NONE: [u8; 3] = [225, 225, 225];

/// Larger matrices make pictures that nobody can read.
pub(super) const MOST_CLASSES: usize = 512;

/// The matrix as a PNG file: true classes from top to bottom, predicted ones
/// from left to right, the darker the larger the share of the true class.
pub(super) fn png(confusion: &Confusion) -> Result<Vec<u8>, png::EncodingError> {
    let classes = confusion.classes();
    let cell = (SIDE / classes.max(1)).clamp(1, CELL);
    let mut pixels = Vec::with_capacity(3 * (classes * cell).pow(2));
    for truth in 0..classes {
        let total = confusion.total(truth);
        let colour = |said: usize| match total {
            0.0 => NONE,
            total => {
                let share = confusion.get(truth, said) as f64 / total;
                [0, 1, 2].map(|i| (COLOURS[0][i] + share * (COLOURS[1][i] - COLOURS[0][i])).round() as u8)
            }
        };
        let line: Vec<u8> = (0..classes).flat_map(|said| colour(said).repeat(cell)).collect();
        (0..cell).for_each(|_| pixels.extend(&line));
    }
    let (mut file, side) = (Vec::new(), (classes * cell) as u32);
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(file)
}
