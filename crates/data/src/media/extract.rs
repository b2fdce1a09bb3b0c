//! What a data set takes out of a file that only ffmpeg reads.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::OnceLock;

use super::{FilmRule, Input, Short, Taken, Tools, Wanted, probe, take};
use crate::decode::kind::{self, Family};
use crate::error::{DataError, HEAD, regular};
use crate::room;

/// What is wanted of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Want {
    /// Its sound, in samples per second.
    Sound(u32),
    /// Its pictures.
    Film(FilmRule),
}

/// What was taken out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extract {
    /// A WAV file, or the JPEG files of the frames in order.
    pub files: Vec<Vec<u8>>,
    /// What ffmpeg complained about, though it went on.
    pub complaint: Option<String>,
}

/// What a file is in words, if only ffmpeg reads it.
///
/// # Errors
/// If it cannot be read.
pub fn foreign(input: Input<'_>, want: Want) -> Result<Option<&'static str>, DataError> {
    let mut head = Vec::new();
    content(input)?.take(HEAD).read_to_end(&mut head).map_err(|cause| DataError::io(input.path, cause))?;
    let wanted = if matches!(want, Want::Sound(_)) { Family::Sound } else { Family::Film };
    Ok(kind::foreign(&head, wanted))
}

/// The bytes of an input.
///
/// # Errors
/// If they cannot be read.
pub fn content(input: Input<'_>) -> Result<impl Read, DataError> {
    regular(input.path)?;
    let open = || {
        let mut file = File::open(input.path)?;
        let [begin, end] = input.stretch.unwrap_or([0, u64::MAX]);
        file.seek(SeekFrom::Start(begin))?;
        Ok(file.take(end - begin))
    };
    open().map_err(|cause| DataError::io(input.path, cause))
}

/// The programs, which are looked for until they are found.
fn tools() -> Result<&'static Tools, DataError> {
    static FOUND: OnceLock<Tools> = OnceLock::new();
    match FOUND.get() {
        Some(tools) => Ok(tools),
        None => Tools::find().map(|tools| FOUND.get_or_init(|| tools)),
    }
}

/// Decodes a file; `place` names it in messages.
///
/// # Errors
/// If ffmpeg is absent, or the file is damaged or lacks what is wanted.
pub fn extract(input: Input<'_>, want: Want, place: &str) -> Result<Extract, DataError> {
    let undecodable = |cause: &dyn std::fmt::Display| {
        DataError::format(format!(
            "{place} cannot be decoded: {cause}; get the file again, or remove it from the list"
        ))
    };
    let lacks = |what: &str| {
        DataError::missing(format!(
            "{place} has no {what}; leave its cell empty where a sample lacks a modality, or remove the sample"
        ))
    };
    let tools = tools()?;
    let found = probe(tools, input).map_err(|cause| undecodable(&cause))?;
    if let Some(Short { expected, found }) = found.cut_off() {
        return Err(DataError::format(format!(
            "{place} is cut off: its header says {expected:.2} s, {found:.2} s are there; get the file again, or make a set \
             with `counterpoint prepare generic --keep-damaged`, which uses what is there"
        )));
    }
    let wanted = match want {
        Want::Sound(rate) => {
            Wanted { sound: Some((found.sound.ok_or_else(|| lacks("sound"))?, rate)), film: None }
        }
        Want::Film(rule) => {
            let track = found.picture.ok_or_else(|| lacks("moving picture"))?;
            Wanted { sound: None, film: Some((track, rule)) }
        }
    };
    let (mut files, taken) = collected(tools, input, wanted).map_err(|cause| undecodable(&cause))?;
    let Taken { sound, frames, ended } = taken;
    if let Err(cause) = &frames
        && ended.complaint.is_none()
    {
        return Err(undecodable(cause));
    }
    if !ended.success {
        let cause = ended.complaint.unwrap_or_else(|| "ffmpeg failed without a message".into());
        return Err(undecodable(&cause));
    }
    frames.map_err(|cause| undecodable(&cause))?;
    files.extend(sound.map_err(|cause| undecodable(&cause))?);
    match (files.is_empty(), want) {
        (true, Want::Sound(_)) => Err(lacks("sound")),
        (true, Want::Film(_)) => Err(lacks("moving picture")),
        (false, _) => Ok(Extract { files, complaint: ended.complaint }),
    }
}

/// Sound and pictures of one file by one call of ffmpeg, which decodes it once; `None` where something is wrong with
/// it: then each of the two has its own message, by [`extract`].
pub fn extract_both(input: Input<'_>, rate: u32, rule: FilmRule) -> Option<(Extract, Extract)> {
    let tools = tools().ok()?;
    let found = probe(tools, input).ok().filter(|found| found.cut_off().is_none())?;
    let wanted = Wanted { sound: Some((found.sound?, rate)), film: Some((found.picture?, rule)) };
    let (pictures, taken) = collected(tools, input, wanted).ok()?;
    let Taken { sound: Ok(Some(sound)), frames: Ok(1..), ended } = taken else { return None };
    let clean = |files| Extract { files, complaint: None };
    (ended.success && ended.complaint.is_none()).then(|| (clean(vec![sound]), clean(pictures)))
}

/// What ffmpeg takes out of a file, its pictures as far as the memory holds them.
fn collected(tools: &Tools, input: Input<'_>, wanted: Wanted) -> io::Result<(Vec<Vec<u8>>, Taken)> {
    let (mut files, mut bytes) = (Vec::new(), 0);
    let taken = take(tools, input, None, wanted, |frame| {
        bytes += frame.len() as u64;
        room::require(bytes).map_err(|why| {
            io::Error::other(format!("{why}; or take fewer frames: film_frames, film_fps or film_size"))
        })?;
        files.push(frame);
        Ok(())
    })?;
    Ok((files, taken))
}
