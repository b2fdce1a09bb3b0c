//! Sound, frames and still pictures out of the files of a clip.

use std::fs;
use std::path::{Path, PathBuf};

use counterpoint_data::media::{Ended, FilmRule, Taken, Tools, Track, Wanted, still, take};
use counterpoint_data::{Bitmap, content_name};

use crate::clip::Clip;
use crate::made::{Failed, Made};
use crate::place::{FrameFolder, place};
use crate::problem::{Finding, Problem};
use crate::settings::Settings;

/// Bytes of the header of a WAV file, and of a sample.
const HEADER: usize = 44;
const SAMPLE: f64 = 2.0;

/// A file of a clip, with what is taken out of it.
#[derive(Clone, Copy)]
pub struct Item<'a> {
    pub clip: &'a Clip,
    pub file: &'a Path,
    /// Path without ending below `audio`, `frames` and `images`.
    pub name: &'a str,
}

impl Item<'_> {
    fn failed(&self, cause: impl ToString) -> Failed {
        let cause = cause.to_string();
        Problem::left_out(&self.clip.id, self.file, Finding::Undecodable { cause }).into()
    }
}

/// How sound and pictures are taken out of files and written.
#[derive(Debug)]
pub struct Streams<'a> {
    pub tools: &'a Tools,
    pub from: &'a Path,
    pub to: &'a Path,
    pub settings: &'a Settings,
    /// Clips that lack sound or picture are left out.
    pub complete: bool,
}

