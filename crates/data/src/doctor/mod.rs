//! A whole data set looked at file by file: what is damaged, silent, blank or doubled, how classes and
//! lengths are spread, and the figures to normalise with.
//!
//! It does not stop at the first file that cannot be used, as opening a set for training does. Labels
//! are only counted, and nothing is scored, so this does not count as looking at the test split.

mod finding;
mod picture;
mod sketch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::check::in_parallel;
use crate::data::DataConfig;
use crate::error::DataError;
use crate::leak::{Duplicate, Leaks, equal, groups};
use crate::library::Library;
use crate::media::{Extract, Want};
use crate::progress::Progress;
use crate::record::{Part, Record};
use crate::source::{Holds, Source};

pub use finding::{Fault, Finding};
use picture::{frames, wave};
pub use sketch::Sketch;

/// Sound below this amplitude is silence: -66 dB.
const SILENT: f32 = 5e-4;
/// More than this share of samples at full scale is too loud.
const CLIPPED: f64 = 0.01;
/// A picture whose values are all within this of each other shows nothing.
const BLANK: u8 = 6;

/// What an examination found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkup {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Samples of each class in train, val and test.
    pub balance: Vec<[usize; 3]>,
    /// Samples in train, val and test.
    pub samples: [usize; 3],
    /// Figures of each modality.
    pub figures: Vec<Figures>,
    /// What was found in files, in the order of the samples.
    pub findings: Vec<Finding>,
    /// Groups and contents in two splits.
    pub leaks: Leaks,
    /// All samples in order.
    pub entries: Vec<Entry>,
    /// What is wanted of films, for each of [`Self::figures`].
    wants: Vec<Option<Want>>,
    library: Library,
}

/// A sample and its files.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub id: String,
    /// Its split.
    pub split: &'static str,
    /// Its class, where it has one.
    pub class: Option<usize>,
    /// What each of [`Checkup::figures`] is read from.
    sources: Vec<Option<Source>>,
}

impl From<Record> for Entry {
    fn from(record: Record) -> Self {
        let Record { id, part, truth, sources, .. } = record;
        Self { id, split: part.name(), class: truth.class(), sources }
    }
}

/// Figures of a modality.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Its name.
    pub modality: String,
    /// Samples that have it.
    pub present: usize,
    /// Least, median and largest of what is counted.
    pub spread: Option<[f64; 3]>,
    /// What is counted: seconds, or frames.
    pub unit: &'static str,
    /// Sampling rates, or sizes of pictures, with how many files have them.
    pub kinds: BTreeMap<String, usize>,
    /// Mean of the values of the training files, one for each channel; of pictures from 0 to 1.
    pub mean: Vec<f64>,
    /// Their standard deviation.
    pub deviation: Vec<f64>,
}

/// What one file decodes to.
struct Seen {
    hash: [u8; 32],
    /// What is counted.
    unit: &'static str,
    /// Seconds, or frames.
    count: f64,
    kind: String,
    /// Number, sum and sum of squares of the values of each channel.
    sums: Vec<[f64; 3]>,
    fault: Option<Fault>,
}

