//! What a file is by its first bytes, so that a wrong one is called by its name.

use crate::error::DataError;

/// What kind of content a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Sound,
    Picture,
    Film,
    Other,
}

use Family::{Film, Other, Picture, Sound};

/// First bytes, what has them (with what to do after a semicolon, where no
/// conversion helps), and its kind; the first that fits counts.
const SIGNS: &[(&[u8], &str, Family)] = &[
    (b"\x89PNG", "a PNG picture", Picture),
    (b"\xFF\xD8\xFF", "a JPEG picture", Picture),
    (b"GIF8", "a GIF picture", Picture),
    (b"BM", "a BMP picture", Picture),
    (b"II*\0", "a TIFF picture", Picture),
    (b"MM\0*", "a TIFF picture", Picture),
    (b"fLaC", "a FLAC recording", Sound),
    (b"ID3", "an MP3 recording", Sound),
    (b"FORM", "an AIFF recording", Sound),
    (b".snd", "an AU recording", Sound),
    (b"caff", "a CAF recording", Sound),
    (b"#!AMR", "an AMR recording", Sound),
    (b"wvpk", "a WavPack recording", Sound),
    (b"MAC ", "a Monkey's Audio recording", Sound),
    (b"\x30\x26\xB2\x75", "a WMA or WMV file", Film),
    (b"\x1A\x45\xDF\xA3", "a Matroska or WebM video", Film),
    (b"\0\0\x01\xBA", "an MPEG film", Film),
    (b"\0\0\x01\xB3", "an MPEG film", Film),
    (b"FLV\x01", "an FLV film", Film),
    (b"\x93NUMPY", "a NumPy array", Other),
    (b"PK\x03\x04", "a zip archive", Other),
    (b"\x1F\x8B", "a gzip file", Other),
    (b"%PDF", "a PDF document", Other),
    (b"\0\x05\x16\x07", "a metadata file of macOS (AppleDouble); name the file without `._`", Other),
    (b"version https://git-lfs", "a Git LFS pointer; fetch the real file with `git lfs pull`", Other),
    (b"<!DOCTYPE", "a web page; download the file again", Other),
    (b"<html", "a web page; download the file again", Other),
];

/// Name and family of a content; `None` if it is not known.
pub fn of(bytes: &[u8]) -> Option<(&'static str, Family)> {
    let at = |place: usize, text: &[u8]| bytes.get(place..).is_some_and(|rest| rest.starts_with(text));
    if bytes.is_empty() {
        return Some(("empty", Other));
    }
    if at(0, b"RIFF") || at(0, b"RIFX") {
        return Some(match bytes.get(8..12) {
            Some(b"WAVE") => ("a WAV recording", Sound),
            Some(b"AVI ") => ("an AVI film", Film),
            Some(b"WEBP") => ("a WebP picture", Picture),
            _ => ("a RIFF file that is neither WAV nor AVI", Other),
        });
    }
    if at(0, b"OggS") {
        return Some(match bytes.get(28..).unwrap_or_default() {
            rest if rest.starts_with(b"OpusHead") => ("an Opus recording", Sound),
            rest if rest.starts_with(b"Speex   ") => ("a Speex recording", Sound),
            rest if rest.starts_with(b"\x80theora") => ("an Ogg film", Film),
            _ => ("an Ogg recording", Sound),
        });
    }
    if at(4, b"ftyp") {
        return Some(match bytes.get(8..12) {
            Some(b"M4A " | b"M4B ") => ("an M4A (AAC) recording", Sound),
            Some(b"heic" | b"heix" | b"mif1") => ("a HEIC picture", Picture),
            Some(b"avif") => ("an AVIF picture", Picture),
            Some(b"qt  ") => ("a QuickTime film", Film),
            _ => ("an MP4 video", Film),
        });
    }
    if [&b"moov"[..], b"mdat", b"wide", b"free", b"skip"].iter().any(|part| at(4, part)) {
        return Some(("a QuickTime film", Film));
    }
    // Packets of 188 bytes, or of 192 that begin with a time.
    if at(0, b"G") && at(188, b"G") || at(4, b"G") && at(196, b"G") {
        return Some(("an MPEG transport stream", Film));
    }
    if let Some((_, name, family)) = SIGNS.iter().find(|(sign, ..)| at(0, sign)) {
        return Some((name, *family));
    }
    match bytes {
        // Eleven bits of synchronisation; layer 0 is AAC, the others MPEG audio.
        [0xFF, second, ..] if second & 0xE0 == 0xE0 => {
            Some(if second & 0x06 == 0 { ("an AAC recording", Sound) } else { ("an MP3 recording", Sound) })
        }
        _ => None,
    }
}

