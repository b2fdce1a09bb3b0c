//! The system's `ffmpeg` and `ffprobe`.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::error::DataError;

/// Older ones lack options that are used.
const OLDEST: u32 = 4;
/// What is kept of a program's messages.
const MESSAGES: u64 = 1 << 16;
/// The containers that are opened. Playlists, image sequences, lists of files and devices are not
/// among them: a file must not make the decoder open another one.
const CONTAINERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,flv,live_flv,avi,matroska,webm,mpeg,mpegts,mpegtsraw,\
                          mpegvideo,mp3,wav,w64,flac,ogg,aac,aiff,au,asf,caf,amr,gif,h264,hevc,m4v,dv,ac3,nut,\
                          png_pipe,jpeg_pipe,bmp_pipe,webp_pipe,tiff_pipe";

/// A file that holds a recording, or a stretch of one: its first byte and the one after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input<'a> {
    /// The file.
    pub path: &'a Path,
    /// Where in it; `None` = everywhere.
    pub stretch: Option<[u64; 2]>,
}

impl<'a> From<&'a Path> for Input<'a> {
    fn from(path: &'a Path) -> Self {
        Self { path, stretch: None }
    }
}

/// The two programs, with their version.
#[derive(Clone, Debug)]
pub struct Tools {
    /// As ffmpeg says it.
    pub version: String,
    /// `-fps_mode` since 5.1, `-vsync` before.
    sync: &'static str,
}

impl Tools {
    /// Looks for both programs in `PATH`.
    ///
    /// # Errors
    /// If one is absent, cannot be run or is too old, with what to do.
    pub fn find() -> Result<Self, DataError> {
        let version = version("ffmpeg")?;
        self::version("ffprobe")?;
        let mut numbers = version.trim_start_matches('n').split(['.', '-']).map(str::parse::<u32>);
        let number = numbers.next().and_then(Result::ok);
        let minor = numbers.next().and_then(Result::ok).unwrap_or(0);
        // A version without a number is one built from the sources of some day.
        if let Some(number) = number.filter(|n| *n < OLDEST) {
            return Err(DataError::missing(format!(
                "the program `ffmpeg` is version {version} ({number}), expected {OLDEST} or later; {}",
                install()
            )));
        }
        let new = number.is_none_or(|number| (number, minor) >= (5, 1));
        Ok(Self { version, sync: if new { "-fps_mode" } else { "-vsync" } })
    }

    /// The option that hands frames through as they come.
    pub fn sync(&self) -> [&'static str; 2] {
        [self.sync, "passthrough"]
    }

    /// `ffmpeg` on an input, or on a part of it in milliseconds.
    pub fn ffmpeg(&self, input: Input<'_>, cut: Option<[u32; 2]>) -> Command {
        let mut command = quiet("ffmpeg");
        command.args(["-v", "error", "-nostdin", "-threads", "1"]);
        if let Some([start, end]) = cut {
            let seconds = |time: u32| format!("{}.{:03}", time / 1000, time % 1000);
            command.args(["-ss", &seconds(start), "-t", &seconds(end.saturating_sub(start))]);
        }
        open(&mut command, input);
        command
    }

    /// `ffprobe` on an input.
    pub fn ffprobe(&self, input: Input<'_>) -> Command {
        let mut command = quiet("ffprobe");
        command.args(["-v", "error", "-of", "json"]);
        open(&mut command, input);
        command
    }
}

/// Names the input such that neither a leading `-` nor a `:` in it means anything.
fn open(command: &mut Command, input: Input<'_>) {
    let (mut name, mut protocols) = (OsString::new(), "file,pipe");
    if let Some([begin, end]) = input.stretch {
        name.push(format!("subfile,,start,{begin},end,{end},,:"));
        protocols = "file,pipe,subfile";
    }
    name.push("file:");
    name.push(input.path);
    command.args(["-protocol_whitelist", protocols, "-format_whitelist", CONTAINERS, "-i"]).arg(name);
}

