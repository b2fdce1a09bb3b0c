//! Still pictures and films as arrays with the channel first.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use counterpoint_batch::random::RngKey;
use counterpoint_kernels::{Loops, vectorised};
use serde::{Deserialize, Serialize};

use crate::augment::{Extent, Flip, Jitter};
use crate::decode::Bitmap;
use crate::decode::shard::Member;
use crate::error::DataError;
use crate::image::{FrameRule, WindowRule, crop, resize};
use crate::media::FilmRule;

/// Steps from a picture to an array `[channels, height, width]` in 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSteps {
    /// Height and width of the result.
    pub size: [usize; 2],
    /// 1 (grey) or 3.
    pub channels: usize,
    /// 1 scales bilinearly; more averages blocks of that many pixels each way,
    /// and pictures must be that much larger than `size`.
    pub reduce: usize,
    /// In training, least share of the area that a random crop keeps, or least and largest.
    pub crop: Extent,
    /// In training, least and largest ratio of width to height of a random crop; `None` = 3/4 to 4/3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<[f64; 2]>,
    /// In training, the share of pictures that is mirrored.
    pub flip: Flip,
    /// In training, random changes of colours.
    #[serde(default, skip_serializing_if = "Jitter::is_none")]
    pub jitter: Jitter,
}

impl ImageSteps {
    pub(crate) fn check(&self) -> Result<(), DataError> {
        let [height, width] = self.size;
        let (window, flip) = (self.window(), self.flip.share());
        let fault = if !(1..=4096).contains(&height) || !(1..=4096).contains(&width) {
            format!("`size` must be from 1 to 4096 each way, got {height} x {width}")
        } else if !matches!(self.channels, 1 | 3) {
            format!("`channels` must be 1 or 3, got {}", self.channels)
        } else if !(1..=64).contains(&self.reduce) {
            format!("`reduce` must be from 1 to 64, got {}", self.reduce)
        } else if let Some(fault) = window.fault() {
            fault
        } else if !(0.0..=1.0).contains(&flip) {
            format!("`flip` must be true, false or a share from 0 to 1, got {flip}")
        } else {
            return self.jitter.check(self.channels);
        };
        Err(DataError::config(fault))
    }

    /// How crops are drawn.
    fn window(&self) -> WindowRule {
        WindowRule {
            area: self.crop.limits(|least| [least, 1.0]),
            ratio: self.ratio.unwrap_or(WindowRule::RATIO),
        }
    }

    /// Pixels of one picture, channel first.
    pub(crate) fn arrange(&self, picture: &Bitmap, draw: Option<RngKey>) -> Result<Vec<f32>, DataError> {
        // Colour becomes grey before scaling, as Pillow users do it; grey is
        // repeated after, which gives the same and costs a third.
        let grey;
        let picture = if self.channels < picture.channels {
            grey = picture.clone().with_channels(self.channels);
            &grey
        } else {
            picture
        };
        let full = [self.size[0] * self.reduce, self.size[1] * self.reduce];
        let picture = match draw {
            Some(draw) => crop::random_crop(picture, full, self.window(), self.flip.share(), &mut draw.rng()),
            None if self.reduce == 1 => resize(picture, full[1], full[0]),
            None if [picture.height, picture.width] == full => picture.clone(),
            None => {
                return Err(DataError::shape(format!(
                    "a picture of {} x {} cannot be reduced by {} to {} x {}; set `size` without `reduce` to scale it",
                    picture.height, picture.width, self.reduce, self.size[0], self.size[1]
                )));
            }
        };
        let [from, to] = [picture.channels, self.channels];
        Ok(if self.reduce == 1 {
            vectorised(Planes { pixels: &picture.pixels, from, to })
        } else {
            vectorised(Planes { pixels: &resize::block_means(&picture, self.reduce), from, to })
        })
    }
}

/// Pixels with `from` channels side by side to `to` planes of numbers in 0..=1.
struct Planes<'a, P> {
    pixels: &'a [P],
    from: usize,
    to: usize,
}

