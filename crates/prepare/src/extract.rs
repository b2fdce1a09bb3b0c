//! One clip: from its files to sound and frames in the target.

use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use counterpoint_data::content_name;
use serde::{Deserialize, Serialize};

use crate::clip::Clip;
use crate::content::{Content, Stamp, content, look, sha256};
use crate::error::PrepareError;
use crate::picture;
use crate::probe::{Probe, Track, probe};
use crate::problem::{Finding, Problem};
use crate::settings::{Encoding, Frames, Settings};
use crate::tools::{Ended, Tools, stream};
use crate::wav;

/// Ending of what is being written.
pub const PARTIAL: &str = ".partial";
/// Sound and picture may differ by so many seconds, or by a tenth.
const LENGTHS: f64 = 0.5;

/// What was made of a clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its sound, relative to the target.
    pub sound: Option<Content>,
    /// Its frames in order, each relative to the target.
    pub frames: Vec<Content>,
    /// Its still picture, relative to the target.
    pub image: Option<Content>,
    /// Seconds of the sound that was written.
    pub seconds: Option<f64>,
    /// What is to be told of it.
    pub remarks: Vec<Problem>,
}

impl Made {
    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &Content> {
        self.sound.iter().chain(&self.frames).chain(&self.image)
    }
}

/// Why a clip has not become part of the set.
pub enum Failed {
    /// Something about the clip: it is left out.
    Clip(Box<Problem>),
    /// Something about the target: nothing can go on.
    Target(PrepareError),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Clip(Box::new(problem))
    }
}

/// How clips are made.
#[derive(Debug)]
pub struct Extractor<'a> {
    pub tools: &'a Tools,
    pub from: &'a Path,
    pub to: &'a Path,
    pub settings: &'a Settings,
    /// Clips that lack sound or picture are left out.
    pub complete: bool,
    /// Clips that end early are used.
    pub keep_damaged: bool,
}

