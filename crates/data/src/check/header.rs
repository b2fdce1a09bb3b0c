//! Whether a file is whole, from its headers and lengths alone.
//!
//! Formats that say how long they are (PNG, JPEG, WAV) are followed from part
//! to part; nothing is decoded. Others, as FLAC and MP3, tell too little for
//! that: of them only an empty file is found here.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::decode::sound::{self, Recording};
use crate::error::DataError;

/// What is wrong with a file, if anything can be told.
type Verdict = std::io::Result<Option<String>>;

/// Refuses a file that is empty or ends before its parts do.
pub fn check(path: &Path) -> Result<(), DataError> {
    let io = |cause| DataError::io(path, cause);
    let file = File::open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(DataError::format(format!("`{}` is not a file", path.display())));
    }
    let length = file.metadata().map_err(io)?.len();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    if sound::is_wave(&mut reader).map_err(io)? {
        return Recording::open(path).map(drop).map_err(|e| e.at(format_args!("`{}`", path.display())));
    }
    let found = match whole(&mut reader, length) {
        Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
            Some("ends in the middle of a header".to_owned())
        }
        other => other.map_err(io)?,
    };
    match found {
        None => Ok(()),
        Some(fault) => {
            Err(DataError::format(format!("`{}` is truncated or damaged: it {fault}", path.display())))
        }
    }
}

fn whole(file: &mut (impl Read + Seek), length: u64) -> Verdict {
    if length == 0 {
        return Ok(Some("is empty".into()));
    }
    let mut magic = Vec::new();
    file.by_ref().take(12).read_to_end(&mut magic)?;
    match magic.as_slice() {
        [0x89, b'P', b'N', b'G', ..] => png(file, length),
        [0xff, 0xd8, ..] => jpeg(file),
        // Whoever decodes it says what it is.
        _ => Ok(None),
    }
}

/// A PNG is a chain of chunks that ends with `IEND`.
fn png(file: &mut (impl Read + Seek), length: u64) -> Verdict {
    let mut at = 8;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        if file.read_exact(&mut head).is_err() {
            return Ok(Some("ends without its last part (IEND)".into()));
        }
        let [a, b, c, d, name @ ..] = head;
        let end = at + 12 + u64::from(u32::from_be_bytes([a, b, c, d]));
        if end > length {
            return Ok(Some(format!(
                "has {length} bytes, but its part {} reaches to byte {end}",
                String::from_utf8_lossy(&name).escape_debug()
            )));
        }
        if &name == b"IEND" {
            return Ok(None);
        }
        at = end;
    }
}

/// A JPEG is a chain of segments, then coded data up to the end marker.
fn jpeg(file: &mut (impl Read + Seek)) -> Verdict {
    file.seek(SeekFrom::Start(2))?;
    let cut = || Ok(Some("ends without the end marker of a JPEG".into()));
    let mut coded = false;
    let mut bytes = BufReader::new(file).bytes();
    loop {
        let Some(byte) = bytes.next().transpose()? else { return cut() };
        if byte != 0xff {
            if coded {
                continue;
            }
            return Ok(Some("has no JPEG segment where one must begin".into()));
        }
        // Fill bytes may stand before a marker.
        let marker = loop {
            match bytes.next().transpose()? {
                None => return cut(),
                Some(0xff) => {}
                Some(marker) => break marker,
            }
        };
        match marker {
            0xd9 => return Ok(None),
            // Escaped data and restart marks.
            0x00 | 0x01 | 0xd0..=0xd7 => {}
            _ => {
                let (Some(high), Some(low)) = (bytes.next().transpose()?, bytes.next().transpose()?) else {
                    return cut();
                };
                let rest = usize::from(u16::from_be_bytes([high, low])).saturating_sub(2);
                if bytes.by_ref().take(rest).collect::<std::io::Result<Vec<_>>>()?.len() < rest {
                    return cut();
                }
                coded = marker == 0xda;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn fault(bytes: &[u8]) -> Option<String> {
        let length = bytes.len() as u64;
        match whole(&mut Cursor::new(bytes), length) {
            Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => Some("header".into()),
            other => other.unwrap(),
        }
    }

    /// 3 x 2 grey pixels.
    fn picture() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 3, 2);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 4, 5, 6]).unwrap();
        bytes
    }

    /// Start, one segment of 4 bytes, a scan with an escaped and a restart byte, the end.
    fn photograph() -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xd9, 0xff, 0xda, 0, 2];
        bytes.extend([1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4, 0xff, 0xff, 0xd9]);
        bytes
    }

    #[test]
    fn every_cut_of_a_picture_is_seen() {
        for whole in [picture(), photograph()] {
            assert_eq!(fault(&whole), None);
            // What applications append is no fault.
            assert_eq!(fault(&[&whole[..], b"trailer"].concat()), None);
            // From its magic number on; the end marker inside the first segment is none.
            for cut in 8..whole.len() {
                assert!(fault(&whole[..cut]).is_some(), "cut to {cut} of {}", whole.len());
            }
        }
    }

    #[test]
    fn unknown_files_are_left_to_their_decoder_unless_empty() {
        assert_eq!(fault(b"fLaC and so on"), None);
        assert!(fault(b"").unwrap().contains("empty"));
    }
}
