//! Recordings: RIFF WAVE, PCM of 8 to 32 bits or 32-bit float, any number of channels.

use std::io::Cursor;
use std::path::Path;

use hound::{SampleFormat, WavReader};

use crate::error::{DataError, read};

/// A mono recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// Amplitudes; full scale of an integer file is -1 to just below 1.
    pub samples: Vec<f32>,
    /// Samples per second.
    pub rate: u32,
}

/// Sampling rates that are believed; others mean a damaged header.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=384_000;

impl Wave {
    /// Reads a file; several channels are averaged, as librosa does.
    ///
    /// # Errors
    /// If the file is absent, is no WAVE, is cut off, holds no sample or
    /// numbers that are not finite.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::decode(&read(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
    }

    /// Decodes the content of a file, see [`Wave::read`].
    ///
    /// # Errors
    /// As [`Wave::read`]; the message does not know the file's name.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        let unreadable =
            |cause| DataError::format("is not a wav file that can be decoded (PCM or float)").because(cause);
        let reader = WavReader::new(Cursor::new(bytes)).map_err(unreadable)?;
        let spec = reader.spec();
        let channels = usize::from(spec.channels);
        if channels == 0 || !RATES.contains(&spec.sample_rate) {
            return Err(DataError::format(format!(
                "the wav header says {channels} channels at {} Hz, expected at least one at {} to {} Hz",
                spec.sample_rate,
                RATES.start(),
                RATES.end()
            )));
        }
        let promised = reader.len() as usize;
        let mut values: Vec<f32> = Vec::with_capacity(promised.min(bytes.len()));
        let cause = match spec.sample_format {
            SampleFormat::Float => collect(reader.into_samples::<f32>(), &mut values, |v| v),
            SampleFormat::Int => {
                let full_scale = f64::from(2.0f32).powi(i32::from(spec.bits_per_sample) - 1);
                collect(reader.into_samples::<i32>(), &mut values, |v| (f64::from(v) / full_scale) as f32)
            }
        };
        if let Some(cause) = cause {
            return Err(DataError::format(format!(
                "the wav file is cut off or damaged: its header promises {promised} samples, {} could be read; \
                 copy or convert it again",
                values.len()
            ))
            .because(cause));
        }
        if let Some(bad) = values.iter().position(|v| !v.is_finite()) {
            return Err(DataError::format(format!("sample {bad} of the wav file is not a finite number")));
        }
        let samples: Vec<f32> = if channels == 1 {
            values
        } else {
            values.chunks_exact(channels).map(|c| c.iter().sum::<f32>() / channels as f32).collect()
        };
        if samples.is_empty() {
            return Err(DataError::format("the wav file holds no sample; remove it from the list"));
        }
        Ok(Self { samples, rate: spec.sample_rate })
    }
}

/// Collects until the end or the first error, which is returned.
fn collect<T>(
    samples: impl Iterator<Item = hound::Result<T>>,
    into: &mut Vec<f32>,
    scale: impl Fn(T) -> f32,
) -> Option<hound::Error> {
    for sample in samples {
        match sample {
            Ok(value) => into.push(scale(value)),
            Err(cause) => return Some(cause),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use hound::{WavSpec, WavWriter};

    fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format }
    }

    fn ints(channels: u16, bits: u16, values: &[i32]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec(channels, bits, SampleFormat::Int)).unwrap();
        values.iter().for_each(|&v| writer.write_sample(v).unwrap());
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_depth_scales_to_one() {
        for bits in [8, 16, 24, 32] {
            let half = 1i32 << (bits - 2);
            let wave = Wave::decode(&ints(1, bits, &[half, -half, 0])).unwrap();
            assert_eq!(wave.samples, [0.5, -0.5, 0.0], "{bits} bits");
        }
    }

    #[test]
    fn float_is_kept_and_stereo_averaged() {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec(2, 32, SampleFormat::Float)).unwrap();
        [0.25f32, 0.75, -1.0, 0.0].iter().for_each(|&v| writer.write_sample(v).unwrap());
        writer.finalize().unwrap();
        assert_eq!(Wave::decode(&bytes.into_inner()).unwrap().samples, [0.5, -0.5]);
        assert_eq!(Wave::decode(&ints(2, 16, &[16384, 0])).unwrap().samples, [0.25]);
    }

    #[test]
    fn damaged_files_say_what_is_wrong() {
        let whole = ints(1, 16, &[1; 100]);
        let message = |bytes: &[u8]| Wave::decode(bytes).unwrap_err().to_string();
        assert!(message(&whole[..144]).contains("promises 100 samples, 50 could be read"));
        assert!(message(b"ID3 not a wav").contains("is not a wav file"));
        assert!(message(b"").contains("is not a wav file"));
        assert!(message(&whole[..20]).contains("is not a wav file"));
        assert!(message(&ints(1, 16, &[])).contains("holds no sample"));
        let mut rate = whole.clone();
        rate[24..28].copy_from_slice(&3u32.to_le_bytes());
        assert!(Wave::decode(&rate).is_err());
        let mut channels = whole;
        channels[22..24].copy_from_slice(&0u16.to_le_bytes());
        assert!(Wave::decode(&channels).is_err());
    }
}