impl DataConfig {
    /// Looks at every file of all splits, on this many threads.
    ///
    /// # Errors
    /// If lists or labels cannot be read; files that cannot be used are findings.
    pub fn examine(&self, base: &Path, threads: usize, progress: &Progress) -> Result<Checkup, DataError> {
        let mut plan = self.plan(base)?;
        plan.respell();
        let roles: Vec<String> = plan.drafts.iter().map(|d| d.preparation.modality.clone()).collect();
        let items: Vec<(usize, usize, &Source)> = plan
            .records
            .iter()
            .enumerate()
            .flat_map(|(at, record)| {
                record.sources.iter().enumerate().filter_map(move |(role, s)| Some((at, role, s.as_ref()?)))
            })
            .collect();
        let seen: Vec<OnceLock<Result<Option<Seen>, DataError>>> =
            items.iter().map(|_| OnceLock::new()).collect();
        let library = Library::passing(self.common.within(base).disk()?.as_ref());
        let done = AtomicUsize::new(0);
        let numbered: Vec<usize> = (0..items.len()).collect();
        in_parallel(&numbered, threads, &|&at| {
            progress.tell("files examined", done.fetch_add(1, Relaxed), items.len());
            let (record, role, source) = items[at];
            let want = plan.drafts[role].preparation.steps.want();
            let wants = plan.records[record].wants(plan.wants());
            seen[at].get_or_init(|| look(source, library.open(source, want, wants)?.as_ref()));
            Ok(())
        });
        let (mut findings, mut contents) = (Vec::new(), vec![Vec::new(); roles.len()]);
        let mut figures: Vec<(Figures, Vec<f64>, Vec<[f64; 3]>)> = roles
            .iter()
            .map(|role| (Figures { modality: role.clone(), ..Figures::default() }, Vec::new(), Vec::new()))
            .collect();
        for ((at, role, source), seen) in items.iter().zip(seen) {
            let record = &plan.records[*at];
            let mut find = |fault| {
                findings.push(Finding {
                    sample: record.id.clone(),
                    split: record.part.name(),
                    modality: roles[*role].clone(),
                    file: source.stored().map_or_else(PathBuf::new, |(path, _)| path.to_owned()),
                    fault,
                });
            };
            figures[*role].0.present += 1;
            match seen.into_inner() {
                Some(Ok(Some(seen))) => {
                    seen.fault.into_iter().for_each(&mut find);
                    contents[*role].push((*at, seen.hash));
                    let (figures, counts, sums) = &mut figures[*role];
                    figures.unit = seen.unit;
                    *figures.kinds.entry(seen.kind).or_default() += 1;
                    counts.push(seen.count);
                    if record.part == Part::Train {
                        sums.resize(sums.len().max(seen.sums.len()), [0.0; 3]);
                        for (sum, more) in sums.iter_mut().zip(&seen.sums) {
                            (0..3).for_each(|i| sum[i] += more[i]);
                        }
                    }
                }
                Some(Err(error)) => find(Fault::Unusable { why: error.and("").to_string() }),
                // What is in memory was read with its list.
                Some(Ok(None)) | None => {}
            }
        }
        let (grouped, groups) = groups(&plan.records);
        let duplicates = roles.iter().zip(contents).flat_map(|(role, contents)| {
            let records = &plan.records;
            equal(contents).into_iter().map(move |members| Duplicate {
                modality: role.clone(),
                samples: members
                    .iter()
                    .map(|&at| (records[at].part.name(), records[at].id.clone()))
                    .collect(),
            })
        });
        let mut leaks = Leaks { grouped, groups, duplicates: duplicates.collect() };
        leaks.duplicates.sort_by(|a, b| (&a.modality, &a.samples).cmp(&(&b.modality, &b.samples)));
        let (mut balance, mut samples) = (vec![[0; 3]; plan.classes.len()], [0; 3]);
        for record in &plan.records {
            samples[record.part as usize] += 1;
            if let Some(counts) = record.truth.class().and_then(|class| balance.get_mut(class)) {
                counts[record.part as usize] += 1;
            }
        }
        Ok(Checkup {
            balance,
            samples,
            figures: figures.into_iter().map(finish).collect(),
            findings,
            leaks,
            wants: plan.wants().collect(),
            entries: plan.records.into_iter().map(Entry::from).collect(),
            classes: plan.classes,
            library,
        })
    }
}

impl Checkup {
    /// What there is to see of a sample, with the names of its modalities; what cannot be decoded is among the findings,
    /// and numbers are left out.
    pub fn sketches(&self, entry: &Entry) -> Vec<(&str, Sketch)> {
        let wants = || self.wants.iter().copied();
        let sketch = |source: &Source, want: Option<Want>| {
            let sample = entry.sources.iter().zip(wants()).filter_map(|(s, want)| Some((s.as_ref()?, want)));
            Sketch::of(source, self.library.open(source, want, sample)?.as_ref())
        };
        let modalities = self.figures.iter().zip(&entry.sources).zip(wants());
        let shown = modalities.filter_map(|((figures, source), want)| {
            Some((figures.modality.as_str(), sketch(source.as_ref()?, want).ok()??))
        });
        shown.collect()
    }

