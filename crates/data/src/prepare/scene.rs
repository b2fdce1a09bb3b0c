//! Pictures that show one scene alike, and the label map that belongs to them.

use std::path::PathBuf;

use counterpoint_batch::ClassMap;
use counterpoint_batch::random::RngKey;
use serde::{Deserialize, Serialize};

use crate::augment::Jitter;
use crate::decode::{Bitmap, Levels};
use crate::error::{DataError, ErrorKind};
use crate::image::{View, ViewRule, shift_colours};
use crate::source::Source;

/// Random numbers of one sample: what its modalities draw alike, and what one draws by itself.
#[derive(Clone, Copy, Debug)]
pub struct AugmentKeys {
    pub shared: RngKey,
    pub own: RngKey,
}

/// What a picture of a scene shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SceneRole {
    /// Three channels, scaled bilinearly, in 0..=1.
    Colour,
    /// One channel, the nearest pixel, the number of the file; 16 bits are kept.
    Measured,
    /// One channel, the nearest pixel, its upper 8 bits as a share of 255: what
    /// older runs were trained on. Only their preparations say this.
    Depth,
}

/// Steps from a picture of a scene to an array `[channels, height, width]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneSteps {
    /// What the picture shows.
    pub role: SceneRole,
    /// Height and width of the result.
    pub size: [usize; 2],
    /// In training, which part of the scene is shown; all modalities show the same.
    pub view: ViewRule,
    /// In training, hue, saturation and value of colours are multiplied by
    /// factors up to so far from 1.
    pub colour: f64,
    /// In training, more random changes of colours; none of numbers.
    #[serde(default, skip_serializing_if = "Jitter::is_none")]
    pub jitter: Jitter,
}

impl SceneSteps {
    /// 3 or 1.
    pub fn channels(&self) -> usize {
        match self.role {
            SceneRole::Colour => 3,
            SceneRole::Measured | SceneRole::Depth => 1,
        }
    }

    /// How a file of it is read.
    pub(crate) fn source(&self, path: PathBuf) -> Source {
        match self.role {
            SceneRole::Colour => Source::Picture { path },
            SceneRole::Measured | SceneRole::Depth => Source::Levels { path },
        }
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        let [height, width] = self.size;
        let fault = if !(1..=4096).contains(&height) || !(1..=4096).contains(&width) {
            format!("`size` must be from 1 to 4096 each way, got {height} x {width}")
        } else if !(1.0..=16.0).contains(&self.view.zoom) {
            format!("`zoom` must be from 1 to 16, got {}", self.view.zoom)
        } else if !(0.0..1.0).contains(&self.colour) {
            format!("`colour` must be from 0 to below 1, got {}", self.colour)
        } else {
            return self.jitter.check(self.channels());
        };
        Err(DataError::config(fault))
    }

    /// Pixels of a colour picture, channel first.
    pub(crate) fn colour(&self, picture: &Bitmap, chance: Option<AugmentKeys>) -> Vec<f32> {
        let picture = picture.clone().with_channels(3);
        let scaled = view([picture.height, picture.width], self.view, chance).smooth(&picture, self.size);
        let mut pixels: Vec<f32> = scaled.pixels.iter().map(|&p| f32::from(p) / 255.0).collect();
        if let Some(chance) = chance {
            shift_colours(&mut pixels, self.colour, &mut chance.own.rng());
        }
        (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(3)).copied().collect()
    }

    /// Pixels of a picture of numbers.
    pub(crate) fn numbers(&self, picture: &Levels, chance: Option<AugmentKeys>) -> Vec<f32> {
        let scaled = view([picture.height, picture.width], self.view, chance).nearest(picture, self.size);
        let number = |&value: &u16| match self.role {
            SceneRole::Depth => f32::from(scaled.upper_byte(value)) / 255.0,
            SceneRole::Colour | SceneRole::Measured => f32::from(value),
        };
        scaled.values.iter().map(number).collect()
    }
}

/// What is shown of pictures of a height and width.
fn view(side: [usize; 2], rule: ViewRule, chance: Option<AugmentKeys>) -> View {
    chance.map_or_else(|| View::whole(side), |chance| View::draw(side, rule, chance.shared))
}

/// Steps from a picture of class ids to a label map.
#[derive(Clone, Copy, Debug)]
pub struct MapSteps {
    /// Height and width of the result.
    pub size: [usize; 2],
    /// Number of classes.
    pub classes: usize,
    /// As the pictures of the scene.
    pub view: ViewRule,
}

