//! Small data sets that can be learned in a second.

use counterpoint::math::random::Random;
use counterpoint_batch::{Array, Batch, BatchSource, ModalitySpec, Sample, SourceError, Target, presence};

/// Samples around one prototype a class and modality.
#[derive(Clone, Debug)]
pub struct Problem {
    spec: Vec<ModalitySpec>,
    samples: Vec<Sample>,
    batch: usize,
    seed: u64,
}

/// Names of the modalities, in order.
pub const NAMES: [&str; 6] = ["audio", "image", "text", "touch", "depth", "radar"];

impl Problem {
    /// `count` samples of three classes in this many modalities, the first of
    /// which are small images and all others vectors of five numbers.
    pub fn new(modalities: usize, count: usize, batch: usize, seed: u64) -> Self {
        let shape = |m: usize| if m == 0 { vec![1, 5, 5] } else { vec![5] };
        let spec = (0..modalities).map(|m| ModalitySpec::new(NAMES[m], shape(m))).collect();
        Self::of(spec, count, batch, seed)
    }

    /// The same with sequences: steps of three numbers, word ids, and vectors,
    /// in turn. No sample but every fifth has all six steps or words.
    pub fn sequences(modalities: usize, count: usize, batch: usize, seed: u64) -> Self {
        let spec = |m: usize| match m % 3 {
            0 => ModalitySpec::new(NAMES[m], [6, 3]).with_lengths(),
            1 => ModalitySpec::new(NAMES[m], [6]).with_vocabulary(9).with_lengths(),
            _ => ModalitySpec::new(NAMES[m], [4]),
        };
        Self::of((0..modalities).map(spec).collect(), count, batch, seed)
    }

    fn of(spec: Vec<ModalitySpec>, count: usize, batch: usize, seed: u64) -> Self {
        let samples = (0..count)
            .map(|i| {
                let inputs = spec.iter().map(|m| Some(draw(m, i, seed))).collect();
                Sample::new(i.to_string(), inputs, Target::Class(i % 3))
            })
            .collect();
        Self { spec, samples, batch, seed }
    }

    /// The same with a number to predict: -1, 0 or 1.5 by class.
    #[must_use]
    pub fn regression(mut self) -> Self {
        for (i, sample) in self.samples.iter_mut().enumerate() {
            sample.target = Target::Value([-1.0, 0.0, 1.5][i % 3]);
        }
        self
    }

    /// The same with two labels: one for the first class, one for all but the second.
    #[must_use]
    pub fn multilabel(mut self) -> Self {
        for (i, sample) in self.samples.iter_mut().enumerate() {
            sample.target = Target::Labels(vec![i % 3 == 0, i % 3 != 1]);
        }
        self
    }

    /// The same without the modalities for which `lacks(sample, modality)`
    /// holds; the last modality of a sample that would have none stays.
    #[must_use]
    pub fn lacking(mut self, lacks: impl Fn(usize, usize) -> bool) -> Self {
        for (i, sample) in self.samples.iter_mut().enumerate() {
            for m in 0..self.spec.len() {
                let others = sample.inputs.iter().enumerate().any(|(j, x)| j != m && x.is_some());
                if lacks(i, m) && others {
                    sample.inputs[m] = None;
                }
            }
        }
        self
    }

    /// The same with the modalities in another order.
    #[must_use]
    pub fn reordered(mut self, order: &[usize]) -> Self {
        self.spec = order.iter().map(|&m| self.spec[m].clone()).collect();
        for sample in &mut self.samples {
            sample.inputs = order.iter().map(|&m| sample.inputs[m].clone()).collect();
        }
        self
    }

    /// All samples as one batch, in order.
    ///
    /// # Panics
    /// Never: the samples fit their own specification.
    pub fn whole(&self) -> Batch {
        Batch::collate(self.samples.clone(), &self.spec).expect("samples fit their specification")
    }

    /// One sample as a batch of its own, not longer than it is.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn sample(&self, index: usize) -> Batch {
        let sample = self.samples[index].clone();
        let fitted = |(m, input): (&ModalitySpec, &Option<Array>)| match input {
            Some(array) if m.ragged => ModalitySpec { shape: array.shape().to_vec(), ..m.clone() },
            _ => m.clone(),
        };
        let spec: Vec<ModalitySpec> = self.spec.iter().zip(&sample.inputs).map(fitted).collect();
        Batch::collate(vec![sample], &spec).expect("fitted to the sample")
    }
}

fn draw(m: &ModalitySpec, sample: usize, seed: u64) -> Array {
    let mut prototype = Random::new(seed, &["prototype", &m.name, &(sample % 3).to_string()]);
    let mut noise = Random::new(seed, &["noise", &m.name, &sample.to_string()]);
    let mut shape = m.shape.clone();
    if m.ragged {
        shape[0] = shape[0].min(2 + sample % 5);
    }
    let count = shape.iter().product();
    let number = |_| match m.vocabulary {
        None => (prototype.normal() + 0.3 * noise.normal()) as f32,
        // A word that is the class's own, or now and then any; 0 is padding.
        Some(words) => {
            let (own, any) = (prototype.below(words - 1), noise.below(words - 1));
            1.0 + if noise.uniform() < 0.2 { any } else { own } as f32
        }
    };
    let values = (0..count).map(number).collect();
    Array::new(shape, values).expect("sized by its shape")
}

impl BatchSource for Problem {
    fn modalities(&self) -> &[ModalitySpec] {
        &self.spec
    }

    fn samples(&self) -> usize {
        self.samples.len()
    }

    fn batches(&self) -> usize {
        self.samples.len().div_ceil(self.batch)
    }

    fn presence(&self) -> Vec<Vec<bool>> {
        presence(&self.samples)
    }

    fn epoch(
        &self,
        epoch: usize,
        from: usize,
    ) -> Box<dyn Iterator<Item = Result<Batch, SourceError>> + Send + '_> {
        let order = Random::new(self.seed, &["order", &epoch.to_string()]).permutation(self.samples.len());
        let batches: Vec<Vec<usize>> = order.chunks(self.batch).skip(from).map(<[usize]>::to_vec).collect();
        Box::new(batches.into_iter().map(|chosen| {
            let samples = chosen.iter().map(|&i| self.samples[i].clone()).collect();
            Ok(Batch::collate(samples, &self.spec)?)
        }))
    }
}
