//! Sets that are made up: two views `a` and `b` of numbers, and a label that they tell together.
//!
//! Every number follows from `seed`, and each part has its own, so that more samples of one part
//! change nothing of another. Classes are equally frequent.

mod suppressor;
mod xor;

pub use suppressor::SuppressorConfig;
pub use xor::XorConfig;

use counterpoint_batch::random::Random;

use super::{DataSet, Draft, Labelling, Part, Plan, Record, Request, Source, Truth};
use crate::error::DataError;

/// Names of the views.
const VIEWS: [&str; 2] = ["a", "b"];

/// Views of one sample along their directions, in the order of [`VIEWS`].
type Views = [f64; 2];

/// How many samples, of how many numbers, in how much noise.
struct Shape {
    samples: [usize; 3],
    width: usize,
    noise: f64,
    seed: u64,
}

impl Shape {
    /// A plan whose samples are `along` a random direction of each view, plus noise in all numbers;
    /// `along` gets the sign of the class, -1 or 1, and random numbers of the sample.
    fn plan(
        &self,
        request: &Request<'_>,
        along: impl Fn(f64, &mut Random) -> Views,
    ) -> Result<Plan, DataError> {
        if request.split.is_random() {
            return Err(DataError::config(
                "this data set is made up part by part: choose `train`, `val` and `test` instead of a random split",
            ));
        }
        if let Some((key, count)) =
            ["train", "val", "test"].iter().zip(self.samples).find(|(_, count)| *count < 2)
        {
            return Err(DataError::config(format!("`{key}` = {count}: expected at least 2 samples")));
        }
        if self.width == 0 || !(self.noise.is_finite() && self.noise >= 0.0) {
            return Err(DataError::config(format!(
                "`width` = {} and `noise` = {}: expected a width of at least 1 and a noise of at least 0",
                self.width, self.noise
            )));
        }
        let modalities = request.modalities(&VIEWS)?;
        let directions = VIEWS.map(|view| self.direction(view));
        let mut records = Vec::new();
        for (part, count) in Part::ALL.into_iter().zip(self.samples) {
            for sample in 0..count {
                let class = sample % 2;
                let mut random = Random::new(self.seed, &["sample", part.name(), &sample.to_string()]);
                let along = along(2.0 * class as f64 - 1.0, &mut random);
                let views: Vec<Vec<f32>> = along
                    .iter()
                    .zip(&directions)
                    .map(|(along, w)| {
                        w.iter().map(|w| (along * w + self.noise * random.normal()) as f32).collect()
                    })
                    .collect();
                let view = |name: &String| VIEWS.iter().position(|view| view == name).unwrap_or(0);
                records.push(Record {
                    id: format!("{}-{sample}", part.name()),
                    group: None,
                    part,
                    truth: Truth::Class(class),
                    sources: modalities
                        .iter()
                        .map(|name| Some(Source::row(views[view(name)].clone())))
                        .collect(),
                });
            }
        }
        Ok(Plan {
            classes: vec!["minus".into(), "plus".into()],
            labelling: Labelling::Classes,
            drafts: modalities.iter().map(|name| Draft::vector(name, self.width)).collect(),
            records,
            notes: Vec::new(),
        })
    }

    /// A direction of length 1.
    fn direction(&self, view: &str) -> Vec<f64> {
        let mut random = Random::new(self.seed, &["direction", view]);
        let w: Vec<f64> = (0..self.width).map(|_| random.normal()).collect();
        let length = w.iter().map(|w| w * w).sum::<f64>().sqrt();
        w.iter().map(|w| w / length).collect()
    }
}
