//! Recordings as mono sound: WAV of every usual encoding, FLAC, MP3 and Ogg Vorbis.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::sound::{Origin, Recording};
use crate::error::DataError;

/// A mono recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// Amplitudes; full scale of an integer file is -1 to just below 1.
    pub samples: Vec<f32>,
    /// Samples per second.
    pub rate: u32,
}

impl Wave {
    /// Reads a file; several channels are averaged, as librosa does. Its
    /// content decides what it is, not its name.
    ///
    /// # Errors
    /// If the file is absent, of another kind, cut off or damaged, holds no
    /// sample or numbers that are not finite.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::of(&Recording::open(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
    }

    /// Decodes the content of a file, see [`Wave::read`].
    ///
    /// # Errors
    /// As [`Wave::read`]; the message does not know the file's name.
    pub fn decode(bytes: &[u8]) -> Result<Self, DataError> {
        Self::of(&Recording::of(Origin::Memory(Arc::from(bytes)))?)
    }

    fn of(recording: &Recording) -> Result<Self, DataError> {
        let clip = Clip::read(recording, 0..usize::MAX)?;
        Ok(Self { samples: clip.samples, rate: clip.rate })
    }
}

/// A stretch of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    pub samples: Vec<f32>,
    pub rate: u32,
    /// Place of the first sample in the recording.
    pub begin: usize,
    /// Samples of the recording, or the end of the stretch where no more was looked for.
    pub length: usize,
}

impl Clip {
    /// Decodes a stretch, which may reach beyond the end.
    pub fn read(recording: &Recording, wanted: Range<usize>) -> Result<Self, DataError> {
        let samples = recording.read(wanted.clone())?;
        let end = wanted.start + samples.len();
        let length = recording.known_length().unwrap_or(end);
        if length == 0 {
            return Err(DataError::format("the recording is empty; remove it from the list"));
        }
        Ok(Self { samples, rate: recording.rate, begin: wanted.start, length })
    }
}

