//! What the chosen runs of a study scored on the test split.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint_report::record::{Convention, Log, Metric, Scores, State, Study, UnimodalReading, Values};
use counterpoint_report::statistics::Summary;

/// The row of all modalities together.
pub const FUSED: &str = "fused";

/// Scores of the chosen runs of a study.
pub struct Looks {
    /// By method.
    pub of: BTreeMap<String, Vec<Look>>,
    /// By method and variant: samples it was tested on.
    samples: BTreeMap<(String, Option<String>), u64>,
    /// Modalities that any run scored alone, in the order of the models.
    pub modalities: Vec<String>,
    /// Name of the metric.
    metric: String,
}

/// What one run scored on the test split.
pub struct Look {
    variant: Option<String>,
    pub unimodal: UnimodalReading,
    /// By checkpoint.
    scores: BTreeMap<String, Scores>,
    /// The only modality of its model, which has no fused score then.
    only: Option<String>,
}

/// Which score of a single modality.
#[derive(Clone, Copy, PartialEq)]
pub enum Which {
    /// The one that comparisons read.
    Compared,
    /// The one by this convention.
    By(Convention),
    /// The row of that name in the record.
    Recorded,
}

impl Looks {
    /// Reads the records of the finished runs.
    pub fn read(study: &Study, folder: &Path, metric: &Metric) -> Self {
        let (mut of, mut modalities): (BTreeMap<_, Vec<_>>, Vec<String>) = (BTreeMap::new(), Vec::new());
        let mut samples = BTreeMap::new();
        for run in study.runs.iter().filter(|r| r.chosen && r.state == State::Finished) {
            let Ok(log) = Log::read(folder.join(&run.place).join("metrics.jsonl")) else { continue };
            let names = log.start().map(|s| s.modalities.clone()).unwrap_or_default();
            let only = if let [one] = &names[..] { Some(one.clone()) } else { None };
            let mut scores = BTreeMap::new();
            for test in log.tests() {
                samples.insert((run.method.clone(), run.variant.clone()), test.samples);
                scores.insert(test.checkpoint.clone(), test.scores.clone());
            }
            for name in names {
                if !modalities.contains(&name) {
                    modalities.push(name);
                }
            }
            let look = Look { variant: run.variant.clone(), unimodal: log.unimodal(), scores, only };
            of.entry(run.method.clone()).or_default().push(look);
        }
        Self { of, samples, modalities, metric: metric.name.clone() }
    }

    /// One line for each method that was tested on fewer samples than others.
    pub fn partly_tested(&self, study: &Study) -> impl Iterator<Item = String> {
        study.methods.iter().filter_map(|method| {
            let mut of = self.samples.iter().filter(|((name, _), _)| *name == method.name);
            of.find_map(|((_, variant), &count)| {
                let same = self.samples.iter().filter(|((_, other), _)| other == variant);
                let all = same.map(|(_, count)| *count).max().unwrap_or(count);
                (count < all).then(|| {
                    format!(
                        "{} was tested on {count} of {all} samples: those that have what it sees",
                        method.name
                    )
                })
            })
        })
    }

    /// A score over the runs of a method, of one variant or of all.
    pub fn summary(
        &self,
        method: &str,
        variant: Option<&str>,
        checkpoint: &str,
        row: &str,
        which: Which,
    ) -> Summary {
        let runs = self.of.get(method).into_iter().flatten();
        let fits = runs.filter(|look| variant.is_none() || look.variant.as_deref() == variant);
        let value = |look: &Look| look.values(checkpoint, row, which)?.get(&self.metric).copied();
        Summary::of(&fits.filter_map(value).collect::<Vec<_>>())
    }

    /// What the convention is called by which a method's modalities are compared.
    pub fn read_by(&self, method: &str) -> Option<&str> {
        let looks = self.of.get(method)?;
        looks.iter().find_map(|look| {
            let scores = look.scores.values().next_back()?;
            let scored = self.modalities.iter().filter(|m| scores.contains_key(*m));
            // A method with a convention of its own is named by that.
            scored
                .map(|m| look.unimodal.name(scores, m))
                .max_by_key(|name| *name != Convention::ZeroFill.name())
        })
    }
}

impl Look {
    fn values(&self, checkpoint: &str, row: &str, which: Which) -> Option<&Values> {
        let scores = self.scores.get(checkpoint)?;
        if self.only.is_some() && row == FUSED {
            return None;
        }
        match which {
            Which::Compared => self.unimodal.values(scores, row),
            Which::By(convention) => self.unimodal.by(convention, scores, row),
            Which::Recorded => scores.get(row),
        }
    }
}
