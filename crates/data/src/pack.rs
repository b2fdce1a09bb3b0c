//! A data set of files written as tar archives, which the set `shards` and WebDataset read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use counterpoint_batch::file::StagedFile;
use serde_json::{Map, Value, json};

use crate::data::DataConfig;
use crate::decode::kind::{self, Family};
use crate::error::{DataError, ErrorKind, read};
use crate::library::Library;
use crate::media::Extract;
use crate::plan::Plan;
use crate::prepare::{Draft, Steps};
use crate::progress::Progress;
use crate::record::{Part, Record};
use crate::source::Source;
use crate::truth::Truth;

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packed {
    /// The archives, in order.
    pub shards: Vec<PathBuf>,
    /// Samples in them.
    pub samples: usize,
    /// Bytes of all archives.
    pub bytes: u64,
}

impl DataConfig {
    /// Writes the samples of every part as archives `train-000000.tar` and so on into a folder that
    /// is new or empty, each of at least so many bytes but the last of a part. Files are copied as
    /// they are, films as their frames; labels, groups, numbers, categories and texts of the list are in a `.json` for each
    /// sample. The same samples give the same bytes.
    ///
    /// # Errors
    /// If the set cannot be read, something of a sample is no whole file (a word within a recording, a
    /// label map, ready-made features), or the folder cannot be written.
    pub fn pack(
        &self,
        base: &Path,
        to: &Path,
        shard_bytes: u64,
        progress: &Progress,
    ) -> Result<Packed, DataError> {
        let library = Library::passing(self.common.within(base).disk()?.as_ref());
        let mut plan = self.plan(base)?;
        plan.respell();
        plan.settle(self.common.modalities.is_some())?;
        let failed = |cause| cannot_write(to, cause);
        fs::create_dir_all(to).map_err(failed)?;
        if fs::read_dir(to).map_err(failed)?.next().is_some() {
            return Err(DataError::config(format!(
                "the folder `{}` is not empty; name a new one",
                to.display()
            )));
        }
        let mut packed = Packed::default();
        for part in Part::ALL {
            let records: Vec<&Record> = plan.records.iter().filter(|record| record.part == part).collect();
            let mut rest = records.iter().enumerate().peekable();
            let mut number = 0;
            while rest.peek().is_some() {
                let path = to.join(format!("{}-{number:06}.tar", part.name()));
                let mut wrong = None;
                let staged = StagedFile::new(&path, |file| {
                    let mut tar = tar::Builder::new(Counted { file, bytes: 0 });
                    while tar.get_ref().bytes < shard_bytes || tar.get_ref().bytes == 0 {
                        let Some((key, record)) = rest.next() else { break };
                        progress.tell("samples packed", packed.samples, plan.records.len());
                        packed.samples += 1;
                        match members(&plan, record, &library) {
                            Ok(members) => add(&mut tar, key, members)?,
                            Err(error) => {
                                wrong = Some(error.at(format_args!("sample `{}`", record.id)));
                                return Err(io::Error::other("a sample cannot be packed"));
                            }
                        }
                    }
                    packed.bytes += tar.into_inner()?.bytes;
                    Ok(())
                });
                let staged =
                    staged.map_err(|cause| wrong.take().unwrap_or_else(|| cannot_write(&path, cause)))?;
                staged.place().map_err(|cause| cannot_write(&path, cause))?;
                packed.shards.push(path);
                number += 1;
            }
        }
        Ok(packed)
    }
}

fn cannot_write(path: &Path, cause: io::Error) -> DataError {
    DataError::new(ErrorKind::Io, format!("`{}` cannot be written", path.display())).because(cause)
}

/// A file whose bytes are counted.
struct Counted<'a> {
    file: &'a mut File,
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Adds the files of a sample, without anything that differs from day to day.
fn add(tar: &mut tar::Builder<Counted<'_>>, key: usize, members: Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for (ending, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, format!("{key:08}.{ending}"), bytes.as_slice())?;
    }
    Ok(())
}

