//! Writing `metrics.jsonl`, one whole line at a time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use counterpoint_batch::file::replace;
use serde_json::Value;

use super::{Event, RecordError};

/// Appends events to a metrics file.
///
/// A line is handed to the system in one piece. If that fails half way (disk
/// full), the half is cut off again, so that the next line does not continue
/// it.
///
/// ```no_run
/// use counterpoint_report::record::{Appender, End};
/// let mut log = Appender::open("run/metrics.jsonl")?;
/// log.append(End { reason: "finished".into(), ..End::default() })?;
/// # Ok::<(), counterpoint_report::record::RecordError>(())
/// ```
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    file: File,
}

impl Appender {
    /// Opens or creates the file and removes a torn last line.
    ///
    /// # Errors
    /// When the file cannot be opened, read or cut.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RecordError> {
        let path = path.as_ref();
        let open = || {
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
            mend(&mut file)?;
            Ok(file)
        };
        let file = open().map_err(|source| RecordError::new("open", path, source))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Opens the file of a run that continues after `epoch` and removes what a
    /// later epoch wrote.
    ///
    /// Lines whose `epoch` is greater go, and so does every `end`, because the
    /// run has not ended. Looks at the test split stay whatever their epoch:
    /// they happened. Lines of unknown events follow the same rule. The file is
    /// replaced in one step, so a crash leaves the old or the new one.
    ///
    /// # Errors
    /// When the file cannot be read or replaced.
    pub fn resume(path: impl AsRef<Path>, epoch: usize) -> Result<Self, RecordError> {
        Self::cut(path.as_ref(), |event, line| match event {
            Some("test") => true,
            Some("end") => false,
            _ => until(line, "epoch", epoch),
        })
    }

    /// Opens the file of steps of a run that continues after `batches` batches
    /// and removes what later ones wrote.
    ///
    /// # Errors
    /// When the file cannot be read or replaced.
    pub fn resume_steps(path: impl AsRef<Path>, batches: usize) -> Result<Self, RecordError> {
        Self::cut(path.as_ref(), |_, line| until(line, "batch", batches))
    }

    /// Opens the file without the lines that do not stay.
    fn cut(path: &Path, stays: impl Fn(Option<&str>, &Value) -> bool) -> Result<Self, RecordError> {
        let keep = || match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(bytes) => replace(path, &kept(&bytes, stays)),
        };
        keep().map_err(|source| RecordError::new("cut", path, source))?;
        Self::open(path)
    }

    /// Appends one event. It survives the death of the process, but is not forced to the disk.
    ///
    /// # Errors
    /// When the line could not be written whole; the file then ends with the
    /// line before it.
    pub fn append(&mut self, event: impl Into<Event>) -> Result<(), RecordError> {
        let mut line = event.into().to_line();
        line.push('\n');
        let mut write = || {
            let before = self.file.metadata()?.len();
            self.file.write_all(line.as_bytes()).inspect_err(|_| {
                // The first error is the one to tell; a failure to tidy up is
                // caught by the next `open`.
                let _ = self.file.set_len(before);
            })
        };
        write().map_err(|source| RecordError::new("append to", &self.path, source))
    }
}

/// Ends the file with a line break: completes a last line that is whole but for
/// it, cuts off one that is not.
fn mend(file: &mut File) -> io::Result<()> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let start = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    match &bytes[start..] {
        [] => Ok(()),
        tail if serde_json::from_slice::<Value>(tail).is_ok_and(|v| v.is_object()) => file.write_all(b"\n"),
        _ => file.set_len(start as u64),
    }
}

/// Whether a line has no such position or one that is not later than `last`.
fn until(line: &Value, position: &str, last: usize) -> bool {
    line.get(position).and_then(Value::as_u64).is_none_or(|at| at <= last as u64)
}

fn kept(bytes: &[u8], stays: impl Fn(Option<&str>, &Value) -> bool) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let stays = match serde_json::from_slice::<Value>(line) {
            // A damaged line in the middle is evidence; a torn tail is mended by `open`.
            Err(_) => true,
            Ok(value) => stays(value.get("event").and_then(Value::as_str), &value),
        };
        if stays {
            kept.extend_from_slice(line);
        }
    }
    kept
}
