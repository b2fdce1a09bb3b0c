//! What the system's ffmpeg decodes for a data set: films, and recordings that are not read here.
//!
//! Sound becomes a WAV file and a film some pictures, as `counterpoint prepare` writes them, and both are kept in
//! the cache on the disk under the hash of the content: a file that moves, or lies in two places, is decoded
//! once. So is one whose sound and pictures a sample takes: whichever is asked for first brings the other one. What is kept stays as the ffmpeg made it that came first, and is served where there is none.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::disk::{Disk, Entry, Key};
use crate::error::DataError;
use crate::hash;
use crate::media::{Extract, Input, Want, content, extract, extract_both, foreign};
use crate::source::Source;

/// Where films are kept.
#[derive(Clone, Debug)]
pub enum Library {
    /// In a folder, for later epochs and runs.
    Kept(Arc<Shelf>),
    /// Nowhere: for whoever needs each of them once.
    Passing,
    /// Nowhere, though they are needed in every epoch: they are refused.
    Missing,
}

/// A folder, and what was decoded for it.
#[derive(Debug)]
pub struct Shelf {
    disk: Arc<Disk>,
    decoded: Mutex<HashSet<Key>>,
    /// How often something was decoded that had been decoded before.
    again: AtomicU64,
    /// Hashes of what is being decoded now.
    busy: Mutex<HashSet<[u8; 32]>>,
    /// Told when one of them is done.
    freed: Condvar,
}

impl Library {
    /// The library of a data set.
    pub fn new(disk: Option<&Arc<Disk>>) -> Self {
        disk.map_or(Self::Missing, Self::on)
    }

    /// The library of who needs every file once.
    pub fn passing(disk: Option<&Arc<Disk>>) -> Self {
        disk.map_or(Self::Passing, Self::on)
    }

    fn on(disk: &Arc<Disk>) -> Self {
        let (decoded, busy) = (Mutex::default(), Mutex::default());
        let (again, freed) = (AtomicU64::default(), Condvar::new());
        Self::Kept(Arc::new(Shelf { disk: Arc::clone(disk), decoded, again, busy, freed }))
    }

    /// What is worth telling: that the folder is too small.
    pub fn notes(&self) -> Option<String> {
        let Self::Kept(shelf) = self else { return None };
        let again = shelf.again.load(Ordering::Relaxed);
        (again > 0).then(|| {
            format!(
                "films and recordings that ffmpeg had to decode again, because `cache_dir` does not hold them all: \
                 {again}; raise `cache_dir_mb`, or keep less: `film_frames`, `film_size`"
            )
        })
    }

    /// What is wanted of a source; `None` if it is read without ffmpeg. `sample` is what its sample wants of which
    /// source.
    ///
    /// # Errors
    /// If ffmpeg is absent, or the file is damaged or lacks what is wanted.
    pub fn open<'a>(
        &self,
        source: &Source,
        want: Option<Want>,
        sample: impl Iterator<Item = (&'a Source, Option<Want>)>,
    ) -> Result<Option<Extract>, DataError> {
        if let Self::Passing = self {
            return source.extract(want);
        }
        let (Some(want), Some(input)) = (want, source.input()) else { return Ok(None) };
        let Some(what) = foreign(input, want)? else { return Ok(None) };
        let place = source.place().unwrap_or_default();
        let found = match self {
            Self::Kept(shelf) => shelf.open(source, input, want, sample, &place),
            _ => Err(DataError::config(format!(
                "{place} is {what}; ffmpeg decodes such a file once into a folder: set `cache_dir` = \"cache\" under \
                 [data] (several runs may share it), or make a set of it with `counterpoint prepare generic`"
            ))),
        };
        found.map(Some).map_err(|e| e.at(place))
    }
}