impl Extractor<'_> {
    /// Stamps of the raw files of a clip, in the order of [`crate::Sources::files`].
    ///
    /// # Errors
    /// If one cannot be used.
    pub fn stamps(&self, clip: &Clip, before: &[Stamp]) -> Result<Vec<Stamp>, Problem> {
        let stamp = |file: &PathBuf| {
            let problem = |finding| Problem::left_out(&clip.id, file, finding);
            let path = self.from.join(file);
            let (bytes, modified) = look(&path).map_err(problem)?;
            let known = before.iter().find(|s| &s.content.file == file);
            if let Some(known) = known.filter(|s| s.content.bytes == bytes && s.modified == modified) {
                return Ok(known.clone());
            }
            let sha256 = sha256(&path).map_err(|e| problem(Finding::Unreadable { cause: e.to_string() }))?;
            Ok(Stamp { content: Content { file: file.clone(), bytes, sha256 }, modified })
        };
        clip.sources.files().into_iter().map(stamp).collect()
    }

    /// Whether everything that was made of a clip is still there, by the sizes.
    pub fn whole(&self, made: &Made) -> bool {
        made.files().all(|f| fs::metadata(self.to.join(&f.file)).is_ok_and(|facts| facts.len() == f.bytes))
    }

    /// Makes a clip's files; `name` is their path without ending below `audio`, `frames` and `images`.
    ///
    /// # Errors
    /// If the clip cannot be used or the target not written.
    pub fn make(&self, clip: &Clip, name: &str) -> Result<Made, Failed> {
        let mut made = Made::default();
        let mut probed: Vec<(&PathBuf, Probe)> = Vec::new();
        for file in [&clip.sources.sound, &clip.sources.film].into_iter().flatten() {
            if probed.iter().all(|(known, _)| *known != file) {
                let found = probe(self.tools, &self.from.join(file))
                    .map_err(|finding| Problem::left_out(&clip.id, file, finding))?;
                let short = match clip.sources.cut {
                    Some(cut) => found.lacks(cut),
                    None => found.cut_off(),
                };
                if let Some(finding) = short {
                    let problem =
                        Problem { id: clip.id.clone(), file: file.clone(), finding, kept: self.keep_damaged };
                    if !self.keep_damaged {
                        return Err(problem.into());
                    }
                    made.remarks.push(problem);
                }
                probed.push((
                    file,
                    match clip.sources.cut {
                        Some(cut) => found.part(cut),
                        None => found,
                    },
                ));
            }
        }
        let of = |file: &PathBuf| probed.iter().find(|(known, _)| *known == file).map(|(_, probe)| probe);
        let mut lengths = (None, None);
        if let Some(file) = &clip.sources.sound {
            match of(file).and_then(|probe| probe.sound) {
                Some(track) => {
                    let seconds = self.sound(clip, file, track, name, &mut made)?;
                    lengths.0 = Some(seconds);
                    made.seconds = Some(seconds);
                }
                None => self.lack(clip, file, Finding::NoSound, &mut made)?,
            }
        }
        if let Some(file) = &clip.sources.film {
            match of(file).and_then(|probe| probe.picture) {
                Some(track) => {
                    self.frames(clip, file, track, name, &mut made)?;
                    lengths.1 = Some(track.seconds);
                }
                None => self.lack(clip, file, Finding::NoPicture, &mut made)?,
            }
        }
        if let Some(file) = &clip.sources.image {
            self.image(clip, file, name, &mut made)?;
        }
        if made.files().next().is_none() {
            let file = clip.sources.files().first().map_or_else(PathBuf::new, |f| (*f).clone());
            return Err(Problem::left_out(&clip.id, file, Finding::Nothing).into());
        }
        if let (Some(sound), Some(picture)) = lengths
            && (sound - picture).abs() > LENGTHS.max(sound.max(picture) / 10.0)
        {
            let file = clip.sources.film.clone().unwrap_or_default();
            made.remarks.push(Problem::kept(&clip.id, file, Finding::Lengths { sound, picture }));
        }
        Ok(made)
    }

    /// A clip without sound or picture.
    fn lack(&self, clip: &Clip, file: &Path, finding: Finding, made: &mut Made) -> Result<(), Failed> {
        if self.complete {
            return Err(Problem::left_out(&clip.id, file, finding).into());
        }
        made.remarks.push(Problem::kept(&clip.id, file, finding));
        Ok(())
    }

    /// Writes the sound as mono WAV of 16 bits, with silence where time has none, so that it stays with
    /// the picture; returns its seconds.
    fn sound(
        &self,
        clip: &Clip,
        file: &Path,
        track: Track,
        name: &str,
        made: &mut Made,
    ) -> Result<f64, Failed> {
        let input = self.from.join(file);
        let mut command = self.tools.ffmpeg(&input, clip.sources.cut);
        command.args(["-map", &format!("0:a:{}", track.number), "-vn", "-sn", "-dn"]);
        command.args(["-af", "aresample=async=1:first_pts=0"]);
        command.args([
            "-ac",
            "1",
            "-ar",
            &self.settings.rate.to_string(),
            "-c:a",
            "pcm_s16le",
            "-f",
            "s16le",
            "pipe:1",
        ]);
        let failed = |cause: String| Problem::left_out(&clip.id, file, Finding::Undecodable { cause });
        let read = |out: &mut std::process::ChildStdout| {
            let mut samples = vec![0; 44];
            out.read_to_end(&mut samples)?;
            Ok(samples)
        };
        let (bytes, ended) = stream(&mut command, &input, read).map_err(|e| failed(e.to_string()))?;
        let mut bytes = bytes.map_err(|e| failed(e.to_string()))?;
        self.complaint(clip, file, ended, made)?;
        // Half a sample at the end.
        bytes.truncate(bytes.len() / 2 * 2);
        let size = bytes.len() - 44;
        if size == 0 {
            self.lack(clip, file, Finding::NoSound, made)?;
            return Ok(0.0);
        }
        let header = wav::header(self.settings.rate, size).ok_or_else(|| {
            failed("its sound is longer than a WAV file can hold; cut it into parts".into())
        })?;
        bytes[..44].copy_from_slice(&header);
        made.sound = Some(self.place(Path::new("audio").join(format!("{name}.wav")), &bytes)?);
        Ok(size as f64 / 2.0 / f64::from(self.settings.rate))
    }

    /// Writes the frames into a folder that takes its name when it is complete.
    fn frames(
        &self,
        clip: &Clip,
        file: &Path,
        track: Track,
        name: &str,
        made: &mut Made,
    ) -> Result<(), Failed> {
        let input = self.from.join(file);
        let encoding = self.settings.encoding;
        let frame = 0.95 * track.seconds / track.packets.max(1) as f64;
        let (step, wanted) = match self.settings.frames {
            Frames::Spread(count) => (track.seconds / count as f64, Some(count)),
            // Shorter than the middle of the first interval: its own middle.
            Frames::PerSecond(rate) if track.seconds * rate < 0.6 => (track.seconds, Some(1)),
            Frames::PerSecond(rate) => (1.0 / rate, None),
        };
        // The frame that is shown at a time is the first that ends after it, clearly: containers round times.
        let mut filters = format!("select='gt(t-start_t+{frame:.6},(selected_n+0.5)*{step:.6})'");
        // Pixels that are not square are made so.
        filters += ",scale='max(1,round(iw*if(gt(sar,0),sar,1)))':ih,setsar=1";
        if let Some([width, height]) = self.settings.size {
            filters += &format!(
                ",scale='min(iw,{width})':'min(ih,{height})':force_original_aspect_ratio=decrease:flags=bicubic"
            );
        }
        let mut command = self.tools.ffmpeg(&input, clip.sources.cut);
        // `V` counts no covers, and the first that is none is meant.
        command.args(["-map", "0:V:0", "-an", "-sn", "-dn", "-vf", &filters]);
        command.args(self.tools.sync());
        if let Some(count) = wanted {
            command.args(["-frames:v", &count.to_string()]);
        }
        match encoding {
            Encoding::Jpeg => command.args(["-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"]),
            Encoding::Png => command.args(["-c:v", "png", "-pix_fmt", "rgb24"]),
        };
        command.args(["-flags:v", "+bitexact", "-threads", "1", "-f", "image2pipe", "pipe:1"]);

        let place = Path::new("frames").join(name);
        let folder = self.to.join(&place);
        let mut partial = folder.clone().into_os_string();
        partial.push(PARTIAL);
        let partial = PathBuf::from(partial);
        let target = |action: &'static str, path: PathBuf| {
            move |cause: io::Error| Failed::Target(PrepareError::target(action, &path, &cause))
        };
        // What a killed call left.
        clear(&partial).map_err(target("remove", partial.clone()))?;
        fs::create_dir_all(&partial).map_err(target("make the folder", partial.clone()))?;
        let failed = |cause: String| Problem::left_out(&clip.id, file, Finding::Undecodable { cause });

        let mut contents = Vec::new();
        let mut refused: Option<(PathBuf, io::Error)> = None;
        let read = |out: &mut std::process::ChildStdout| {
            let mut out = BufReader::with_capacity(1 << 16, out);
            while let Some(bytes) = picture::next(&mut out, encoding)? {
                let name = format!("{:05}.{}", contents.len() + 1, encoding.ending());
                let path = partial.join(&name);
                if let Err(cause) = fs::write(&path, &bytes) {
                    refused = Some((path, cause));
                    return Err(io::Error::other("the target"));
                }
                contents.push(content(place.join(name), &bytes));
            }
            Ok(())
        };
        let ran = stream(&mut command, &input, read);
        if let Some((path, cause)) = refused {
            return Err(target("write", path)(cause));
        }
        let result: Result<(), Failed> =
            ran.map_err(|e| failed(e.to_string()).into()).and_then(|(read, ended)| {
                // The program's own word says more than that its output ends.
                self.complaint(clip, file, ended, made)?;
                read.map_err(|e| failed(e.to_string()).into())
            });
        if result.is_err() || contents.is_empty() {
            clear(&partial).map_err(target("remove", partial.clone()))?;
            result?;
            return self.lack(clip, file, Finding::NoPicture, made);
        }
        clear(&folder).map_err(target("remove", folder.clone()))?;
        fs::rename(&partial, &folder).map_err(target("write", folder.clone()))?;
        if let Some(wanted) = wanted.filter(|wanted| contents.len() < *wanted) {
            let finding = Finding::FewFrames { found: contents.len(), wanted };
            made.remarks.push(Problem::kept(&clip.id, file, finding));
        }
        made.frames = contents;
        Ok(())
    }

    /// Takes a PNG or JPEG over as it is, and has any other picture made into a PNG.
    fn image(&self, clip: &Clip, file: &Path, name: &str, made: &mut Made) -> Result<(), Failed> {
        let input = self.from.join(file);
        let failed = |cause: String| Problem::left_out(&clip.id, file, Finding::Undecodable { cause });
        let bytes = fs::read(&input)
            .map_err(|e| Problem::left_out(&clip.id, file, Finding::Unreadable { cause: e.to_string() }))?;
        let ending = match content_name(&bytes[..bytes.len().min(64)]) {
            Some("a PNG picture") => "png",
            Some("a JPEG picture") => "jpg",
            _ => "",
        };
        let place = |ending: &str| Path::new("images").join(format!("{name}.{ending}"));
        if !ending.is_empty() && self.settings.size.is_none() {
            counterpoint_data::Bitmap::read(&input).map_err(|e| failed(e.to_string()))?;
            made.image = Some(self.place(place(ending), &bytes)?);
            return Ok(());
        }
        let mut command = self.tools.ffmpeg(&input, None);
        command.args(["-map", "0:v:0", "-frames:v", "1"]);
        if let Some([width, height]) = self.settings.size {
            command.args(["-vf", &format!(
                "scale='min(iw,{width})':'min(ih,{height})':force_original_aspect_ratio=decrease:flags=bicubic"
            )]);
        }
        command.args(["-c:v", "png", "-pix_fmt", "rgb24", "-threads", "1", "-f", "image2pipe", "pipe:1"]);
        let read =
            |out: &mut std::process::ChildStdout| picture::next(&mut BufReader::new(out), Encoding::Png);
        let (picture, ended) = stream(&mut command, &input, read).map_err(|e| failed(e.to_string()))?;
        self.complaint(clip, file, ended, made)?;
        let bytes = picture.map_err(|e| failed(e.to_string()))?.ok_or_else(|| failed("no picture".into()))?;
        made.image = Some(self.place(place("png"), &bytes)?);
        Ok(())
    }

    /// What a program that ended says of the file.
    fn complaint(&self, clip: &Clip, file: &Path, ended: Ended, made: &mut Made) -> Result<(), Failed> {
        match (ended.success, ended.complaint) {
            (true, None) => Ok(()),
            (true, Some(cause)) => {
                let remark = Problem::kept(&clip.id, file, Finding::Damaged { cause });
                if !made.remarks.contains(&remark) {
                    made.remarks.push(remark);
                }
                Ok(())
            }
            (false, cause) => {
                let cause = cause.unwrap_or_else(|| "ffmpeg failed without a message".into());
                Err(Problem::left_out(&clip.id, file, Finding::Undecodable { cause }).into())
            }
        }
    }

    /// Writes a file of a clip.
    fn place(&self, file: PathBuf, bytes: &[u8]) -> Result<Content, Failed> {
        place(self.to, file, bytes).map_err(Failed::Target)
    }
}

/// Writes a file beside its place in a target, and renames it.
///
/// # Errors
/// If it cannot be written.
pub fn place(to: &Path, file: PathBuf, bytes: &[u8]) -> Result<Content, PrepareError> {
    let path = to.join(&file);
    let mut partial = path.clone().into_os_string();
    partial.push(PARTIAL);
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&partial, bytes)?;
        fs::rename(&partial, &path)
    };
    write().map_err(|cause| PrepareError::target("write", &path, &cause))?;
    Ok(content(file, bytes))
}

/// Removes a folder that may be there.
fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}
