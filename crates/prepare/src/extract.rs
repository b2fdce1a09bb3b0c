//! One clip: from its files to sound and frames in the target.

use std::fs;
use std::path::PathBuf;

use counterpoint_data::media::{Probe, Short, probe};

use crate::clip::Clip;
use crate::content::{Content, Stamp, look, sha256};
use crate::made::{Failed, Made};
use crate::problem::{Finding, Problem};
use crate::streams::{Item, Streams};

/// Sound and picture may differ by so many seconds, or by a tenth.
const LENGTHS: f64 = 0.5;

/// How clips are made.
#[derive(Debug)]
pub struct Extractor<'a> {
    pub streams: Streams<'a>,
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
            let path = self.streams.from.join(file);
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
        made.files()
            .all(|f| fs::metadata(self.streams.to.join(&f.file)).is_ok_and(|facts| facts.len() == f.bytes))
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
                let path = self.streams.from.join(file);
                let found = probe(self.streams.tools, path.as_path().into())
                    .map_err(|cause| Problem::left_out(&clip.id, file, Finding::Undecodable { cause }))?;
                let short = match clip.sources.cut {
                    Some(cut) => found.lacks(cut),
                    None => found.cut_off(),
                };
                if let Some(Short { expected, found }) = short {
                    let finding = Finding::CutOff { expected, found };
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
        let item = |file| Item { clip, file, name };
        let sound = clip.sources.sound.as_ref().map(|file| (file, of(file).and_then(|probe| probe.sound)));
        let film = clip.sources.film.as_ref().map(|file| (file, of(file).and_then(|probe| probe.picture)));
        if let (Some((file, Some(sound))), Some((other, Some(film)))) = (sound, film)
            && file == other
        {
            lengths.0 = self.streams.both(item(file), [sound, film], &mut made)?;
        }
        let done = lengths.0.is_some();
        match sound.filter(|_| !done) {
            Some((file, Some(track))) => {
                lengths.0 = Some(self.streams.sound(item(file), track, &mut made)?)
            }
            Some((file, None)) => self.streams.lack(item(file), Finding::NoSound, &mut made)?,
            None => {}
        }
        made.seconds = lengths.0;
        match film {
            Some((file, Some(track))) => {
                if !done {
                    self.streams.frames(item(file), track, &mut made)?;
                }
                lengths.1 = Some(track.seconds);
            }
            Some((file, None)) => self.streams.lack(item(file), Finding::NoPicture, &mut made)?,
            None => {}
        }
        if let Some(file) = &clip.sources.image {
            self.streams.image(item(file), &mut made)?;
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
}