impl<P: Copy + Into<f32>> Loops for Planes<'_, P> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run(self) -> Vec<f32> {
        let mut planes = Vec::with_capacity(self.pixels.len() / self.from * self.to);
        for channel in (0..self.to).map(|channel| channel.min(self.from - 1)) {
            // With the number of channels known, this becomes vectors.
            if self.from == 3 {
                planes
                    .extend(self.pixels.as_chunks::<3>().0.iter().map(|pixel| pixel[channel].into() / 255.0));
            } else {
                planes.extend(self.pixels.chunks_exact(self.from).map(|pixel| pixel[channel].into() / 255.0));
            }
        }
        planes
    }
}

/// Steps from a film to an array `[channels, frames, height, width]` in 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoSteps {
    /// What happens to each frame.
    pub frame: ImageSteps,
    /// Number of frames.
    pub frames: usize,
    /// How they are picked.
    pub rule: FrameRule,
    /// Width in pixels of one frame of a film strip; 0 = folders of pictures only.
    pub frame_width: usize,
    /// In training, whether one crop is drawn for all frames instead of one for each.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alike: bool,
    /// What is taken out of a film that is one file.
    #[serde(default, skip_serializing_if = "FilmRule::is_default")]
    pub film: FilmRule,
}

impl VideoSteps {
    pub(crate) fn check(&self) -> Result<(), DataError> {
        if !(1..=1024).contains(&self.frames) {
            return Err(DataError::config(format!("`frames` must be from 1 to 1024, got {}", self.frames)));
        }
        self.frame.check()
    }

    /// Pixels of the picked frames, channel first, then time.
    pub(crate) fn arrange(
        &self,
        film: &Frames,
        span: Option<(f64, f64)>,
        draw: Option<RngKey>,
    ) -> Result<Vec<f32>, DataError> {
        let span = span.unwrap_or((0.0, film.len() as f64));
        let mut rng = draw.map(RngKey::rng);
        let picked = self.rule.pick(film.len(), span, self.frames, rng.as_mut())?;
        let plane = self.frame.size[0] * self.frame.size[1];
        let mut out = vec![0.0; self.frame.channels * self.frames * plane];
        for (time, index) in picked.into_iter().enumerate() {
            let draw = draw.map(|draw| draw.fork(if self.alike { 0 } else { time as u64 }));
            let pixels = self.frame.arrange(&*film.get(index)?, draw)?;
            for (channel, from) in pixels.chunks_exact(plane).enumerate() {
                let at = (channel * self.frames + time) * plane;
                out[at..at + plane].copy_from_slice(from);
            }
        }
        Ok(out)
    }
}

/// The frames of a film, in order of time.
#[derive(Clone, Debug)]
pub enum Frames {
    /// Those of a strip.
    Decoded(Vec<Bitmap>),
    /// Pictures of a film as files in memory.
    Taken(Vec<Vec<u8>>),
    /// Pictures of a folder; only those that are picked are decoded, because a film is long.
    Files(Vec<PathBuf>),
    /// The same inside an archive.
    Packed(Arc<[Member]>),
}

impl Frames {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Decoded(frames) => frames.len(),
            Self::Taken(files) => files.len(),
            Self::Files(files) => files.len(),
            Self::Packed(members) => members.len(),
        }
    }

    /// One of them, decoded.
    pub fn get(&self, index: usize) -> Result<Cow<'_, Bitmap>, DataError> {
        let frame = match self {
            Self::Decoded(frames) => frames.get(index).map(|frame| Ok(Cow::Borrowed(frame))),
            Self::Taken(files) => files.get(index).map(|file| Bitmap::decode(file).map(Cow::Owned)),
            Self::Files(files) => files.get(index).map(|file| Bitmap::read(file).map(Cow::Owned)),
            Self::Packed(members) => members.get(index).map(|member| {
                let picture = Bitmap::decode(&member.read()?);
                picture.map(Cow::Owned).map_err(|e| e.at(member.place()))
            }),
        };
        frame.unwrap_or_else(|| Err(DataError::shape(format!("the video has no frame {index}"))))
    }

    /// Memory they take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Decoded(frames) => frames.iter().map(|frame| frame.pixels.len()).sum(),
            Self::Taken(files) => files.iter().map(Vec::len).sum(),
            Self::Files(files) => files.iter().map(|file| file.as_os_str().len()).sum(),
            Self::Packed(members) => members.iter().map(|member| member.name.len()).sum(),
        }
    }
}

