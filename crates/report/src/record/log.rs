//! Reading `metrics.jsonl`.

use std::{
    error, fmt,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{End, Epoch, Event, Start, Test, UnimodalReading, Warning, earlier};

/// A metrics file could not be read or written.
#[derive(Debug)]
pub struct RecordError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl RecordError {
    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.action, self.path.display(), self.source)
    }
}

impl error::Error for RecordError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

/// A line that is not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Everything a metrics file says, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// The events.
    pub events: Vec<Event>,
    /// Names of events this version does not know, with their line: a newer
    /// version wrote them.
    pub unknown: Vec<(usize, String)>,
    /// Lines that could not be read, a torn last line excepted.
    pub damaged: Vec<Damage>,
    /// True when the last line breaks off: the writer lost power or was killed
    /// in the middle of it. Nothing else is lost.
    pub torn: bool,
}

impl Log {
    /// Reads a metrics file.
    ///
    /// # Errors
    /// When the file cannot be opened or read. Damaged content is not an error: it
    /// is listed in the result, so that one bad line does not hide a run.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, RecordError> {
        let path = path.as_ref();
        File::open(path)
            .and_then(|file| Self::from_reader(BufReader::new(file)))
            .map_err(|source| RecordError::new("read", path, source))
    }

    /// Reads the lines of any reader.
    ///
    /// # Errors
    /// When the reader fails.
    ///
    /// ```
    /// use counterpoint_report::record::Log;
    /// let text = "{\"event\":\"end\",\"reason\":\"finished\"}\n{\"event\":\"epo";
    /// let log = Log::from_reader(text.as_bytes())?;
    /// assert_eq!(log.end().unwrap().reason, "finished");
    /// assert!(log.torn && log.damaged.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_reader(mut reader: impl BufRead) -> io::Result<Self> {
        let mut log = Self::default();
        let mut bytes = Vec::new();
        let mut line = 0;
        loop {
            bytes.clear();
            if reader.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(log);
            }
            line += 1;
            let whole = bytes.last() == Some(&b'\n');
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match event(&bytes) {
                Ok(Known::Event(event)) => log.events.push(*event),
                Ok(Known::Not(name)) => log.unknown.push((line, name)),
                Err(_) if !whole => log.torn = true,
                Err(message) => log.damaged.push(Damage { line, message }),
            }
        }
    }

    /// The epochs, each once and in rising order: of an epoch that was trained
    /// twice (killed, resumed) the later line counts.
    pub fn epochs(&self) -> Vec<Epoch> {
        let mut epochs: std::collections::BTreeMap<usize, &Epoch> = std::collections::BTreeMap::new();
        for event in &self.events {
            if let Event::Epoch(epoch) = event {
                epochs.insert(epoch.epoch, epoch);
            }
        }
        epochs.into_values().cloned().collect()
    }

    /// The last start, which is the one the current configuration belongs to.
    pub fn start(&self) -> Option<&Start> {
        self.events.iter().rev().find_map(|e| if let Event::Start(x) = e { Some(x) } else { None })
    }

    /// The end, if nothing was started after it.
    pub fn end(&self) -> Option<&End> {
        let last = self.events.iter().rev().find(|e| matches!(e, Event::End(_) | Event::Start(_)));
        if let Some(Event::End(end)) = last { Some(end) } else { None }
    }

    /// All looks at sealed splits.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        self.events.iter().filter_map(|e| if let Event::Test(x) = e { Some(x) } else { None })
    }

    /// How a single modality is read, as the last look says, else the start.
    pub fn unimodal(&self) -> UnimodalReading {
        let looks: Vec<&UnimodalReading> = self.tests().filter_map(|test| test.unimodal.as_ref()).collect();
        let last = looks.last().copied().or_else(|| self.start().map(|start| &start.unimodal));
        last.cloned().unwrap_or_default()
    }

    /// All warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.events.iter().filter_map(|e| if let Event::Warning(x) = e { Some(x) } else { None })
    }
}

enum Known {
    Event(Box<Event>),
    Not(String),
}

/// The names that `Event` has; a test holds the two together.
pub(super) const NAMES: [&str; 6] = ["start", "epoch", "step", "test", "warning", "end"];

fn event(bytes: &[u8]) -> Result<Known, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let name = value.get("event").and_then(Value::as_str).ok_or("no field `event`")?;
    if !NAMES.contains(&name) {
        return Ok(Known::Not(name.to_owned()));
    }
    serde_json::from_value(earlier::event(value))
        .map(|event| Known::Event(Box::new(event)))
        .map_err(|error| error.to_string())
}