/// What a content is that is not read here but by ffmpeg, where sound or pictures are wanted of it.
pub fn foreign(bytes: &[u8], wanted: Family) -> Option<&'static str> {
    const OURS: [&str; 4] = ["a WAV recording", "a FLAC recording", "an Ogg recording", "an MP3 recording"];
    of(bytes)
        .filter(|(name, family)| match (wanted, family) {
            (_, Film) => true,
            (Sound, Sound) => !OURS.contains(name),
            (_, Picture) => *name == "a GIF picture",
            _ => false,
        })
        .map(|(name, _)| name)
}

/// What a content is by its first 256 bytes, in words: `an MP4 video`, `a web page; download the file
/// again`. `None` if it is not known.
pub fn name(bytes: &[u8]) -> Option<&'static str> {
    of(bytes).map(|(name, _)| name)
}

/// The error for a content that is not of the wanted kind, with what to do.
pub fn refuse(bytes: &[u8], wanted: Family) -> DataError {
    let found = of(bytes);
    let what = found.map_or("of an unknown kind", |(name, _)| name);
    if what.contains(';') {
        return DataError::format(format!("is {what}"));
    }
    let (expected, advice) = match (wanted, found.map(|(_, family)| family)) {
        (Sound, Some(Sound)) => ("WAV, FLAC, MP3 or Ogg Vorbis", "convert it: ffmpeg -i FILE FILE.wav"),
        (Sound, Some(Film)) => ("a recording", "extract its sound: ffmpeg -i FILE -vn FILE.wav"),
        (Sound, Some(Picture)) => ("a recording", "its modality needs kind = \"image\""),
        (Sound, _) => ("a recording: WAV, FLAC, MP3 or Ogg Vorbis", "check the path"),
        (Picture, Some(Picture)) => ("PNG or JPEG", "convert it to one of them"),
        (Picture, Some(Film)) => {
            ("a picture", "take its frames out: ffmpeg -i FILE -vf fps=10 FOLDER/%05d.png")
        }
        (Film, Some(Other) | None) => {
            ("a film such as MP4, or a folder of pictures", "get the file again, or check the path")
        }
        (Picture | Film, Some(Sound)) => ("a picture", "its modality needs kind = \"audio\""),
        _ => ("a PNG or JPEG picture", "check the path"),
    };
    DataError::format(format!("is {what}, expected {expected}; {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_by_their_content() {
        for (bytes, name, family) in [
            (&b"RIFF\0\0\0\0WAVE"[..], "a WAV recording", Sound),
            (b"RIFF\0\0\0\0AVI ", "an AVI film", Film),
            (b"\0\0\0\x20ftypisom", "an MP4 video", Film),
            (b"\0\0\0\x20ftypM4A ", "an M4A (AAC) recording", Sound),
            (b"\xFF\xFB\x90\x64", "an MP3 recording", Sound),
            (b"\xFF\xF1\x50\x80", "an AAC recording", Sound),
            (b"", "empty", Other),
            (
                b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\x02\x03\x04\0\0\0\0abcd\x01\x13OpusHead",
                "an Opus recording",
                Sound,
            ),
            (
                b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\x02\x03\x04\0\0\0\0abcd\x01\x1e\x01vorbis",
                "an Ogg recording",
                Sound,
            ),
            (b"\0\0\0\x08wide\0\x01mdat", "a QuickTime film", Film),
        ] {
            assert_eq!(of(bytes), Some((name, family)));
        }
        assert_eq!(of(b"hello"), None);
    }

    #[test]
    fn each_wrong_kind_is_told_what_to_do() {
        let message = |bytes: &[u8], wanted| refuse(bytes, wanted).to_string();
        assert!(message(b"\0\0\0\x20ftypisom", Sound).contains("-vn"));
        assert!(message(b"\0\0\0\x20ftypisom", Picture).contains("fps=10 FOLDER/%05d.png"));
        assert!(message(b"\0\0\0\x20ftypM4A ", Sound).contains("an M4A (AAC) recording, expected WAV"));
        assert!(message(b"", Film).contains("is empty, expected a film such as MP4"));
        assert!(message(b"ID3\x04", Picture).contains("kind = \"audio\""));
        assert!(message(b"\x89PNG", Sound).contains("kind = \"image\""));
        assert!(message(b"GIF89a", Picture).contains("convert it to one of them"));
        assert!(message(b"version https://git-lfs.github.com", Sound).contains("git lfs pull"));
    }
}
