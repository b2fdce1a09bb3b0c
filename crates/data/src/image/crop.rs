//! Random crops and mirror images for training.

use counterpoint_batch::random::Random;

use crate::decode::Bitmap;
use crate::image::resize;

/// Draws of a window before the fallback is taken.
const TRIES: usize = 10;

/// A random window (left, top, width, height) of a picture.
///
/// Area uniform in `least_area..=1` of the picture, aspect ratio
/// log-uniform in 3/4..=4/3; after ten windows that do not fit, the largest
/// centred one within these ratios. This is torchvision's `RandomResizedCrop`.
pub fn window(width: usize, height: usize, least_area: f64, rng: &mut Random) -> [usize; 4] {
    let area = (width * height) as f64;
    for _ in 0..TRIES {
        let target = area * rng.between(least_area, 1.0);
        let aspect = rng.between((0.75f64).ln(), (4.0f64 / 3.0).ln()).exp();
        let wide = (target * aspect).sqrt().round() as usize;
        let high = (target / aspect).sqrt().round() as usize;
        if (1..=width).contains(&wide) && (1..=height).contains(&high) {
            return [rng.below(width - wide + 1), rng.below(height - high + 1), wide, high];
        }
    }
    let ratio = width as f64 / height as f64;
    let (wide, high) = if ratio < 0.75 {
        (width, (width as f64 / 0.75).round() as usize)
    } else if ratio > 4.0 / 3.0 {
        ((height as f64 * 4.0 / 3.0).round() as usize, height)
    } else {
        (width, height)
    };
    [(width - wide.min(width)) / 2, (height - high.min(height)) / 2, wide.min(width), high.min(height)]
}

/// A random window scaled to a size, mirrored with probability one half if asked for.
pub fn random_crop(
    picture: &Bitmap,
    size: [usize; 2],
    least_area: f64,
    flip: bool,
    rng: &mut Random,
) -> Bitmap {
    let [left, top, wide, high] = window(picture.width, picture.height, least_area, rng);
    let mut scaled = resize(&picture.crop(left, top, wide, high), size[1], size[0]);
    if flip && rng.uniform() < 0.5 {
        mirror(&mut scaled);
    }
    scaled
}

/// Exchanges left and right.
pub fn mirror(picture: &mut Bitmap) {
    let channels = picture.channels;
    for row in picture.pixels.chunks_exact_mut(picture.width * channels) {
        row.reverse();
        row.chunks_exact_mut(channels).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_batch::random::RngKey;

    #[test]
    fn windows_fit_and_keep_to_their_area_and_aspect() {
        let mut rng = RngKey::new(3).rng();
        for _ in 0..500 {
            let [left, top, wide, high] = window(100, 80, 0.08, &mut rng);
            assert!(left + wide <= 100 && top + high <= 80);
            let (area, aspect) = ((wide * high) as f64 / 8000.0, wide as f64 / high as f64);
            assert!((0.07..=1.0).contains(&area) && (0.70..=1.42).contains(&aspect), "{area} {aspect}");
        }
    }

    #[test]
    fn a_sliver_falls_back_to_its_centre() {
        let mut rng = RngKey::new(3).rng();
        assert_eq!(window(1000, 3, 1.0, &mut rng), [498, 0, 4, 3]);
        assert_eq!(window(3, 1000, 1.0, &mut rng), [0, 498, 3, 4]);
        assert_eq!(window(1, 1, 0.08, &mut rng), [0, 0, 1, 1]);
    }

    #[test]
    fn a_mirror_keeps_channels_together() {
        let mut picture = Bitmap { width: 2, height: 1, channels: 3, pixels: vec![1, 2, 3, 4, 5, 6] };
        mirror(&mut picture);
        assert_eq!(picture.pixels, [4, 5, 6, 1, 2, 3]);
    }
}
