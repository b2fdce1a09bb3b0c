//! What is found out from the training samples before training: means and deviations.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dataset::Dataset;
use crate::error::{DataError, ErrorKind};
use crate::moments::Moments;
use crate::prepare::{Fit, Normalise, Preparation, Raw, Steps, TextCounts};
use crate::record::{Part, Record};
use crate::source::Source;

/// Training samples, spread evenly over the list, from which one mean and one
/// deviation of all values are computed. Each has thousands of values, so more
/// would move neither, and a large set would be decoded once for nothing.
const ENOUGH: usize = 10_000;

impl Dataset {
    /// Fits the preparation of a modality on the training split.
    pub fn fit(&mut self, modality: usize, fit: Fit) -> Result<(), DataError> {
        match fit {
            Fit::Nothing => {}
            Fit::Scalar => {
                let (mean, std) = self.fit_moments(modality, None)?.scale();
                let normalise = Normalise::Scalar { mean: mean as f32, std: std as f32 };
                self.preparations[modality].normalise = normalise;
            }
            Fit::Measured { missing } => {
                let moments = self.fit_moments(modality, missing)?;
                let (mean, std) = moments.scale();
                let name = &self.preparations[modality].modality;
                if moments.is_empty() {
                    return Err(DataError::shape(format!(
                        "modality `{name}`: no pixel of the train split has a measurement, all are {}; correct the \
                         pictures or `depth_missing`",
                        missing.unwrap_or_default()
                    )));
                }
                if moments.constant() {
                    self.notes.push(format!(
                        "modality `{name}`: every pixel of the train split is {mean}, so it carries no information"
                    ));
                }
                self.preparations[modality].normalise = Normalise::Measured { mean, std, missing };
            }
            Fit::Text(rule) => {
                let mut counts = TextCounts::default();
                let Steps::Text(mut steps) = self.preparations[modality].steps.clone() else { return Ok(()) };
                self.each_text(modality, Part::Train, |cells| steps.count(&cells.concat(), &mut counts))?;
                let name = &self.preparations[modality].modality;
                let note = steps.fit(rule, counts).map_err(|e| e.at(format_args!("modality `{name}`")))?;
                self.notes.extend(note.map(|note| format!("modality `{name}`: {note}")));
                self.preparations[modality].steps = Steps::Text(steps);
            }
            Fit::Categories { min_count } => {
                let Steps::Category(mut steps) = self.preparations[modality].steps.clone() else {
                    return Ok(());
                };
                let rows = |part| -> Result<Vec<Arc<[String]>>, DataError> {
                    let mut rows = Vec::new();
                    self.each_text(modality, part, |cells| {
                        rows.push(Arc::clone(cells));
                        Ok(())
                    })?;
                    Ok(rows)
                };
                steps.fit(rows(Part::Train)?.iter().map(AsRef::as_ref), min_count);
                let name = &self.preparations[modality].modality;
                let unknown = steps.unknown(rows(Part::Val)?.iter().map(AsRef::as_ref));
                let note = |what| format!("modality `{name}`: {what} of the val split, unknown in training");
                self.notes.extend(unknown.into_iter().map(note));
                self.preparations[modality].steps = Steps::Category(steps);
            }
            Fit::Columns(rule) => {
                let rows: Vec<_> = (self.records.iter())
                    .filter(|record| record.part == Part::Train)
                    .filter_map(|record| record.sources[modality].as_ref().and_then(Source::stretch))
                    .collect();
                let Preparation { modality: name, steps, .. } = &mut self.preparations[modality];
                let Steps::Vector(steps) = steps else { return Ok(()) };
                let place = |e: DataError| e.at(format_args!("modality `{name}`"));
                let dropped = steps.fit(rows.into_iter(), rule).map_err(place)?;
                if dropped > 0 {
                    let note = format!("modality `{name}`: {dropped} constant columns left out");
                    self.notes.push(note);
                }
            }
        }
        Ok(())
    }

    /// Hands over the text or the cells of every sample of a part that has some.
    fn each_text(
        &self,
        modality: usize,
        part: Part,
        mut with: impl FnMut(&Arc<[String]>) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let Preparation { modality: name, steps, .. } = &self.preparations[modality];
        for record in self.records.iter().filter(|record| record.part == part) {
            let Some(source) = &record.sources[modality] else { continue };
            let place = |e: DataError| e.at(format_args!("sample `{}`, modality `{name}`", record.id));
            if let Raw::Cells(cells) = steps.load(source, None).map_err(place)? {
                with(&cells).map_err(place)?;
            }
        }
        Ok(())
    }

    /// Sums over all values of [`ENOUGH`] training samples but the `missing` ones, in parallel.
    ///
    /// Sums are kept per sample and added in order, so the number of threads
    /// does not change a bit of the result.
    fn fit_moments(&self, modality: usize, missing: Option<u16>) -> Result<Moments, DataError> {
        let missing = missing.map(f32::from);
        let name = &self.preparations[modality].modality;
        let has = |record: &Record| record.part == Part::Train && record.sources[modality].is_some();
        let train: Vec<usize> = (0..self.records.len()).filter(|&r| has(&self.records[r])).collect();
        let train = spread(&train, ENOUGH);
        let (done, what) = (AtomicUsize::new(0), format!("{name} samples for mean and deviation"));
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(8);
        let share = train.len().div_ceil(threads).max(1);
        let part = |records: &[usize]| -> Result<Vec<Moments>, DataError> {
            let mut all = Vec::with_capacity(records.len());
            for &record in records {
                self.progress.tell(&what, done.fetch_add(1, Ordering::Relaxed), train.len());
                if let Some(array) = self.arranged(record, modality, None)? {
                    let mut moments = Moments::default();
                    match missing {
                        None => moments.add(array.values()),
                        Some(missing) => {
                            let measured = array.values().iter().filter(|v| **v != missing);
                            moments.add(&measured.copied().collect::<Vec<_>>());
                        }
                    }
                    all.push(moments);
                }
            }
            Ok(all)
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let handles: Vec<_> =
                train.chunks(share).map(|records| scope.spawn(move || part(records))).collect();
            handles
                .into_iter()
                .map(|handle| {
                    handle.join().unwrap_or_else(|_| {
                        Err(DataError::new(
                            ErrorKind::Internal,
                            "a thread that fits the normalisation panicked",
                        ))
                    })
                })
                .collect()
        });
        let mut total = Moments::default();
        for part in parts {
            part?.iter().for_each(|moments| total.merge(moments));
        }
        Ok(total)
    }
}

/// At most a given number of all, at equal distances.
fn spread(all: &[usize], most: usize) -> Vec<usize> {
    let count = all.len().min(most);
    (0..count).map(|i| all[i * all.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_are_all_taken_and_many_evenly() {
        assert_eq!(spread(&[3, 5, 8], 10), [3, 5, 8]);
        assert_eq!(spread(&(0..100).collect::<Vec<_>>(), 4), [0, 25, 50, 75]);
        assert_eq!(spread(&[], 4), [0; 0]);
    }
}