    /// Whether somebody should act before training: files that cannot be used, or leaks.
    pub fn fatal(&self) -> bool {
        self.leaks.cross() || self.findings.iter().any(|finding| finding.fault.fatal())
    }
}

fn finish((mut figures, mut counts, sums): (Figures, Vec<f64>, Vec<[f64; 3]>)) -> Figures {
    counts.sort_by(f64::total_cmp);
    if let (Some(first), Some(last)) = (counts.first(), counts.last()) {
        figures.spread = Some([*first, counts[counts.len() / 2], *last]);
    }
    for [count, sum, squares] in sums {
        let mean = sum / count.max(1.0);
        figures.mean.push(mean);
        figures.deviation.push((squares / count.max(1.0) - mean * mean).max(0.0).sqrt());
    }
    figures
}

/// Decodes the files of one modality of one sample.
fn look(source: &Source, extract: Option<&Extract>) -> Result<Option<Seen>, DataError> {
    let mut hasher = Sha256::new();
    let noted = extract.and_then(|extract| extract.complaint.clone());
    let noted =
        noted.map(|cause| Fault::Noted { what: format!("decoded with complaints, the first: {cause}") });
    match (source, extract) {
        (Source::Wave { .. } | Source::Packed { holds: Holds::Wave, .. }, _) => {
            let span = if let Source::Wave { span, .. } = source { *span } else { None };
            let wave = wave(source, extract)?;
            let peak = wave.samples.iter().fold(0.0_f32, |peak, v| peak.max(v.abs()));
            let full = wave.samples.iter().filter(|v| v.abs() > 0.999).count();
            let share = full as f64 / wave.samples.len().max(1) as f64;
            let mut sums = [wave.samples.len() as f64, 0.0, 0.0];
            Digest::update(&mut hasher, format!("{} {span:?}", wave.rate));
            for value in &wave.samples {
                let value64 = f64::from(*value);
                sums[1] += value64;
                sums[2] += value64 * value64;
                Digest::update(&mut hasher, value.to_le_bytes());
            }
            let fault = match () {
                () if peak < SILENT => Some(Fault::Silent { peak }),
                () if share > CLIPPED => Some(Fault::Clipped { share }),
                () => noted,
            };
            let count = wave.samples.len() as f64 / f64::from(wave.rate.max(1));
            let kind = format!("{} Hz", wave.rate);
            let (hash, unit) = (hasher.finalize().into(), "seconds");
            Ok(Some(Seen { hash, unit, count, kind, sums: vec![sums], fault }))
        }
        (
            Source::Picture { .. }
            | Source::Film { .. }
            | Source::Packed { holds: Holds::Picture | Holds::Strip { .. } | Holds::Frames, .. },
            _,
        ) => {
            let (mut blank, mut sums, mut kind) = (0, vec![[0.0; 3]; 3], String::new());
            let frames = frames(source, extract)?;
            for at in 0..frames.len() {
                let picture = frames.get(at)?.into_owned().with_channels(3);
                kind = format!("{} x {}", picture.width, picture.height);
                Digest::update(&mut hasher, &kind);
                Digest::update(&mut hasher, &picture.pixels);
                let (mut low, mut high) = ([255_u8; 3], [0_u8; 3]);
                for pixel in picture.pixels.chunks_exact(3) {
                    for channel in 0..3 {
                        (low[channel], high[channel]) =
                            (low[channel].min(pixel[channel]), high[channel].max(pixel[channel]));
                        let value = f64::from(pixel[channel]) / 255.0;
                        sums[channel][0] += 1.0;
                        sums[channel][1] += value;
                        sums[channel][2] += value * value;
                    }
                }
                blank += usize::from((0..3).all(|c| high[c].saturating_sub(low[c]) <= BLANK));
            }
            let blank = (blank > 0).then_some(Fault::Blank { frames: blank, of: frames.len() });
            let (fault, count) = (blank.or(noted), frames.len() as f64);
            let (hash, unit) = (hasher.finalize().into(), "frames");
            Ok(Some(Seen { hash, unit, count, kind, sums, fault }))
        }
        _ => source.test().map(|()| None),
    }
}
