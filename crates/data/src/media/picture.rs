//! Pictures one after another in a stream, as a program writes them into a pipe.

use std::io::{self, BufRead, Read};

use super::rule::Encoding;

/// The largest picture that is believed; a stream that asks for more is no picture.
const LIMIT: usize = 1 << 30;

/// Reads the next whole picture; `None` at the end of the stream.
///
/// # Errors
/// If the stream cannot be read, ends inside a picture or holds something else.
pub fn next(stream: &mut impl BufRead, encoding: Encoding) -> io::Result<Option<Vec<u8>>> {
    if stream.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut picture = Vec::new();
    match encoding {
        Encoding::Jpeg => jpeg(stream, &mut picture)?,
        Encoding::Png => png(stream, &mut picture)?,
    }
    Ok(Some(picture))
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the stream of pictures {what}"))
}

/// Takes so many bytes over.
fn take(stream: &mut impl Read, picture: &mut Vec<u8>, count: usize) -> io::Result<()> {
    if picture.len() + count > LIMIT {
        return Err(odd("holds a picture of more than 1 GiB"));
    }
    let begin = picture.len();
    picture.resize(begin + count, 0);
    stream.read_exact(&mut picture[begin..])
}

/// Eight bytes of magic, then chunks up to IEND.
fn png(stream: &mut impl Read, picture: &mut Vec<u8>) -> io::Result<()> {
    take(stream, picture, 8)?;
    if picture != b"\x89PNG\r\n\x1a\n" {
        return Err(odd("has no PNG where one must begin"));
    }
    loop {
        let begin = picture.len();
        take(stream, picture, 8)?;
        let head: [u8; 8] = picture[begin..].try_into().map_err(|_| odd("is cut"))?;
        let [a, b, c, d, name @ ..] = head;
        // The check sum follows the content.
        take(stream, picture, (u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(4))?;
        if &name == b"IEND" {
            return Ok(());
        }
    }
}

/// Segments of known length; coded data, in which FF is always followed by 0 or a restart mark, up to
/// the next segment; the end mark.
fn jpeg(stream: &mut impl BufRead, picture: &mut Vec<u8>) -> io::Result<()> {
    take(stream, picture, 2)?;
    if picture != b"\xFF\xD8" {
        return Err(odd("has no JPEG where one must begin"));
    }
    loop {
        // Up to FF and the mark after it.
        loop {
            if stream.read_until(0xFF, picture)? == 0 || picture.last() != Some(&0xFF) {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if picture.len() > LIMIT {
                return Err(odd("holds a picture of more than 1 GiB"));
            }
            while stream.fill_buf()?.first() == Some(&0xFF) {
                take(stream, picture, 1)?;
            }
            take(stream, picture, 1)?;
            if !matches!(picture.last(), Some(0x00 | 0x01 | 0xD0..=0xD7)) {
                break;
            }
        }
        if picture.last() == Some(&0xD9) {
            return Ok(());
        }
        let begin = picture.len();
        take(stream, picture, 2)?;
        let length = usize::from(u16::from_be_bytes([picture[begin], picture[begin + 1]]));
        take(stream, picture, length.saturating_sub(2))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment that holds an end mark, a scan with escaped data and a restart mark.
    const JPEG: &[u8] =
        b"\xff\xd8\xff\xe0\0\x04\xff\xd9\xff\xda\0\x02\x01\xff\x00\x03\xff\xd0\x04\xff\xff\xd9";

    #[test]
    fn pictures_are_told_apart_and_cut_ones_refused() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x02IDATxyCRC!".to_vec();
        png.extend(b"\0\0\0\0IENDCRC!");
        for (one, encoding) in [(JPEG.to_vec(), Encoding::Jpeg), (png, Encoding::Png)] {
            let two = [&one[..], &one[..]].concat();
            let mut stream = &two[..];
            assert_eq!(next(&mut stream, encoding).unwrap(), Some(one.clone()));
            assert_eq!(next(&mut stream, encoding).unwrap(), Some(one.clone()));
            assert_eq!(next(&mut stream, encoding).unwrap(), None);
            for cut in 1..one.len() {
                assert!(next(&mut &one[..cut], encoding).is_err(), "{cut}");
            }
        }
        assert!(next(&mut &b"hello"[..], Encoding::Jpeg).is_err());
        let huge = b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT";
        assert!(next(&mut &huge[..], Encoding::Png).is_err());
    }
}
