//! Pictures that show one scene alike, and the label map that belongs to them.

use counterpoint_batch::ClassMap;
use serde::{Deserialize, Serialize};

use crate::decode::Bitmap;
use crate::error::{DataError, ErrorKind};
use crate::image::{View, ViewRule, shift_colours};
use crate::random::Draw;

/// Random numbers of one sample: what its modalities draw alike, and what one draws by itself.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    pub shared: Draw,
    pub own: Draw,
}

/// What a picture of a scene shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SceneRole {
    /// Three channels, scaled bilinearly, in 0..=1.
    Colour,
    /// One channel, the nearest pixel, as a share of the largest value.
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
}

impl SceneSteps {
    /// 3 or 1.
    pub fn channels(&self) -> usize {
        match self.role {
            SceneRole::Colour => 3,
            SceneRole::Depth => 1,
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
            return Ok(());
        };
        Err(DataError::config(fault))
    }

    /// Pixels, channel first.
    pub(crate) fn arrange(&self, picture: &Bitmap, chance: Option<Chance>) -> Vec<f32> {
        let picture = picture.clone().with_channels(self.channels());
        let view = view(&picture, self.view, chance.map(|chance| chance.shared));
        let scaled = match self.role {
            SceneRole::Colour => view.smooth(&picture, self.size),
            SceneRole::Depth => view.nearest(&picture, self.size),
        };
        let mut pixels: Vec<f32> = scaled.pixels.iter().map(|&p| f32::from(p) / 255.0).collect();
        if let (SceneRole::Colour, Some(chance)) = (self.role, chance) {
            shift_colours(&mut pixels, self.colour, &mut chance.own.rng());
        }
        let channels = self.channels();
        (0..channels).flat_map(|channel| pixels.iter().skip(channel).step_by(channels)).copied().collect()
    }
}

fn view(picture: &Bitmap, rule: ViewRule, draw: Option<Draw>) -> View {
    draw.map_or_else(|| View::whole(picture), |draw| View::draw(picture, rule, draw))
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
    pub fn check(&self, picture: &Bitmap) -> Result<(), DataError> {
        if picture.channels != 1 {
            return Err(DataError::format(
                "is a colour picture; class ids must be the grey values of a one-channel PNG",
            ));
        }
        let known = |id: u8| usize::from(id) < self.classes || id == ClassMap::VOID;
        match picture.pixels.iter().position(|&id| !known(id)) {
            None => Ok(()),
            Some(at) => Err(DataError::new(
                ErrorKind::Label,
                format!(
                    "class id {} at row {}, column {}: expected 0 to {} (the {} classes) or {} for no label; \
                     mend the picture or list the class",
                    picture.pixels[at],
                    at / picture.width,
                    at % picture.width,
                    self.classes - 1,
                    self.classes,
                    ClassMap::VOID
                ),
            )),
        }
    }

    /// The map, nearest pixels.
    pub fn arrange(&self, picture: &Bitmap, chance: Option<Chance>) -> ClassMap {
        let view = view(picture, self.view, chance.map(|chance| chance.shared));
        let [height, width] = self.size;
        ClassMap { height, width, pixels: view.nearest(picture, self.size).pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: ViewRule = ViewRule { zoom: 1.4, flip: true };

    #[test]
    fn colour_depth_and_label_show_the_same_place() {
        // Every pixel tells its column in all three.
        let grey = Bitmap::new(48, 32, 1, (0..48 * 32).map(|i| (i % 48 * 5) as u8).collect()).unwrap();
        let colour = grey.clone().with_channels(3);
        let steps = |role| SceneSteps { role, size: [16, 24], view: VIEW, colour: 0.0 };
        let map = MapSteps { size: [16, 24], classes: 250, view: VIEW };
        let mut mirrored = 0;
        for seed in 0..20 {
            let chance = |m| Some(Chance { shared: Draw::new(seed).fork(7), own: Draw::new(seed).fork(m) });
            let rgb = steps(SceneRole::Colour).arrange(&colour, chance(0));
            let depth = steps(SceneRole::Depth).arrange(&grey, chance(1));
            let label = map.arrange(&grey, chance(2));
            assert_eq!((rgb.len(), depth.len(), label.pixels.len()), (3 * 384, 384, 384));
            for at in 0..384 {
                let label = f32::from(label.pixels[at]) / 255.0;
                assert_eq!(depth[at], label);
                assert!((rgb[at] - label).abs() < 0.04 && (rgb[at] - rgb[768 + at]).abs() < 1e-6);
            }
            mirrored += usize::from(depth[0] > depth[23]);
        }
        assert!((3..=17).contains(&mirrored));
        assert_eq!(map.arrange(&grey, None).pixels[..3], [5, 15, 25]);
    }

    #[test]
    fn ids_beyond_the_classes_are_refused_with_their_place() {
        let steps = MapSteps { size: [1, 2], classes: 3, view: VIEW };
        let picture = |pixels: [u8; 4]| Bitmap::new(2, 2, 1, pixels.to_vec()).unwrap();
        assert!(steps.check(&picture([0, 2, 255, 1])).is_ok());
        let message = steps.check(&picture([0, 2, 255, 3])).unwrap_err().to_string();
        assert!(message.contains("class id 3 at row 1, column 1") && message.contains("0 to 2"), "{message}");
        assert!(steps.check(&picture([0; 4]).with_channels(3)).is_err());
    }
}
