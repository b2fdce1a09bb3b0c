//! Random views of a scene that several pictures show alike: colour, depth
//! and label of one camera.

use counterpoint_batch::random::{Random, RngKey};
use serde::{Deserialize, Serialize};

use crate::decode::{Bitmap, Levels};
use crate::image::resize::Part;

/// How views are drawn in training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewRule {
    /// The scene is enlarged by up to this factor, at least 1, and a random
    /// window of the usual size is shown.
    pub zoom: f64,
    /// Whether half of the views are mirrored.
    pub flip: bool,
}

/// A window of the scene, in pixels of its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View(Part);

impl View {
    /// Everything of pictures of a height and width.
    pub fn whole([height, width]: [usize; 2]) -> Self {
        Self(Part { left: 0, top: 0, width, height, mirrored: false })
    }

    /// A random one; the same for all pictures of one size and one draw.
    pub fn draw([high, wide]: [usize; 2], rule: ViewRule, draw: RngKey) -> Self {
        let mut rng = draw.rng();
        let zoom = rng.between(1.0, rule.zoom);
        let side = |side: usize| ((side as f64 / zoom).round() as usize).clamp(1, side);
        let (width, height) = (side(wide), side(high));
        let left = rng.below(wide - width + 1);
        let top = rng.below(high - height + 1);
        Self(Part { left, top, width, height, mirrored: rule.flip && rng.uniform() < 0.5 })
    }

    /// The view in a height and width, bilinear with every source pixel
    /// counted when it shrinks.
    pub fn smooth(self, picture: &Bitmap, [height, width]: [usize; 2]) -> Bitmap {
        self.0.resize(picture, width, height)
    }

    /// The view in a height and width, each pixel that of the nearest source;
    /// numbers are never mixed.
    pub fn nearest(self, picture: &Levels, [height, width]: [usize; 2]) -> Levels {
        let source = |to: usize, side: usize, span: usize| ((2 * to + 1) * span) / (2 * side);
        let Part { left, top, width: wide, height: high, mirrored } = self.0;
        let mut columns: Vec<usize> = (0..width).map(|x| left + source(x, width, wide)).collect();
        if mirrored {
            columns.reverse();
        }
        let rows = (0..height).map(|y| (top + source(y, height, high)) * picture.width);
        let values = rows.flat_map(|row| columns.iter().map(move |x| picture.values[row + x])).collect();
        Levels { width, height, bits: picture.bits, values }
    }
}

/// Multiplies hue, saturation and value of RGB pixels in 0..=1, each by its
/// own factor from `1 - spread` to `1 + spread`, and limits them to 1.
pub fn shift_colours(pixels: &mut [f32], spread: f64, rng: &mut Random) {
    let [h, s, v] = [(); 3].map(|()| rng.between(1.0 - spread, 1.0 + spread) as f32);
    for pixel in pixels.chunks_exact_mut(3) {
        let [hue, saturation, value] = hsv([pixel[0], pixel[1], pixel[2]]);
        pixel.copy_from_slice(&rgb([(hue * h).min(1.0), (saturation * s).min(1.0), (value * v).min(1.0)]));
    }
}

/// Hue (a share of the circle), saturation and value.
pub fn hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let (top, low) = (r.max(g).max(b), r.min(g).min(b));
    let range = top - low;
    if range <= 0.0 {
        return [0.0, 0.0, top];
    }
    let sixth = if top == r {
        ((g - b) / range).rem_euclid(6.0)
    } else if top == g {
        (b - r) / range + 2.0
    } else {
        (r - g) / range + 4.0
    };
    [sixth / 6.0, range / top, top]
}

/// Red, green and blue of a hue, saturation and value.
pub fn rgb([hue, saturation, value]: [f32; 3]) -> [f32; 3] {
    let channel = |offset: f32| {
        let k = (offset + hue * 6.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: ViewRule = ViewRule { zoom: 1.4, flip: true };

    fn levels(picture: &Bitmap) -> Levels {
        let values = picture.pixels.iter().map(|&p| u16::from(p)).collect();
        Levels { width: picture.width, height: picture.height, bits: 8, values }
    }

    #[test]
    fn one_draw_shows_the_same_place_in_every_picture() {
        // Pixel values tell their column, so smooth and nearest must agree up to a pixel.
        let pixels: Vec<u8> = (0..40 * 60).map(|i| (i % 60 * 4) as u8).collect();
        let picture = Bitmap::new(60, 40, 1, pixels).unwrap();
        let mut shown = std::collections::BTreeSet::new();
        for seed in 0..30 {
            let view = View::draw([40, 60], RULE, RngKey::new(seed));
            assert_eq!(view, View::draw([40, 60], RULE, RngKey::new(seed)));
            let Part { left, top, width, height, mirrored } = view.0;
            assert!(left + width <= 60 && top + height <= 40 && width >= 43);
            let (a, b) = (view.smooth(&picture, [20, 30]), view.nearest(&levels(&picture), [20, 30]));
            let near = a.pixels.iter().zip(&b.values).all(|(a, b)| u16::from(*a).abs_diff(*b) <= 8);
            assert!(near, "{view:?}");
            shown.insert((left, mirrored));
        }
        assert!(shown.len() > 8, "draws differ");
    }

    #[test]
    fn the_nearest_pixel_of_the_whole_by_hand() {
        let picture = Bitmap::new(4, 2, 1, vec![0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
        let (view, numbers) = (View::whole([2, 4]), levels(&picture));
        assert_eq!(view.nearest(&numbers, [1, 2]).values, [5, 7]);
        assert_eq!(view.nearest(&numbers, [2, 4]), numbers);
        let mirrored = View(Part { mirrored: true, ..view.0 });
        assert_eq!(mirrored.nearest(&numbers, [1, 2]).values, [7, 5]);
        assert_eq!(mirrored.smooth(&picture, [2, 4]).pixels, [3, 2, 1, 0, 7, 6, 5, 4]);
    }

    #[test]
    fn colours_go_to_hue_and_back() {
        assert_eq!(hsv([1.0, 0.0, 0.0]), [0.0, 1.0, 1.0]);
        assert_eq!(hsv([0.0, 0.5, 0.5]), [0.5, 1.0, 0.5]);
        for pixel in [[0.2, 0.4, 0.9], [0.9, 0.1, 0.3], [0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.3, 0.8, 0.1]] {
            let back = rgb(hsv(pixel));
            assert!(pixel.iter().zip(back).all(|(a, b)| (a - b).abs() < 1e-6), "{pixel:?} {back:?}");
        }
        let (mut grey, mut none) = (vec![0.5; 3], vec![0.2, 0.4, 0.9]);
        shift_colours(&mut grey, 0.1, &mut RngKey::new(1).rng());
        assert!(
            grey[0] == grey[1] && grey[1] == grey[2] && (0.45..=0.55).contains(&grey[0]) && grey[0] != 0.5
        );
        shift_colours(&mut none, 0.0, &mut RngKey::new(1).rng());
        assert!(none.iter().zip([0.2, 0.4, 0.9]).all(|(a, b)| (a - b).abs() < 1e-6));
    }
}