/// A program without input and terminal, and out of reach of Ctrl-C: the clip at hand is finished.
fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("LC_ALL", "C").env_remove("FFREPORT").env_remove("AV_LOG_FORCE_COLOR");
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

fn version(program: &str) -> Result<String, DataError> {
    let absent = |cause: &dyn std::fmt::Display| {
        DataError::missing(format!(
            "the program `{program}`, which decodes the recordings, cannot be run: {cause}; {}",
            install()
        ))
    };
    let output = quiet(program).arg("-version").output().map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => absent(&"it is not in PATH"),
        _ => absent(&cause),
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(name), Some("version"), Some(version)) if name == program => Ok(version.to_owned()),
        _ => Err(absent(&format!("it does not say its version ({})", output.status))),
    }
}

fn install() -> &'static str {
    if cfg!(target_os = "macos") {
        "install it: brew install ffmpeg"
    } else if cfg!(windows) {
        "install it: winget install ffmpeg"
    } else {
        "install it: apt-get install ffmpeg (Debian, Ubuntu), dnf install ffmpeg (Fedora), \
         conda install -c conda-forge ffmpeg (without root)"
    }
}

/// How a program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Whether it says that it succeeded.
    pub success: bool,
    /// The first thing that it complained about.
    pub complaint: Option<String>,
}

/// Runs a program, hands its output over while it runs, and collects its complaints beside that.
///
/// # Errors
/// If it cannot be started; those of `read` are inside.
pub fn stream<T>(
    mut command: Command,
    input: &Path,
    read: impl FnOnce(&mut ChildStdout) -> io::Result<T>,
) -> io::Result<(io::Result<T>, Ended)> {
    let mut child = Running(command.spawn()?);
    // Its ends of pipes: who reads the other ends would wait for ever while they are held here, too.
    drop(command);
    let (mut out, errors) = (child.0.stdout.take(), child.0.stderr.take());
    std::thread::scope(|scope| {
        let messages = scope.spawn(move || {
            let mut text = Vec::new();
            if let Some(mut errors) = errors {
                let _ = (&mut errors).take(MESSAGES).read_to_end(&mut text);
                // A program whose messages nobody reads would stop.
                let _ = io::copy(&mut errors, &mut io::sink());
            }
            text
        });
        let result = match &mut out {
            Some(out) => read(out),
            None => Err(io::Error::other("the program has no output")),
        };
        drop(out);
        let status = child.0.wait()?;
        let text = messages.join().unwrap_or_default();
        let complaint = first_complaint(&String::from_utf8_lossy(&text), input);
        Ok((result, Ended { success: status.success(), complaint }))
    })
}

/// A program that does not outlive its use.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The first line without the addresses and paths that differ between two calls.
fn first_complaint(text: &str, input: &Path) -> Option<String> {
    let path = input.display().to_string();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.replace(&format!("file:{path}"), "FILE").replace(&path, "FILE");
    // `[mov,mp4 @ 0x55d0c8]`: the name is enough.
    let mut short = String::new();
    let mut rest = line.as_str();
    while let Some(at) = rest.find(" @ 0x") {
        let end = rest[at..].find(']').map_or(rest.len(), |end| at + end);
        short += &rest[..at];
        rest = &rest[end..];
    }
    short += rest;
    Some(short.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_the_same_in_every_run() {
        let text = "\n[mov,mp4,m4a @ 0x55d0c8a1] moov atom not found\nfile:/d/a.mp4: Invalid data\n";
        let first = first_complaint(text, Path::new("/d/a.mp4"));
        assert_eq!(first.as_deref(), Some("[mov,mp4,m4a] moov atom not found"));
        let second = first_complaint("file:/d/a.mp4: Invalid data", Path::new("/d/a.mp4"));
        assert_eq!(second.as_deref(), Some("FILE: Invalid data"));
        assert_eq!(first_complaint(" \n", Path::new("a")), None);
    }
}
