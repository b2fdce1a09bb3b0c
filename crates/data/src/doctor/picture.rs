//! Small pictures of samples, for people to look at.

use std::path::Path;
use std::sync::Arc;

use crate::audio::{AudioFront, Padding};
use crate::decode::shard::Member;
use crate::decode::{Bitmap, Wave};
use crate::error::{DataError, ErrorKind};
use crate::image::resize;
use crate::media::Extract;
use crate::prepare::{Frames, frames_of_strip};
use crate::source::{Holds, Source};

/// Height of a picture in pixels.
const HEIGHT: usize = 96;
/// Widest picture.
const WIDTH: usize = 288;
/// Time steps and seconds of a spectrogram.
const STEPS: usize = 192;
const SECONDS: usize = 10;
const WINDOW: usize = 512;
/// Logarithm of the magnitude below which nothing is bright.
const QUIET: f32 = -4.0;

/// The pictures of a source.
pub fn frames(source: &Source, extract: Option<&Extract>) -> Result<Frames, DataError> {
    Ok(match (extract, source) {
        (Some(Extract { files, .. }), _) => Frames::Taken(files.clone()),
        (None, Source::Packed { members, holds: Holds::Strip { frame_width } }) => {
            let strip = |bytes: &[u8]| frames_of_strip(&Bitmap::decode(bytes)?, *frame_width);
            Frames::Decoded(unpacked(members, strip)?)
        }
        (None, Source::Packed { members, .. }) => Frames::Packed(Arc::clone(members)),
        (None, source) => Frames::Files(source.files()?),
    })
}

/// The whole recording of a source.
pub fn wave(source: &Source, extract: Option<&Extract>) -> Result<Wave, DataError> {
    match (extract, source) {
        (Some(Extract { files, .. }), _) => Wave::decode(files.first().map_or(&[], Vec::as_slice)),
        (None, Source::Packed { members, .. }) => unpacked(members, Wave::decode),
        (None, source) => Wave::read(source.path().unwrap_or(Path::new(""))),
    }
}

/// The one file that is meant inside an archive, decoded.
pub fn unpacked<T>(
    members: &[Member],
    decode: impl Fn(&[u8]) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let nothing = || DataError::new(ErrorKind::Internal, "a sample of an archive without a file");
    let member = members.first().ok_or_else(nothing)?;
    decode(&member.read()?).map_err(|e| e.at(member.place()))
}

/// Up to three frames of a film as PNG: the first, the middle and the last.
pub fn thumbnail(film: &Frames) -> Result<Vec<u8>, DataError> {
    let mut wanted = vec![0, film.len() / 2, film.len().saturating_sub(1)];
    wanted.dedup();
    let frame = |&at: &usize| -> Result<Bitmap, DataError> {
        let picture = film.get(at)?.into_owned().with_channels(3);
        let scale = (HEIGHT as f64 / picture.height as f64).min(WIDTH as f64 / picture.width as f64);
        let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
        Ok(resize(&picture, side(picture.width), side(picture.height)))
    };
    let frames = wanted.iter().map(frame).collect::<Result<Vec<_>, _>>()?;
    let (width, height) =
        (frames.iter().map(|f| f.width).sum::<usize>(), frames.iter().map(|f| f.height).max().unwrap_or(1));
    let mut pixels = vec![255; width * height * 3];
    let mut left = 0;
    for frame in &frames {
        for row in 0..frame.height {
            let (from, to) = (row * frame.width * 3, (row * width + left) * 3);
            pixels[to..to + frame.width * 3].copy_from_slice(&frame.pixels[from..from + frame.width * 3]);
        }
        left += frame.width;
    }
    Bitmap::new(width, height, 3, pixels)?.to_png()
}

/// The spectrogram of the first ten seconds as PNG.
pub fn spectrogram(mut wave: Wave) -> Result<Vec<u8>, DataError> {
    let length = wave.samples.len().clamp(1, SECONDS * wave.rate as usize).max(WINDOW * 2);
    wave.samples.resize(length, 0.0);
    let hop = (length / STEPS).max(1);
    let front = AudioFront::Grouped {
        n_fft: WINDOW,
        hop,
        bins_per_group: 4,
        frames: STEPS.min(1 + length / hop),
        floor: 1e-7,
    };
    let [height, width] = front.size();
    let values = front.spectrogram(&wave.samples, wave.rate, Padding::Zero)?;
    // Silence stays dark instead of being its own loudest.
    let top = values.iter().copied().fold(QUIET, f32::max);
    // The logarithm is natural: 80 dB are 4 ln 10.
    let range = 4.0 * std::f32::consts::LN_10;
    let bright = |value: f32| ((1.0 + (value - top) / range).clamp(0.0, 1.0) * 255.0) as u8;
    let rows = (0..height).rev().flat_map(|row| values[row * width..(row + 1) * width].iter());
    Bitmap::new(width, height, 1, rows.map(|v| bright(*v)).collect())?.to_png()
}