impl Streams<'_> {
    /// A clip without sound or picture.
    pub fn lack(&self, item: Item<'_>, finding: Finding, made: &mut Made) -> Result<(), Failed> {
        if self.complete {
            return Err(Problem::left_out(&item.clip.id, item.file, finding).into());
        }
        made.remarks.push(Problem::kept(&item.clip.id, item.file, finding));
        Ok(())
    }

    /// Writes sound and frames of one file in one pass if nothing is wrong with them. Otherwise nothing is
    /// written: each by itself shows what it is. Returns the seconds of the sound.
    pub fn both(
        &self,
        item: Item<'_>,
        [sound, film]: [Track; 2],
        made: &mut Made,
    ) -> Result<Option<f64>, Failed> {
        let rule = self.settings.film();
        let wanted = Wanted { sound: Some((sound, self.settings.rate)), film: Some((film, rule)) };
        let (taken, folder) = self.run(item, wanted, Some(rule))?;
        let Some(folder) = folder else { return Ok(None) };
        match taken {
            Ok(Taken {
                sound: Ok(Some(wav)),
                frames: Ok(1..),
                ended: Ended { success: true, complaint: None },
            }) => {
                let seconds = self.place_sound(item, &wav, made)?;
                self.place_frames(item, folder, rule, made)?;
                Ok(Some(seconds))
            }
            _ => {
                folder.discard().map_err(Failed::Target)?;
                Ok(None)
            }
        }
    }

    /// Writes the sound as mono WAV of 16 bits; returns its seconds.
    pub fn sound(&self, item: Item<'_>, track: Track, made: &mut Made) -> Result<f64, Failed> {
        let wanted = Wanted { sound: Some((track, self.settings.rate)), film: None };
        let (taken, _) = self.run(item, wanted, None)?;
        let Taken { sound, ended, .. } = taken?;
        self.complaint(item, ended, made)?;
        match sound.map_err(|e| item.failed(e))? {
            Some(wav) => self.place_sound(item, &wav, made),
            None => {
                self.lack(item, Finding::NoSound, made)?;
                Ok(0.0)
            }
        }
    }

    /// Writes the frames into a folder that takes its name when it is complete.
    pub fn frames(&self, item: Item<'_>, track: Track, made: &mut Made) -> Result<(), Failed> {
        let rule = self.settings.film();
        let (taken, folder) =
            self.run(item, Wanted { sound: None, film: Some((track, rule)) }, Some(rule))?;
        let result = taken.and_then(|Taken { frames, ended, .. }| {
            // The program's own word says more than that its output ends.
            self.complaint(item, ended, made)?;
            frames.map_err(|e| item.failed(e))
        });
        let Some(folder) = folder else { return result.map(drop) };
        match result {
            Ok(1..) => self.place_frames(item, folder, rule, made),
            result => {
                folder.discard().map_err(Failed::Target)?;
                result?;
                self.lack(item, Finding::NoPicture, made)
            }
        }
    }

    /// Runs ffmpeg, with the frames written into a folder that has no name yet. What the target refuses ends
    /// everything; that the program cannot be run is inside.
    fn run(
        &self,
        item: Item<'_>,
        wanted: Wanted,
        rule: Option<FilmRule>,
    ) -> Result<(Result<Taken, Failed>, Option<FrameFolder>), Failed> {
        let input = self.from.join(item.file);
        let folder = rule.map(|rule| FrameFolder::new(self.to, item.name, rule.encoding));
        let mut folder = folder.transpose().map_err(Failed::Target)?;
        let taken = take(self.tools, input.as_path().into(), item.clip.sources.cut, wanted, |picture| {
            folder.as_mut().map_or(Ok(()), |folder| folder.add(&picture))
        });
        let folder = folder.map(FrameFolder::written).transpose().map_err(Failed::Target)?;
        Ok((taken.map_err(|e| item.failed(e)), folder))
    }

    fn place_sound(&self, item: Item<'_>, wav: &[u8], made: &mut Made) -> Result<f64, Failed> {
        let file = Path::new("audio").join(format!("{}.wav", item.name));
        made.sound = Some(place(self.to, file, wav).map_err(Failed::Target)?);
        Ok((wav.len() - HEADER) as f64 / SAMPLE / f64::from(self.settings.rate))
    }

    fn place_frames(
        &self,
        item: Item<'_>,
        folder: FrameFolder,
        rule: FilmRule,
        made: &mut Made,
    ) -> Result<(), Failed> {
        made.frames = folder.finish().map_err(Failed::Target)?;
        let found = made.frames.len();
        if let Some(wanted) = rule.frames.wanted().filter(|wanted| found < *wanted) {
            made.remarks.push(Problem::kept(&item.clip.id, item.file, Finding::FewFrames { found, wanted }));
        }
        Ok(())
    }

    /// Takes a PNG or JPEG over as it is, and has any other picture made into a PNG.
    pub fn image(&self, item: Item<'_>, made: &mut Made) -> Result<(), Failed> {
        let input = self.from.join(item.file);
        let unreadable = |e: std::io::Error| {
            Problem::left_out(&item.clip.id, item.file, Finding::Unreadable { cause: e.to_string() })
        };
        let bytes = fs::read(&input).map_err(unreadable)?;
        let ending = match content_name(&bytes[..bytes.len().min(64)]) {
            Some("a PNG picture") => "png",
            Some("a JPEG picture") => "jpg",
            _ => "",
        };
        let file = |ending: &str| -> PathBuf { Path::new("images").join(format!("{}.{ending}", item.name)) };
        let (file, bytes) = if !ending.is_empty() && self.settings.size.is_none() {
            Bitmap::read(&input).map_err(|e| item.failed(e))?;
            (file(ending), bytes)
        } else {
            let (picture, ended) =
                still(self.tools, input.as_path().into(), self.settings.size).map_err(|e| item.failed(e))?;
            self.complaint(item, ended, made)?;
            let picture = picture.map_err(|e| item.failed(e))?;
            (file("png"), picture.ok_or_else(|| item.failed("no picture"))?)
        };
        made.image = Some(place(self.to, file, &bytes).map_err(Failed::Target)?);
        Ok(())
    }

    /// What a program that ended says of the file.
    fn complaint(&self, item: Item<'_>, ended: Ended, made: &mut Made) -> Result<(), Failed> {
        match (ended.success, ended.complaint) {
            (true, None) => Ok(()),
            (true, Some(cause)) => {
                let remark = Problem::kept(&item.clip.id, item.file, Finding::Damaged { cause });
                if !made.remarks.contains(&remark) {
                    made.remarks.push(remark);
                }
                Ok(())
            }
            (false, cause) => Err(item.failed(cause.as_deref().unwrap_or("ffmpeg failed without a message"))),
        }
    }
}