/// Cuts a film strip into its frames, left to right in time.
///
/// # Errors
/// If the strip is not a whole number of frames.
pub fn frames_of_strip(strip: &Bitmap, frame_width: usize) -> Result<Vec<Bitmap>, DataError> {
    if frame_width == 0 || !strip.width.is_multiple_of(frame_width) {
        return Err(DataError::shape(format!(
            "a film strip of width {} is not a whole number of frames of `frame_width` = {frame_width}",
            strip.width
        )));
    }
    let lefts = (0..strip.width).step_by(frame_width);
    Ok(lefts.map(|left| strip.crop(left, 0, frame_width, strip.height)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(size: [usize; 2], channels: usize, reduce: usize) -> ImageSteps {
        ImageSteps {
            size,
            channels,
            reduce,
            crop: 0.5.into(),
            ratio: None,
            flip: true.into(),
            jitter: Jitter::default(),
        }
    }

    #[test]
    fn channels_come_first() {
        let picture = Bitmap::new(2, 1, 3, vec![255, 0, 51, 0, 102, 255]).unwrap();
        let out = steps([1, 2], 3, 1).arrange(&picture, None).unwrap();
        assert_eq!(out, [1.0, 0.0, 0.0, 0.4, 0.2, 1.0]);
    }

    #[test]
    fn blocks_are_averaged_and_other_sizes_refused() {
        let picture = Bitmap::new(2, 2, 1, vec![0, 0, 0, 255]).unwrap();
        assert_eq!(steps([1, 1], 1, 2).arrange(&picture, None).unwrap(), [0.25]);
        let message = steps([2, 1], 1, 2).arrange(&picture, None).unwrap_err().to_string();
        assert!(message.contains("2 x 2 cannot be reduced by 2 to 2 x 1"), "{message}");
        assert_eq!(steps([1, 1], 1, 2).arrange(&picture, Some(RngKey::new(1))).unwrap().len(), 1);
    }

    #[test]
    fn frames_lie_between_channel_and_height() {
        let strip = Bitmap::new(3, 1, 1, vec![0, 51, 102]).unwrap();
        let film = Frames::Decoded(frames_of_strip(&strip, 1).unwrap());
        let video = VideoSteps {
            frame: steps([1, 1], 3, 1),
            frames: 2,
            rule: FrameRule::FirstSorted,
            frame_width: 1,
            alike: false,
            film: FilmRule::default(),
        };
        assert_eq!(video.arrange(&film, Some((1.0, 3.0)), None).unwrap(), [0.2, 0.4, 0.2, 0.4, 0.2, 0.4]);
        assert!(frames_of_strip(&strip, 2).unwrap_err().to_string().contains("width 3"));
        assert!(frames_of_strip(&strip, 0).is_err());
    }

    #[test]
    fn each_frame_is_cropped_by_its_own_draw_unless_all_are_alike() {
        let picture = Bitmap::new(16, 16, 1, (0..=255).collect()).unwrap();
        let film = Frames::Decoded(vec![picture.clone(), picture]);
        let video = VideoSteps {
            frame: steps([4, 4], 1, 1),
            frames: 2,
            rule: FrameRule::FirstSorted,
            frame_width: 0,
            alike: false,
            film: FilmRule::default(),
        };
        let out = video.arrange(&film, None, Some(RngKey::new(5))).unwrap();
        assert_ne!(out[..16], out[16..]);
        assert_eq!(out, video.arrange(&film, None, Some(RngKey::new(5))).unwrap());
        let alike = VideoSteps { alike: true, ..video };
        for seed in 0..20 {
            let out = alike.arrange(&film, None, Some(RngKey::new(seed))).unwrap();
            assert_eq!(out[..16], out[16..]);
        }
    }
}
