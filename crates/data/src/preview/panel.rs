//! One input as a picture, as the model sees it.

use counterpoint_batch::{Array, ClassMap, ModalitySpec};

use super::colour::{distinct, ramp, range};
use crate::decode::Bitmap;
use crate::image::resize;
use crate::prepare::{Preparation, Steps};

/// Largest width and height of a still picture, pixels.
const STILL: [usize; 2] = [160, 128];
/// Of a spectrogram, of features over time or of token ids.
const STRETCHED: [usize; 2] = [224, 128];
/// Of one frame of a film, and how many are shown at most.
const FRAME: [usize; 2] = [96, 96];
const FRAMES: usize = 6;
/// Height of features without time, and of token ids.
const BARS: usize = 64;
const IDS: usize = 24;

/// How the inputs of one modality are drawn.
pub struct Panel<'a> {
    preparation: &'a Preparation,
    shape: &'a [usize],
}

impl<'a> Panel<'a> {
    pub fn new(preparation: &'a Preparation, spec: &'a ModalitySpec) -> Self {
        Self { preparation, shape: &spec.shape }
    }

    /// Its name and size in words.
    pub fn heading(&self) -> [String; 2] {
        let sides: Vec<String> = match (&self.preparation.steps, self.shape) {
            (Steps::Video(_), [channels, _, sides @ ..]) => [sides, &[*channels]].concat(),
            (_, [channels, height, width]) => vec![*height, *width, *channels],
            (_, sides) => sides.to_vec(),
        }
        .iter()
        .filter(|side| **side != 1)
        .map(ToString::to_string)
        .collect();
        let mut size = sides.join(" x ");
        if let Steps::Video(steps) = &self.preparation.steps {
            let shown = self.frames().len();
            let of = if shown < steps.frames { format!("{shown} of ") } else { String::new() };
            size = format!("{of}{} frames {size}", steps.frames);
        }
        [self.preparation.modality.clone(), size]
    }

    /// Width and height of its pictures.
    pub fn size(&self) -> [usize; 2] {
        match (&self.preparation.steps, self.shape) {
            (Steps::Audio(_), [_, bins, frames]) => {
                [stretched(*frames, STRETCHED[0]), stretched(*bins, STRETCHED[1])]
            }
            (Steps::Image(_) | Steps::Scene(_), [_, height, width]) => kept([*width, *height], STILL),
            (Steps::Video(_), [_, _, height, width]) => {
                let [wide, high] = kept([*width, *height], FRAME);
                [self.frames().len() * (wide + 2) - 2, high]
            }
            (Steps::Vector(_), [length, width]) => {
                [stretched(*length, STRETCHED[0]), stretched(*width, STRETCHED[1])]
            }
            (Steps::Tokens(_) | Steps::Text(_) | Steps::Category(_), [length]) => {
                [stretched(*length, STRETCHED[0]), IDS]
            }
            (_, sides) => [stretched(sides.iter().product(), STRETCHED[0]), BARS],
        }
    }

    /// An input; colours of numbers span the range of `plain`, the input without random changes.
    pub fn draw(&self, input: &Array, plain: &Array) -> Bitmap {
        let limits = range(plain.values());
        let values = input.values();
        let [wide, high] = self.size();
        match (&self.preparation.steps, input.shape()) {
            (Steps::Audio(_), [_, bins, frames]) => {
                // Low frequencies below.
                let place = |row: usize, column: usize| values[(bins - 1 - row) * frames + column];
                smooth(&numbers([*frames, *bins], place, limits), [wide, high])
            }
            (Steps::Image(_) | Steps::Scene(_), [3, height, width]) => {
                smooth(&self.colours(values, limits, 1, 0, [*width, *height]), [wide, high])
            }
            (Steps::Image(_), [1, height, width]) => {
                smooth(&self.colours(values, limits, 1, 0, [*width, *height]), [wide, high])
            }
            (Steps::Scene(_), [_, height, width]) => {
                let place = |row: usize, column: usize| values[row * width + column];
                smooth(&numbers([*width, *height], place, limits), [wide, high])
            }
            (Steps::Video(_), [_, frames, height, width]) => {
                let one = kept([*width, *height], FRAME);
                let frame =
                    |at: &usize| smooth(&self.colours(values, limits, *frames, *at, [*width, *height]), one);
                beside(&self.frames().iter().map(frame).collect::<Vec<_>>())
            }
            (Steps::Vector(_), [length, width]) => {
                let place = |row: usize, column: usize| values[column * width + row];
                let picture = numbers([*length, *width], place, limits);
                // A shorter sample takes its share of the width.
                smooth(&picture, [(wide * length / self.shape[0]).max(1), high])
            }
            (Steps::Tokens(_) | Steps::Text(_) | Steps::Category(_), [length]) => {
                let pixels = values.iter().flat_map(|id| distinct(*id as usize)).collect();
                let picture = Bitmap { width: *length, height: 1, channels: 3, pixels };
                nearest(&picture, [(wide * length / self.shape[0]).max(1), high])
            }
            _ => bars(values, limits, [wide, high]),
        }
    }

    /// The frames of a film that are shown: all, or some at even distances.
    fn frames(&self) -> Vec<usize> {
        let all = self.shape.get(1).copied().unwrap_or(1);
        let count = all.min(FRAMES);
        (0..count).map(|i| i * all / count).collect()
    }