impl MapSteps {
    /// Refuses ids that are neither a class nor void.
    pub(crate) fn check(&self, picture: &Levels) -> Result<(), DataError> {
        let known = |id: u16| usize::from(id) < self.classes || id == u16::from(ClassMap::VOID);
        let Some((row, column)) = picture.find(known) else { return Ok(()) };
        Err(DataError::new(
            ErrorKind::Label,
            format!(
                "class id {} at row {row}, column {column}: expected 0 to {} (the {} classes) or {} for no label; \
                 correct the picture or add the class to classes.csv",
                picture.values[row * picture.width + column],
                self.classes - 1,
                self.classes,
                ClassMap::VOID
            ),
        ))
    }

    /// The map, nearest pixels; the ids must have passed [`MapSteps::check`].
    pub(crate) fn arrange(&self, picture: &Levels, chance: Option<AugmentKeys>) -> ClassMap {
        let view = view([picture.height, picture.width], self.view, chance);
        let [height, width] = self.size;
        let shown = view.nearest(picture, self.size);
        let pixels = shown.values.iter().map(|&id| u8::try_from(id).unwrap_or(ClassMap::VOID)).collect();
        ClassMap { height, width, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(width: usize, values: &[u16]) -> Levels {
        Levels { width, height: values.len() / width, bits: 8, values: values.to_vec() }
    }

    const VIEW: ViewRule = ViewRule { zoom: 1.4, flip: true };

    #[test]
    fn colour_depth_and_label_show_the_same_place() {
        // Every pixel tells its column in all three.
        let grey = Bitmap::new(48, 32, 1, (0..48 * 32).map(|i| (i % 48 * 5) as u8).collect()).unwrap();
        let numbers = levels(48, &grey.pixels.iter().map(|&p| u16::from(p)).collect::<Vec<_>>());
        let colour = grey.with_channels(3);
        let steps =
            |role| SceneSteps { role, size: [16, 24], view: VIEW, colour: 0.0, jitter: Jitter::default() };
        let map = MapSteps { size: [16, 24], classes: 250, view: VIEW };
        let mut mirrored = 0;
        for seed in 0..20 {
            let chance =
                |m| Some(AugmentKeys { shared: RngKey::new(seed).fork(7), own: RngKey::new(seed).fork(m) });
            let rgb = steps(SceneRole::Colour).colour(&colour, chance(0));
            let depth = steps(SceneRole::Measured).numbers(&numbers, chance(1));
            let label = map.arrange(&numbers, chance(2));
            assert_eq!((rgb.len(), depth.len(), label.pixels.len()), (3 * 384, 384, 384));
            for at in 0..384 {
                assert_eq!(depth[at], f32::from(label.pixels[at]));
                let label = depth[at] / 255.0;
                assert!((rgb[at] - label).abs() < 0.04 && (rgb[at] - rgb[768 + at]).abs() < 1e-6);
            }
            mirrored += usize::from(depth[0] > depth[23]);
        }
        assert!((3..=17).contains(&mirrored));
        assert_eq!(map.arrange(&numbers, None).pixels[..3], [5, 15, 25]);
    }

    #[test]
    fn ids_beyond_the_classes_are_refused_with_their_place() {
        let steps = MapSteps { size: [1, 2], classes: 3, view: VIEW };
        assert!(steps.check(&levels(2, &[0, 2, 255, 1])).is_ok());
        for id in [3, 256, 65_535] {
            let message = steps.check(&levels(2, &[0, 2, 255, id])).unwrap_err().to_string();
            let place = format!("class id {id} at row 1, column 1");
            assert!(message.contains(&place) && message.contains("0 to 2"), "{message}");
        }
    }

    #[test]
    fn numbers_are_those_of_the_file_except_for_older_runs() {
        let steps =
            |role| SceneSteps { role, size: [1, 2], view: VIEW, colour: 0.0, jitter: Jitter::default() };
        let deep = Levels { bits: 16, ..levels(2, &[513, 65_535]) };
        assert_eq!(steps(SceneRole::Measured).numbers(&deep, None), [513.0, 65_535.0]);
        assert_eq!(steps(SceneRole::Depth).numbers(&deep, None), [2.0 / 255.0, 1.0]);
    }
}
