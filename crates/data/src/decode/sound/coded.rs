//! FLAC, MP3 and Ogg Vorbis, decoded from the start as far as needed.

use std::io::ErrorKind;
use std::ops::Range;

use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::core::meta::MetadataOptions;

use super::mono;
use crate::error::DataError;

/// A recording at its start.
pub struct Coded {
    pub channels: usize,
    pub rate: u32,
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Frames that the header promises, if it does.
    promised: Option<u64>,
}

impl Coded {
    pub fn open(source: Box<dyn MediaSource>) -> Result<Self, DataError> {
        let stream = MediaSourceStream::new(source, Default::default());
        let (format, meta) = (FormatOptions::default(), MetadataOptions::default());
        let reader = symphonia::default::get_probe().probe(&Hint::new(), stream, format, meta);
        let reader = reader.map_err(|cause| damaged(0, cause))?;
        let track = reader.default_track(TrackType::Audio);
        let parameters = track.and_then(|track| Some((track, track.codec_params.as_ref()?.audio()?)));
        let Some((track, parameters)) = parameters else {
            return Err(DataError::format(
                "the file does not contain a known audio format; convert it: ffmpeg -i FILE FILE.wav",
            ));
        };
        let options = AudioDecoderOptions::default();
        let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
        let decoder = decoder.map_err(|cause| {
            DataError::format(
                "the audio in the file is not FLAC, MP3 or Vorbis (in an Ogg file it may be Opus or Speex); convert \
                 it: ffmpeg -i FILE FILE.wav",
            )
            .because(cause)
        })?;
        // The other headers only estimate.
        let promised = track.num_frames.filter(|_| parameters.codec == CODEC_ID_FLAC);
        let id = track.id;
        let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
        let rate = parameters.sample_rate.unwrap_or(0);
        Ok(Self { channels, rate, decoder, track: id, promised, reader })
    }

    /// Decodes all and counts.
    pub fn length(mut self) -> Result<usize, DataError> {
        let mut count = 0;
        while let Some(samples) = self.next(count)? {
            count += samples.len();
        }
        Ok(count)
    }

    /// A stretch of frames; what comes after is not decoded.
    pub fn read(mut self, frames: Range<usize>) -> Result<Vec<f32>, DataError> {
        let (mut out, mut count) = (Vec::new(), 0);
        while count < frames.end {
            let Some(samples) = self.next(count)? else { break };
            let inside = |frame: usize| frame.saturating_sub(count).min(samples.len());
            out.extend_from_slice(&samples[inside(frames.start)..inside(frames.end)]);
            count += samples.len();
        }
        Ok(out)
    }

    /// The frames of the next packet after the first `done`, as the mean of
    /// all channels; `None` at the end.
    fn next(&mut self, done: usize) -> Result<Option<Vec<f32>>, DataError> {
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => {
                    return match self.promised {
                        Some(promised) if (done as u64) < promised => Err(cut_off(done, promised)),
                        _ => Ok(None),
                    };
                }
                Err(cause) => return Err(damaged(done, cause)),
            };
            let decoded = self.decoder.decode(&packet).map_err(|cause| damaged(done, cause))?;
            let channels = decoded.spec().channels().count();
            let mut values = Vec::<f32>::new();
            decoded.copy_to_vec_interleaved(&mut values);
            return Ok(Some(mono(&values, channels).collect()));
        }
    }
}

fn cut_off(done: usize, promised: u64) -> DataError {
    DataError::format(format!(
        "the recording is truncated: its header announces {promised} samples, {done} could be read; copy it again"
    ))
}

fn damaged(done: usize, cause: Error) -> DataError {
    let what = match &cause {
        Error::IoError(inner) if inner.kind() == ErrorKind::UnexpectedEof => "truncated",
        _ => "damaged",
    };
    DataError::format(format!("the recording is {what} after sample {done}; copy or convert it again"))
        .because(cause)
}