    /// One frame in its own colours.
    fn colours(
        &self,
        values: &[f32],
        limits: [f32; 2],
        frames: usize,
        frame: usize,
        [width, height]: [usize; 2],
    ) -> Bitmap {
        let (plane, channels) = (width * height, self.shape[0]);
        let level = |channel: usize, at: usize| {
            let channel = channel.min(channels - 1);
            let value = values[(channel * frames + frame) * plane + at];
            let share = match self.preparation.normalise.undo(channel, value) {
                Some(value) => value,
                // By the mean and deviation of each clip, which are gone.
                None => (value - limits[0]) / (limits[1] - limits[0]).max(f32::MIN_POSITIVE),
            };
            (share.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let pixels = (0..plane).flat_map(|at| [level(0, at), level(1, at), level(2, at)]).collect();
        Bitmap { width, height, channels: 3, pixels }
    }
}

/// A label map: a colour for each class, black for none.
pub fn classes(map: &ClassMap) -> Bitmap {
    let colour = |&class: &u8| if class == ClassMap::VOID { [0; 3] } else { distinct(class.into()) };
    let pixels = map.pixels.iter().flat_map(colour).collect();
    let picture = Bitmap { width: map.width, height: map.height, channels: 3, pixels };
    nearest(&picture, kept([map.width, map.height], STILL))
}

/// Numbers as colours, row by row from above.
fn numbers([width, height]: [usize; 2], place: impl Fn(usize, usize) -> f32, limits: [f32; 2]) -> Bitmap {
    let at = |i: usize| ramp(place(i / width, i % width), limits);
    let pixels = (0..width * height).flat_map(at).collect();
    Bitmap { width, height, channels: 3, pixels }
}

/// A bar for each number, upwards or downwards from zero.
fn bars(values: &[f32], [low, high]: [f32; 2], [width, height]: [usize; 2]) -> Bitmap {
    let (low, high) = (low.min(0.0), high.max(0.0));
    let row = |value: f32| {
        ((high - value) / (high - low).max(f32::MIN_POSITIVE) * (height - 1) as f32).clamp(0.0, height as f32)
            as usize
    };
    let zero = row(0.0);
    let pixel = |i: usize| {
        let (row_here, value) = (i / width, values[i % width * values.len() / width]);
        let (from, to) = (zero.min(row(value)), zero.max(row(value)));
        match (row_here, value < 0.0) {
            (at, _) if at == zero => [120; 3],
            (at, true) if (from..=to).contains(&at) => [178, 60, 50],
            (at, false) if (from..=to).contains(&at) => [38, 100, 170],
            _ => [255; 3],
        }
    };
    Bitmap { width, height, channels: 3, pixels: (0..width * height).flat_map(pixel).collect() }
}

/// A whole multiple of a side if it is small, else at most `most`.
fn stretched(side: usize, most: usize) -> usize {
    if side > most { most } else { side * (most / side.max(1)) }
}

/// The same for both sides of a picture whose shape is kept.
fn kept([width, height]: [usize; 2], most: [usize; 2]) -> [usize; 2] {
    let factor = (most[0] / width.max(1)).min(most[1] / height.max(1));
    if factor > 0 {
        return [width * factor, height * factor];
    }
    let scale = (most[0] as f64 / width as f64).min(most[1] as f64 / height as f64);
    [width, height].map(|side| ((side as f64 * scale).round() as usize).max(1))
}

/// Shrinks with every pixel counted, and enlarges without mixing any.
fn smooth(picture: &Bitmap, [width, height]: [usize; 2]) -> Bitmap {
    nearest(&resize(picture, width.min(picture.width), height.min(picture.height)), [width, height])
}

fn nearest(picture: &Bitmap, [width, height]: [usize; 2]) -> Bitmap {
    let mut pixels = Vec::with_capacity(width * height * 3);
    for row in 0..height {
        for column in 0..width {
            let at = (row * picture.height / height * picture.width + column * picture.width / width) * 3;
            pixels.extend_from_slice(&picture.pixels[at..at + 3]);
        }
    }
    Bitmap { width, height, channels: 3, pixels }
}

/// Pictures of one height with two white pixels between.
fn beside(pictures: &[Bitmap]) -> Bitmap {
    let height = pictures[0].height;
    let width = pictures.iter().map(|p| p.width + 2).sum::<usize>() - 2;
    let mut pixels = Vec::with_capacity(width * height * 3);
    for row in 0..height {
        for (place, picture) in pictures.iter().enumerate() {
            if place > 0 {
                pixels.extend([255; 6]);
            }
            pixels.extend_from_slice(&picture.pixels[row * picture.width * 3..(row + 1) * picture.width * 3]);
        }
    }
    Bitmap { width, height, channels: 3, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_multiples_or_fit() {
        assert_eq!((stretched(32, 224), stretched(300, 224), stretched(1, 224)), (224, 224, 224));
        assert_eq!((kept([28, 28], STILL), kept([320, 640], STILL)), ([112, 112], [64, 128]));
        assert_eq!(kept([1000, 1], STILL), [160, 1]);
    }

    #[test]
    fn bars_stand_on_zero() {
        let picture = bars(&[1.0, -1.0], [-1.0, 1.0], [2, 5]);
        let column = |x: usize| (0..5).map(|y| picture.pixels[(y * 2 + x) * 3]).collect::<Vec<_>>();
        assert_eq!((column(0), column(1)), (vec![38, 38, 120, 255, 255], vec![255, 255, 120, 178, 178]));
    }

    #[test]
    fn small_pictures_are_enlarged_without_mixing() {
        let picture = Bitmap { width: 2, height: 1, channels: 3, pixels: vec![0, 0, 0, 9, 9, 9] };
        assert_eq!(smooth(&picture, [4, 1]).pixels, [0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9]);
        assert_eq!(beside(&[picture.clone(), picture]).width, 6);
    }
}