impl Shelf {
    /// What is kept of a source, or what is decoded and kept now.
    fn open<'a>(
        &self,
        source: &Source,
        input: Input<'_>,
        want: Want,
        sample: impl Iterator<Item = (&'a Source, Option<Want>)>,
        place: &str,
    ) -> Result<Extract, DataError> {
        let content = self.content(source, input)?;
        let key = |want: Want| Key::of_content(content, &format!("extract {want:?}"));
        if let Some(extract) = self.disk.get(key(want), source) {
            return Ok(extract);
        }
        let _turn = self.turn(content);
        if let Some(extract) = self.disk.get(key(want), source) {
            return Ok(extract); // somebody else was decoding it
        }
        // Of the same file, what lies in the other half of it.
        let beside = sample
            .filter(|(source, _)| source.input() == Some(input))
            .filter_map(|(_, want)| want)
            .find(|other| {
                matches!((want, *other), (Want::Sound(_), Want::Film(_)) | (Want::Film(_), Want::Sound(_)))
            })
            .filter(|other| !self.disk.has(key(*other)));
        let (found, other) = match (want, beside) {
            (Want::Sound(rate), Some(Want::Film(rule))) => extract_both(input, rate, rule).unzip(),
            (Want::Film(rule), Some(Want::Sound(rate))) => {
                let (sound, film) = extract_both(input, rate, rule).unzip();
                (film, sound)
            }
            _ => (None, None),
        };
        let found = match found {
            Some(found) => found,
            None => extract(input, want, place)?,
        };
        if let (Some(want), Some(other)) = (beside, other) {
            self.keep(key(want), &other);
        }
        self.keep(key(want), &found);
        Ok(found)
    }

    /// Keeps what was decoded.
    fn keep(&self, key: Key, extract: &Extract) {
        if !self.decoded.lock().unwrap_or_else(PoisonError::into_inner).insert(key) {
            self.again.fetch_add(1, Ordering::Relaxed);
        }
        self.disk.put(key, extract);
    }

    /// Waits until no other thread decodes this content.
    fn turn(&self, content: [u8; 32]) -> Turn<'_> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(busy, |busy| busy.contains(&content));
        free.unwrap_or_else(PoisonError::into_inner).insert(content);
        Turn { shelf: self, content }
    }

    /// The hash of the content. A file that has not changed need not be read for that.
    fn content(&self, source: &Source, input: Input<'_>) -> Result<[u8; 32], DataError> {
        let name = Key::new(source, "content");
        if let Some(Content(hash)) = name.and_then(|name| self.disk.get(name, source)) {
            return Ok(hash);
        }
        let mut hasher = Sha256::new();
        hash::stream(content(input)?, &mut hasher).map_err(|cause| DataError::io(input.path, cause))?;
        let hash = hasher.finalize().into();
        if let Some(name) = name {
            self.disk.put(name, &Content(hash));
        }
        Ok(hash)
    }
}

/// While it lasts, one thread alone decodes a content.
struct Turn<'a> {
    shelf: &'a Shelf,
    content: [u8; 32],
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shelf.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.content);
        self.shelf.freed.notify_all();
    }
}

/// SHA-256 of the content of a file.
struct Content([u8; 32]);

const CONTENT: u64 = 5;
const EXTRACT: u64 = 6;

impl Entry for Content {
    fn parts(&self) -> Option<(u64, [u64; 4], Vec<u8>)> {
        Some((CONTENT, [0; 4], self.0.to_vec()))
    }

    fn of(kind: u64, _: [u64; 4], values: Vec<u8>, _: &Source) -> Option<Self> {
        Some(Self(values.try_into().ok().filter(|_| kind == CONTENT)?))
    }
}

impl Entry for Extract {
    /// The lengths of the files, the files, and the complaint.
    fn parts(&self) -> Option<(u64, [u64; 4], Vec<u8>)> {
        let lengths = self.files.iter().flat_map(|file| (file.len() as u64).to_le_bytes());
        let mut values: Vec<u8> = lengths.collect();
        self.files.iter().for_each(|file| values.extend(file));
        values.extend(self.complaint.iter().flat_map(|text| text.bytes()));
        let told = u64::from(self.complaint.is_some());
        Some((EXTRACT, [self.files.len() as u64, told, 0, 0], values))
    }

    fn of(kind: u64, [count, told, ..]: [u64; 4], values: Vec<u8>, _: &Source) -> Option<Self> {
        let count = usize::try_from(count).ok().filter(|_| kind == EXTRACT)?;
        let (lengths, mut rest) = values.split_at_checked(count.checked_mul(8)?)?;
        let mut files = Vec::with_capacity(count);
        for length in lengths.as_chunks::<8>().0 {
            let file;
            (file, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
            files.push(file.to_vec());
        }
        let complaint = (told == 1).then(|| String::from_utf8_lossy(rest).into_owned());
        Some(Self { files, complaint })
    }
}
