//! Colours that stand for numbers.

use crate::image::rgb;

/// Dark to bright at equal steps: matplotlib's `viridis`.
const RAMP: [[f32; 3]; 10] = [
    [68.0, 1.0, 84.0],
    [72.0, 40.0, 120.0],
    [62.0, 74.0, 137.0],
    [49.0, 104.0, 142.0],
    [38.0, 130.0, 142.0],
    [31.0, 158.0, 137.0],
    [53.0, 183.0, 121.0],
    [109.0, 205.0, 89.0],
    [180.0, 222.0, 44.0],
    [253.0, 231.0, 37.0],
];

/// The colour of a number between two limits; beyond them that of the limit.
pub fn ramp(value: f32, [low, high]: [f32; 2]) -> [u8; 3] {
    let last = RAMP.len() - 1;
    let place = ((value - low) / (high - low).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0) * last as f32;
    let below = (place as usize).min(last - 1);
    let share = place - below as f32;
    [0, 1, 2].map(|i| (RAMP[below][i] + share * (RAMP[below + 1][i] - RAMP[below][i])).round() as u8)
}

/// Least and largest of the numbers.
pub fn range(values: &[f32]) -> [f32; 2] {
    values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], v| [low.min(*v), high.max(*v)])
}

/// A colour of its own for each class or word.
pub fn distinct(number: usize) -> [u8; 3] {
    // Steps of the golden section stay far from each other on the circle.
    let hue = (number as f64 * 0.618_033_988_75).fract() as f32;
    let value = [0.95, 0.7, 0.5][number % 3];
    rgb([hue, 0.7, value]).map(|v| (v * 255.0).round() as u8)
}
