//! Sound and frames out of a file, in one pass of ffmpeg.

use std::io::{self, BufReader, Read};
use std::process::Command;
use std::thread;

use super::picture;
use super::probe::Track;
use super::rule::{Encoding, FilmRule, Frames};
use super::tools::{Ended, Input, Tools, stream};
use super::wav;

/// What is taken out of a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// A sound, and its samples per second.
    pub sound: Option<(Track, u32)>,
    /// Frames of the first film.
    pub film: Option<(Track, FilmRule)>,
}

/// What came of it.
#[derive(Debug)]
pub struct Taken {
    /// A WAV file of it: mono, 16 bits, with silence where time has none, so that it stays with the picture;
    /// `None` if it is empty, an error if it could not be read to its end.
    pub sound: io::Result<Option<Vec<u8>>>,
    /// How many frames were handed over. An error if the stream broke off, or they were refused.
    pub frames: io::Result<usize>,
    /// How the program ended; what it says tells more than that its output broke off.
    pub ended: Ended,
}

/// Bytes of the header of a WAV file.
const HEADER: usize = 44;

/// Takes sound and frames out of a file, or of a part of it in milliseconds; `frame` is handed the files of
/// the pictures one by one.
///
/// The program writes into pipes only, so that a full disk is an error of whoever writes here.
///
/// # Errors
/// If the program cannot be started.
pub fn take(
    tools: &Tools,
    input: Input<'_>,
    cut: Option<[u32; 2]>,
    wanted: Wanted,
    mut frame: impl FnMut(Vec<u8>) -> io::Result<()>,
) -> io::Result<Taken> {
    let mut command = tools.ffmpeg(input, cut);
    let sound = match wanted.sound {
        Some((track, rate)) => {
            // A program has one output, but its input can be a pipe that it writes into, too.
            let (read, write) = io::pipe()?;
            command.stdin(write);
            sound_into(&mut command, track, rate, "pipe:0");
            Some((read, rate))
        }
        None => None,
    };
    if let Some((track, rule)) = wanted.film {
        frames_into(&mut command, tools, track, rule, "pipe:1");
    }
    let encoding = wanted.film.map_or(Encoding::Jpeg, |(_, rule)| rule.encoding);
    thread::scope(|scope| {
        let sound = sound.map(|(read, rate)| scope.spawn(move || samples(read, rate)));
        let ran = stream(command, input.path, |out| {
            let mut out = BufReader::with_capacity(1 << 16, out);
            let mut count = 0;
            while let Some(picture) = picture::next(&mut out, encoding)? {
                frame(picture)?;
                count += 1;
            }
            Ok(count)
        });
        let gone = || Err(io::Error::other("the thread that reads the sound has stopped"));
        let sound = sound.map_or(Ok(None), |sound| sound.join().unwrap_or_else(|_| gone()));
        let (frames, ended) = ran?;
        Ok(Taken { sound, frames, ended })
    })
}

/// Mono sound of 16 bits as a WAV file.
fn samples(mut read: impl Read, rate: u32) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; HEADER];
    read.read_to_end(&mut bytes)?;
    // Half a sample at the end.
    bytes.truncate(bytes.len() / 2 * 2);
    if bytes.len() == HEADER {
        return Ok(None);
    }
    let header = wav::header(rate, bytes.len() - HEADER)
        .ok_or_else(|| io::Error::other("its sound is longer than a WAV file can hold; cut it into parts"))?;
    bytes[..HEADER].copy_from_slice(&header);
    Ok(Some(bytes))
}

fn sound_into(command: &mut Command, track: Track, rate: u32, pipe: &str) {
    command.args(["-map", &format!("0:a:{}", track.number), "-vn", "-sn", "-dn"]);
    command.args(["-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", &rate.to_string()]);
    command.args(["-c:a", "pcm_s16le", "-f", "s16le", pipe]);
}

/// The frames that a rule wants, as files one after another.
fn frames_into(command: &mut Command, tools: &Tools, track: Track, rule: FilmRule, pipe: &str) {
    let frame = 0.95 * track.seconds / track.packets.max(1) as f64;
    let (step, wanted) = rule.frames.steps(track.seconds);
    // The frame that is shown at a time is the first that ends after it, clearly: containers round times.
    let mut filters = format!("select='gt(t-start_t+{frame:.6},(selected_n+0.5)*{step:.6})'");
    // Pixels that are not square are made so.
    filters += ",scale='max(1,round(iw*if(gt(sar,0),sar,1)))':ih,setsar=1";
    if let Some(size) = rule.size {
        filters += &format!(",{}", fit(size));
    }
    // `V` counts no covers, and the first that is none is meant.
    command.args(["-map", "0:V:0", "-an", "-sn", "-dn", "-vf", &filters]);
    command.args(tools.sync());
    if let Some(count) = wanted {
        command.args(["-frames:v", &count.to_string()]);
    }
    match rule.encoding {
        Encoding::Jpeg => command.args(["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"]),
        Encoding::Png => command.args(["-c:v", "png", "-pix_fmt", "rgb24"]),
    };
    command.args(["-flags:v", "+bitexact", "-threads", "1", "-f", "image2pipe", pipe]);
}

/// The filter that scales larger pictures down to a width and height.
pub fn fit([width, height]: [u32; 2]) -> String {
    format!("scale='min(iw,{width})':'min(ih,{height})':force_original_aspect_ratio=decrease:flags=bicubic")
}

impl Frames {
    /// Seconds between the frames of a film of so many seconds, and their number where it is known.
    fn steps(self, seconds: f64) -> (f64, Option<usize>) {
        match self {
            Self::Spread(count) => (seconds / count as f64, Some(count)),
            // Shorter than the middle of the first interval: its own middle.
            Self::PerSecond(rate) if seconds * rate < 0.6 => (seconds, Some(1)),
            Self::PerSecond(rate) => (1.0 / rate, None),
        }
    }

    /// How many there are to be, where a number is asked for.
    pub fn wanted(self) -> Option<usize> {
        match self {
            Self::Spread(count) => Some(count),
            Self::PerSecond(_) => None,
        }
    }
}

/// The first picture of a file as PNG, fitted into a width and height.
///
/// # Errors
/// If the program cannot be started.
pub fn still(
    tools: &Tools,
    input: Input<'_>,
    size: Option<[u32; 2]>,
) -> io::Result<(io::Result<Option<Vec<u8>>>, Ended)> {
    let mut command = tools.ffmpeg(input, None);
    command.args(["-map", "0:v:0", "-frames:v", "1"]);
    if let Some(size) = size {
        command.args(["-vf", &fit(size)]);
    }
    command.args(["-c:v", "png", "-pix_fmt", "rgb24", "-threads", "1", "-f", "image2pipe", "pipe:1"]);
    stream(command, input.path, |out| picture::next(&mut BufReader::new(out), Encoding::Png))
}
