//! Random crops and mirror images for training.

use counterpoint_batch::random::Random;

use crate::decode::Bitmap;
use crate::image::resize::Part;

/// Draws of a window before the fallback is taken.
const TRIES: usize = 10;

/// How windows are drawn: torchvision's `scale` and `ratio` of `RandomResizedCrop`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowRule {
    /// Least and largest share of the area of the picture.
    pub area: [f64; 2],
    /// Least and largest ratio of width to height.
    pub ratio: [f64; 2],
}

impl WindowRule {
    /// The usual ratios.
    pub const RATIO: [f64; 2] = [0.75, 4.0 / 3.0];

    /// What is wrong with it.
    pub fn fault(self) -> Option<String> {
        let Self { area: [least, most], ratio: [narrow, wide] } = self;
        if !(least > 0.0 && least <= most && most <= 1.0) {
            let got = if most == 1.0 { format!("{least}") } else { format!("[{least}, {most}]") };
            return Some(format!("`crop` must be above 0 and at most 1, the lower limit first, got {got}"));
        }
        let fits = narrow >= 0.01 && narrow <= wide && wide <= 100.0;
        (!fits).then(|| {
            format!("`ratio` must be from 0.01 to 100, the lower limit first, got [{narrow}, {wide}]")
        })
    }
}

/// A random window (left, top, width, height) of a picture.
///
/// Area uniform between the limits, ratio of width to height log-uniform;
/// after ten windows that do not fit, the largest centred one within these
/// ratios. This is torchvision's `RandomResizedCrop`.
pub fn window(width: usize, height: usize, rule: WindowRule, rng: &mut Random) -> [usize; 4] {
    let (area, [narrow, widest]) = ((width * height) as f64, rule.ratio);
    for _ in 0..TRIES {
        let target = area * rng.between(rule.area[0], rule.area[1]);
        let aspect = rng.between(narrow.ln(), widest.ln()).exp();
        let wide = (target * aspect).sqrt().round() as usize;
        let high = (target / aspect).sqrt().round() as usize;
        if (1..=width).contains(&wide) && (1..=height).contains(&high) {
            return [rng.below(width - wide + 1), rng.below(height - high + 1), wide, high];
        }
    }
    let ratio = width as f64 / height as f64;
    let (wide, high) = if ratio < narrow {
        (width, (width as f64 / narrow).round() as usize)
    } else if ratio > widest {
        ((height as f64 * widest).round() as usize, height)
    } else {
        (width, height)
    };
    [(width - wide.min(width)) / 2, (height - high.min(height)) / 2, wide.min(width), high.min(height)]
}

/// A random window scaled to a size, mirrored with a probability.
pub fn random_crop(
    picture: &Bitmap,
    size: [usize; 2],
    rule: WindowRule,
    flip: f64,
    rng: &mut Random,
) -> Bitmap {
    let [left, top, width, height] = window(picture.width, picture.height, rule, rng);
    let mirrored = flip > 0.0 && rng.uniform() < flip;
    Part { left, top, width, height, mirrored }.resize(picture, size[1], size[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_batch::random::RngKey;

    fn from(least: f64) -> WindowRule {
        WindowRule { area: [least, 1.0], ratio: WindowRule::RATIO }
    }

    #[test]
    fn windows_fit_and_keep_to_their_area_and_aspect() {
        let mut rng = RngKey::new(3).rng();
        for _ in 0..500 {
            let [left, top, wide, high] = window(100, 80, from(0.08), &mut rng);
            assert!(left + wide <= 100 && top + high <= 80);
            let (area, aspect) = ((wide * high) as f64 / 8000.0, wide as f64 / high as f64);
            assert!((0.07..=1.0).contains(&area) && (0.70..=1.42).contains(&aspect), "{area} {aspect}");
        }
    }

    #[test]
    fn windows_keep_to_other_limits() {
        let rule = WindowRule { area: [0.2, 0.3], ratio: [2.0, 2.0] };
        let mut rng = RngKey::new(4).rng();
        for _ in 0..200 {
            let [left, top, wide, high] = window(400, 400, rule, &mut rng);
            let (area, aspect) = ((wide * high) as f64 / 160_000.0, wide as f64 / high as f64);
            assert!(left + wide <= 400 && top + high <= 400);
            assert!((0.195..=0.305).contains(&area) && (1.97..=2.03).contains(&aspect), "{area} {aspect}");
        }
        let fault = |area, ratio| WindowRule { area, ratio }.fault().unwrap();
        assert!(fault([0.5, 0.2], WindowRule::RATIO).contains("got [0.5, 0.2]"));
        assert!(fault([0.0, 1.0], WindowRule::RATIO).contains("`crop` must be above 0"));
        assert!(fault([0.5, 1.0], [2.0, 1.0]).contains("`ratio` must be from 0.01 to 100"));
        assert!(fault([0.5, 1.0], [f64::NAN, 1.0]).contains("`ratio`"));
        assert_eq!(from(0.08).fault(), None);
    }

    #[test]
    fn pictures_are_mirrored_with_their_probability() {
        let picture = Bitmap::new(2, 2, 1, vec![0, 255, 0, 255]).unwrap();
        let mirrored = |flip| {
            let crop = |seed| random_crop(&picture, [2, 2], from(1.0), flip, &mut RngKey::new(seed).rng());
            (0..1000).filter(|&seed| crop(seed).pixels == [255, 0, 255, 0]).count()
        };
        assert_eq!((mirrored(0.0), mirrored(1.0)), (0, 1000));
        assert!(mirrored(0.2).abs_diff(200) < 50 && mirrored(0.5).abs_diff(500) < 60);
    }

    #[test]
    fn a_sliver_falls_back_to_its_centre() {
        let mut rng = RngKey::new(3).rng();
        assert_eq!(window(1000, 3, from(1.0), &mut rng), [498, 0, 4, 3]);
        assert_eq!(window(3, 1000, from(1.0), &mut rng), [0, 498, 3, 4]);
        assert_eq!(window(1, 1, from(0.08), &mut rng), [0, 0, 1, 1]);
    }
}