#[cfg(test)]
impl From<Wave> for Clip {
    fn from(wave: Wave) -> Self {
        Self { length: wave.samples.len(), samples: wave.samples, rate: wave.rate, begin: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A WAV file: chunks before `fmt `, its fields, the data, and what the sizes say.
    struct File<'a> {
        before: &'a [u8],
        format: Vec<u8>,
        data: &'a [u8],
        data_size: u32,
        riff_size: u32,
        after: &'a [u8],
    }

    fn format(tag: u16, channels: u16, block: u16, bits: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(tag.to_le_bytes());
        bytes.extend(channels.to_le_bytes());
        bytes.extend(8000u32.to_le_bytes());
        bytes.extend(0u32.to_le_bytes()); // the byte rate is never needed
        bytes.extend(block.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes
    }

    impl<'a> File<'a> {
        fn new(format: Vec<u8>, data: &'a [u8]) -> Self {
            let data_size = data.len() as u32;
            let riff_size = 28 + format.len() as u32 + data_size;
            Self { before: &[], format, data, data_size, riff_size, after: &[] }
        }

        fn bytes(&self) -> Vec<u8> {
            let mut bytes = b"RIFF".to_vec();
            bytes.extend((self.riff_size + self.before.len() as u32).to_le_bytes());
            bytes.extend(b"WAVE");
            bytes.extend(self.before);
            bytes.extend(b"fmt ");
            bytes.extend((self.format.len() as u32).to_le_bytes());
            bytes.extend(&self.format);
            bytes.extend(b"data");
            bytes.extend(self.data_size.to_le_bytes());
            bytes.extend(self.data);
            bytes.extend(self.after);
            bytes
        }

        fn samples(&self) -> Vec<f32> {
            Wave::decode(&self.bytes()).unwrap().samples
        }
    }

    /// 0.5, -0.5, 0.25 as 16 bits.
    const DATA: [u8; 6] = [0, 0x40, 0, 0xC0, 0, 0x20];
    const SOUND: [f32; 3] = [0.5, -0.5, 0.25];

    fn plain() -> File<'static> {
        File::new(format(1, 1, 2, 16), &DATA)
    }

    #[test]
    fn chunks_around_the_sound_are_passed_over() {
        let list = b"LIST\x05\0\0\0INFOx\0";
        assert_eq!(plain().samples(), SOUND);
        assert_eq!(File { before: list, ..plain() }.samples(), SOUND);
        assert_eq!(File { before: &list[..13], ..plain() }.samples(), SOUND, "without its filling byte");
        assert_eq!(File { after: &[0x17; 13], ..plain() }.samples(), SOUND);
        let second = [b"data\x06\0\0\0".as_slice(), &DATA].concat();
        assert_eq!(File { after: &second, ..plain() }.samples(), [SOUND, SOUND].concat());
    }

    #[test]
    fn sizes_that_a_pipe_could_not_write_reach_to_the_end() {
        for size in [0, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
            assert_eq!(
                File { data_size: size, riff_size: size.saturating_sub(36), ..plain() }.samples(),
                SOUND
            );
        }
        // A header for no sound, never mended.
        assert_eq!(File { data_size: 0, riff_size: 36, ..plain() }.samples(), SOUND);
    }

    #[test]
    fn the_bytes_of_a_number_decide_and_its_bits_stand_above() {
        assert_eq!(File::new(format(1, 1, 2, 12), &DATA).samples(), SOUND);
        let wide = [0, 0, 0, 0x40, 0, 0, 0, 0xC0, 0, 0, 0, 0x20];
        assert_eq!(File::new(format(1, 1, 4, 24), &wide).samples(), SOUND, "24 bits in 32");
        let mut extensible = format(0xFFFE, 1, 4, 32);
        extensible.extend([22, 0, 24, 0, 4, 0, 0, 0, 1, 0]);
        extensible.extend([0; 14]);
        assert_eq!(File::new(extensible, &wide).samples(), SOUND);
        assert_eq!(File::new(format(1, 1, 1, 16), &DATA).samples(), SOUND, "a wrong block");
        assert_eq!(File::new(format(1, 2, 4, 16), &DATA).samples(), [0.0], "half a frame is no frame");
        assert_eq!(File::new(format(1, 1, 1, 8), &[192, 64, 128]).samples(), [0.5, -0.5, 0.0]);
    }

    #[test]
    fn other_containers_hold_the_same() {
        let mut big = plain().bytes();
        big[..4].copy_from_slice(b"RIFX");
        let swap = |bytes: &mut [u8], at: usize, size: usize| bytes[at..at + size].reverse();
        for (at, size) in [(4, 4), (16, 4), (20, 2), (22, 2), (24, 4), (28, 4), (32, 2), (34, 2), (40, 4)] {
            swap(&mut big, at, size);
        }
        [44, 46, 48].into_iter().for_each(|at| swap(&mut big, at, 2));
        assert_eq!(Wave::decode(&big).unwrap().samples, SOUND);

        let sizes = [b"ds64\x1c\0\0\0".as_slice(), &[0; 8], &6u64.to_le_bytes(), &[0; 12]].concat();
        let mut wide = File { before: &sizes, data_size: u32::MAX, ..plain() }.bytes();
        wide[..4].copy_from_slice(b"RF64");
        wide.extend(b"LIST\x04\0\0\0INFO");
        assert_eq!(Wave::decode(&wide).unwrap().samples, SOUND);
    }

    #[test]
    fn floats_are_kept_and_stereo_averaged() {
        let singles: Vec<u8> = [0.25f32, 0.75, -1.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(File::new(format(3, 2, 8, 32), &singles).samples(), [0.5, 1.0]);
        let doubles: Vec<u8> = [0.25f64, -1.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(File::new(format(3, 1, 8, 64), &doubles).samples(), [0.25, -1.0]);
        let nan: Vec<u8> = [0.0, f32::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
        let message = Wave::decode(&File::new(format(3, 1, 4, 32), &nan).bytes()).unwrap_err().to_string();
        assert!(message.contains("sample 1 of the recording is not a finite number"), "{message}");
    }

    #[test]
    fn a_stretch_is_the_same_part_of_the_whole() {
        let data: Vec<u8> = (0..200_000u32).flat_map(|i| (i as u16).to_le_bytes()).collect();
        let bytes = File::new(format(1, 2, 4, 16), &data).bytes();
        let recording = Recording::of(Origin::Memory(Arc::from(bytes))).unwrap();
        let whole = Clip::read(&recording, 0..usize::MAX).unwrap();
        assert_eq!((whole.length, whole.samples.len()), (100_000, 100_000));
        let part = Clip::read(&recording, 69_000..70_001).unwrap();
        assert_eq!(
            (part.begin, part.length, &part.samples[..]),
            (69_000, 100_000, &whole.samples[69_000..70_001])
        );
        assert_eq!(Clip::read(&recording, 99_999..200_000).unwrap().samples.len(), 1);
    }

    #[test]
    fn damaged_and_foreign_files_say_what_is_wrong() {
        let message = |bytes: &[u8]| Wave::decode(bytes).unwrap_err().to_string();
        let cut = File { data_size: 200, ..plain() }.bytes();
        assert!(message(&cut).contains("announces 100 samples, 3 could be read"));
        assert!(message(&plain().bytes()[..20]).contains("no `fmt ` chunk"));
        assert!(message(&plain().bytes()[..36]).contains("no `data` chunk"));
        assert!(
            message(&File { riff_size: 36, ..File::new(format(1, 1, 2, 16), &[]) }.bytes())
                .contains("recording is empty")
        );
        assert!(message(b"").contains("is empty"));
        assert!(message(b"\0\0\0\x20ftypisom").contains("is an MP4 video"));
        assert!(message(b"FORM\0\0\0\0AIFF").contains("is an AIFF recording, expected WAV"));
        let adpcm = File::new(format(0x11, 1, 256, 4), &DATA).bytes();
        assert!(message(&adpcm).contains("holds IMA ADPCM sound") && message(&adpcm).contains("ffmpeg"));
        let mut rate = plain().bytes();
        rate[24..28].copy_from_slice(&3u32.to_le_bytes());
        assert!(message(&rate).contains("1 channels at 3 Hz"));
        assert!(message(&File::new(format(1, 0, 2, 16), &DATA).bytes()).contains("0 channels"));
        assert!(message(b"fLaC\0\0\0\x22").contains("truncated"));
    }
}