/// Endings and contents of the files of a sample.
fn members(plan: &Plan, record: &Record, library: &Library) -> Result<Vec<(String, Vec<u8>)>, DataError> {
    let mut fields = Map::from_iter([("id".to_owned(), json!(record.id))]);
    let mut members = Vec::new();
    let label = match &record.truth {
        Truth::Class(class) => {
            members.push(("cls".to_owned(), class.to_string().into_bytes()));
            json!(plan.classes[*class])
        }
        Truth::Value(value) => json!(value),
        Truth::Labels(flags) => {
            let names = plan.classes.iter().zip(flags).filter(|(_, on)| **on).map(|(name, _)| name.as_str());
            json!(names.collect::<Vec<_>>().join(";"))
        }
        Truth::Map(_) => return Err(no_file("its label is a map of classes")),
    };
    fields.insert("label".into(), label);
    if let Some(group) = &record.group {
        fields.insert("group".into(), json!(group));
    }
    for (draft, source) in plan.drafts.iter().zip(&record.sources) {
        let Some(source) = source else { continue };
        let name = &draft.preparation.modality;
        let found = library
            .open(source, draft.preparation.steps.want(), record.wants(plan.wants()))
            .and_then(|extract| files(draft, source, extract, &mut fields))
            .map_err(|e| e.at(format_args!("modality `{name}`")))?;
        for (tag, bytes) in found {
            let ending = ending(&draft.preparation.steps, &bytes)?;
            let tag = if tag.is_empty() { String::new() } else { format!(".{tag}") };
            members.push((format!("{name}{tag}.{ending}"), bytes));
        }
    }
    members.push(("json".to_owned(), Value::Object(fields).to_string().into_bytes()));
    Ok(members)
}

/// The files of a modality, or what ffmpeg took out of it, each with what tells it from others; what is not a file
/// becomes a field.
fn files(
    draft: &Draft,
    source: &Source,
    extract: Option<Extract>,
    fields: &mut Map<String, Value>,
) -> Result<Vec<(String, Vec<u8>)>, DataError> {
    let name = &draft.preparation.modality;
    if let Some(Extract { files, .. }) = extract {
        let alone = !matches!(draft.preparation.steps, Steps::Video(_));
        let tag = |at: usize| if alone { String::new() } else { format!("{at:05}") };
        return Ok(files.into_iter().enumerate().map(|(at, file)| (tag(at), file)).collect());
    }
    match source {
        Source::Wave { span: Some(_), .. } | Source::Film { span: Some(_), .. } => {
            return Err(no_file("it is a stretch of a longer recording"));
        }
        Source::Levels { .. } => return Err(no_file("it is a picture of numbers")),
        Source::Film { path, .. } if path.is_dir() => {
            let frames = source.files()?.into_iter().enumerate();
            return frames.map(|(at, file)| Ok((format!("{at:05}"), read(&file)?))).collect();
        }
        Source::Pixels { images, index } => {
            let picture = images.bitmap(*index);
            let gone = || DataError::shape("lies beyond the end of its array");
            return Ok(vec![(String::new(), picture.ok_or_else(gone)?.to_png()?)]);
        }
        Source::Packed { members, .. } => {
            let alone = members.len() == 1;
            let tag = |at: usize| if alone { String::new() } else { format!("{at:05}") };
            return members.iter().enumerate().map(|(at, member)| Ok((tag(at), member.read()?))).collect();
        }
        Source::TableRow { rows, begin, end } => {
            let Steps::Vector(steps) = &draft.preparation.steps else {
                return Err(no_file("it is an array"));
            };
            if steps.names.is_empty() {
                return Err(no_file("it is an array"));
            }
            for (name, value) in steps.names.iter().zip(rows.get(*begin..*end)?) {
                fields.insert(name.clone(), if value.is_nan() { Value::Null } else { json!(value) });
            }
        }
        Source::Cells { cells } => {
            let names = match &draft.preparation.steps {
                Steps::Category(steps) => steps.columns.iter().map(|column| &column.name).collect(),
                _ => vec![name],
            };
            fields
                .extend(names.into_iter().zip(cells.iter()).map(|(name, cell)| (name.clone(), json!(cell))));
        }
        Source::Wave { path, .. }
        | Source::Picture { path }
        | Source::Film { path, .. }
        | Source::Document { path } => return Ok(vec![(String::new(), read(path)?)]),
    }
    Ok(Vec::new())
}

fn no_file(what: &str) -> DataError {
    DataError::config(format!("{what}, which archives of files cannot hold; train on the set itself"))
}

/// The ending of a content, by which it is found again.
fn ending(steps: &Steps, bytes: &[u8]) -> Result<&'static str, DataError> {
    Ok(match (steps, kind::of(bytes).map(|(name, _)| name)) {
        (Steps::Text(_), _) => "txt",
        (Steps::Audio(_), Some("a FLAC recording")) => "flac",
        (Steps::Audio(_), Some("an MP3 recording")) => "mp3",
        (Steps::Audio(_), Some("an Ogg recording")) => "ogg",
        // WAV in all its containers.
        (Steps::Audio(_), _) => "wav",
        (_, Some("a PNG picture")) => "png",
        (_, Some("a JPEG picture")) => "jpg",
        _ => return Err(kind::refuse(bytes, Family::Picture)),
    })
}
