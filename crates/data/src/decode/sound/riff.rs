//! Where the sound lies in a WAV file: RIFF, RIFX (big-endian), RF64 and BW64
//! (64-bit sizes), and Sony's W64.

use std::io::SeekFrom;

use symphonia::core::io::MediaSource;

use super::pcm::{Encoding, Layout};
use super::unreadable;
use crate::error::DataError;

/// A size from here on is not one: pipes cannot go back to write it. ffmpeg
/// writes 0xFFFFFFFF, sox 0x7FFFF000 and some, arecord 0x7FFFFFFF or 0x80000000.
const STREAMED: u64 = 0x7FFF_F000;

/// First bytes of a W64 file and of its form: `riff` and `wave` with the tail of Sony's GUIDs.
const W64: [u8; 16] =
    [0x72, 0x69, 0x66, 0x66, 0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0];

/// Whether a content is one of the containers.
pub fn is(head: &[u8]) -> bool {
    let form = matches!(head.get(..4), Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64"));
    form && head.get(8..12) == Some(b"WAVE") || head.starts_with(&W64)
}

/// A chunk: its name, where its content begins and how long it is.
struct Chunk {
    name: [u8; 4],
    begin: u64,
    size: u64,
}

/// A file as chunks.
struct Reader<'a> {
    source: &'a mut dyn MediaSource,
    total: u64,
    big_endian: bool,
    w64: bool,
    at: u64,
}

impl Reader<'_> {
    fn bytes(&mut self, at: u64, count: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; count];
        self.source.seek(SeekFrom::Start(at)).map_err(unreadable)?;
        self.source.read_exact(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let push = |n: u64, byte: &u8| (n << 8) | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
    }

    /// The next chunk; `None` at the end, where there may be a rest of a few bytes.
    fn next(&mut self) -> Result<Option<Chunk>, DataError> {
        let head = if self.w64 { 24 } else { 8 };
        if self.at + head > self.total {
            return Ok(None);
        }
        let bytes = self.bytes(self.at, head as usize)?;
        let name = [bytes[0], bytes[1], bytes[2], bytes[3]];
        let size = match self.w64 {
            // The size counts the head of the chunk.
            true => self.number(&bytes[16..24]).saturating_sub(head),
            false => self.number(&bytes[4..8]),
        };
        Ok(Some(Chunk { name, begin: self.at + head, size }))
    }

    /// Goes after a chunk and what fills it up to the next even (W64: eighth) place.
    fn pass(&mut self, chunk: &Chunk) -> Result<(), DataError> {
        let end = chunk.begin.saturating_add(chunk.size);
        self.at = end;
        if self.w64 {
            self.at = end.next_multiple_of(8);
        } else if chunk.size % 2 == 1 && end < self.total {
            // Some writers leave the filling byte, which is 0, out.
            self.at += u64::from(self.bytes(end, 1)? == [0]);
        }
        Ok(())
    }
}

impl Layout {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is damaged, promises more sound than there is, or names an encoding that is not read.
    pub fn read(source: &mut dyn MediaSource) -> Result<Self, DataError> {
        let total = source.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let mut reader = Reader { source, total, big_endian: false, w64: false, at: 0 };
        let head = reader.bytes(0, 12)?;
        reader.big_endian = head.starts_with(b"RIFX");
        reader.w64 = head.starts_with(&W64[..4]);
        let wide = head.starts_with(b"RF64") || head.starts_with(b"BW64");
        let promised = reader.number(&head[4..8]);
        reader.at = if reader.w64 { 40 } else { 12 };
        let (mut format, mut wide_size, mut data) = (None, None, Vec::new());
        while let Some(chunk) = reader.next()? {
            let left = total - chunk.begin;
            match &chunk.name {
                b"ds64" if wide && left >= 16 => {
                    let sizes = reader.bytes(chunk.begin, 16)?;
                    wide_size = Some(reader.number(&sizes[8..]));
                }
                b"fmt " if format.is_none() && left >= chunk.size.min(40) => {
                    let bytes = reader.bytes(chunk.begin, chunk.size.min(40) as usize)?;
                    format = Some(Format::read(&bytes, |bytes| reader.number(bytes))?);
                }
                b"data" => {
                    let size = wide_size.filter(|_| chunk.size == 0xFFFF_FFFF).unwrap_or(chunk.size);
                    // Nothing was written back when the recording ended.
                    let unknown = !reader.w64 && size >= STREAMED;
                    let unsaid = size == 0
                        && (promised == 0 || promised >= STREAMED || 8 + promised <= chunk.begin)
                        && !reader.w64;
                    if size > left && unknown || unsaid {
                        data.push(chunk.begin..total);
                        break;
                    }
                    if size > left {
                        return Err(cut_off(format.as_ref(), size, left));
                    }
                    data.push(chunk.begin..chunk.begin + size);
                    reader.pass(&Chunk { size, ..chunk })?;
                    continue;
                }
                _ => {}
            }
            reader.pass(&chunk)?;
        }
        let big_endian = reader.big_endian;
        let Some(Format { channels, rate, encoding }) = format else {
            return Err(DataError::format(
                "the wav file has no `fmt ` chunk; it is truncated or damaged, copy it again",
            ));
        };
        if data.is_empty() {
            return Err(DataError::format(
                "the wav file has no `data` chunk; it is truncated or damaged, copy it again",
            ));
        }
        Ok(Self { rate, channels, encoding, big_endian, data })
    }

    /// Bytes of a frame.
    pub fn block(&self) -> u64 {
        (self.channels.max(1) * self.encoding.size()) as u64
    }

    /// Whole frames of all stretches.
    pub fn frames(&self) -> usize {
        self.data.iter().map(|bytes| (bytes.end - bytes.start) / self.block()).sum::<u64>() as usize
    }
}

/// The `fmt ` chunk.
struct Format {
    channels: usize,
    rate: u32,
    encoding: Encoding,
}

impl Format {
    fn read(bytes: &[u8], number: impl Fn(&[u8]) -> u64) -> Result<Self, DataError> {
        if bytes.len() < 16 {
            return Err(DataError::format(
                "the `fmt ` chunk of the wav file is too short; convert the file again",
            ));
        }
        let field = |at: usize, size: usize| number(&bytes[at..at + size]) as usize;
        let (channels, rate, block, bits) = (field(2, 2), field(4, 4) as u32, field(12, 2), field(14, 2));
        let mut tag = field(0, 2);
        // WAVE_FORMAT_EXTENSIBLE says in its sub-format what it is.
        if tag == 0xFFFE && bytes.len() >= 26 {
            tag = field(24, 2);
        }
        // Numbers of fewer bits than their bytes hold stand in the upper bits,
        // so the bytes decide. Where the block does not fit, the bits do.
        let least = bits.div_ceil(8);
        let size = match block.checked_div(channels) {
            Some(size) if size >= least && size * channels == block => size,
            _ => least,
        };
        Ok(Self { channels, rate, encoding: Encoding::new(tag, size, bits)? })
    }
}

/// A header that promises more than there is.
fn cut_off(format: Option<&Format>, promised: u64, left: u64) -> DataError {
    let frame = format.map_or(1, |f| (f.channels.max(1) * f.encoding.size()) as u64);
    DataError::format(format!(
        "the wav file is truncated or damaged: its header announces {} samples, {} could be read; copy or convert \
         it again",
        promised / frame,
        left / frame
    ))
}
