//! The score when the input of a modality gets noisy.

use std::collections::BTreeMap;

use burn::module::Module;
use counterpoint_batch::{BatchSource, Targets};

use super::examine::{Examination, encode, readable};
use super::{Diagnosis, Measure};
use crate::Error;
use crate::feature::Features;
use crate::host::host;
use crate::input::{Input, Inputs};
use crate::layer::ForwardContext;
use crate::math::random::Random;
use crate::modality::Modality;
use crate::model::Model;
use crate::step::LossTerm;

/// Scores by what was disturbed, for all batches together.
type Scores = BTreeMap<(Disturbed, usize), Vec<f32>>;

/// What is noisy, and who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Disturbed {
    /// All modalities; the fused score.
    All,
    /// One modality; the fused score.
    One(Modality),
    /// One modality; its score alone.
    UnimodalQuery(Modality),
}

impl<M: Model> Examination<'_, M> {
    /// Scores under additive Gaussian noise at every level of the settings, on
    /// samples of `source` that have all modalities.
    ///
    /// A level is the noise's standard deviation over that of the modality's
    /// input in the batch. The noise is a function of (seed, modality, sample),
    /// only its size changes with the level, and it is the same in every epoch,
    /// so curves over levels and epochs are not blurred by fresh draws.
    pub fn noise(&self, source: &dyn BatchSource, seed: u64, result: &mut Diagnosis) -> Result<(), Error> {
        let names = self.model.modalities();
        // Token ids are names: noise would make other words of them, or none.
        let numeric = |m: Modality| source.modalities()[m.0].vocabulary.is_none();
        if !self.diagnostics.config.wants(Measure::Noise) {
            return Ok(());
        }
        let still = Module::valid(self.model);
        let (mut scores, mut targets) = (Scores::new(), Targets::Classes(Vec::new()));
        for batch in source.sampled(self.count(source)) {
            let batch = readable(batch)?;
            let noise: Vec<Vec<f32>> = names
                .iter()
                .map(|m| {
                    let width = batch.inputs[m.0].array.values().len() / batch.len();
                    let key = |id: &String| Random::new(seed, &["noise", names.name(m), id]);
                    batch.ids.iter().flat_map(|id| draws(key(id), width)).collect()
                })
                .collect();
            let inputs = Inputs::new(batch, self.device);
            let complete = inputs.serving(names.all());
            if complete.is_empty() {
                continue;
            }
            let here = inputs.targets_of(&complete);
            targets.append(here.clone());
            let clean = inputs.pick(&encode(&still, &inputs, self.buffers), names.all(), &complete);
            for (level, &size) in self.diagnostics.config.noise.iter().enumerate() {
                let noisy = inputs.map(|m, input| match numeric(m) {
                    true => disturbed(input, &noise[m.0], &inputs.holders(m), size),
                    false => input.clone(),
                });
                let noisy = inputs.pick(&encode(&still, &noisy, self.buffers), names.all(), &complete);
                let mut run = |what: Disturbed, term: LossTerm, features: &Features| {
                    let scored = still.join(term, features, &mut ForwardContext::eval(self.buffers));
                    scores.entry((what, level)).or_default().extend(self.task.reduce(scored.scores, &here));
                };
                run(Disturbed::All, LossTerm::Fused, &noisy);
                for m in names.iter().filter(|&m| numeric(m)) {
                    let mut one = clean.clone();
                    one[m.0].clone_from(&noisy[m.0]);
                    run(Disturbed::One(m), LossTerm::Fused, &one);
                    let mut unimodal: Features = vec![None; names.len()];
                    unimodal[m.0].clone_from(&noisy[m.0]);
                    run(Disturbed::UnimodalQuery(m), LossTerm::Unimodal(m), &unimodal);
                }
            }
        }
        for ((what, level), scores) in scores {
            let value = self.task.score(&scores, &targets);
            let size = self.diagnostics.config.noise[level];
            match what {
                Disturbed::All => result.insert("fused", format!("noise_{size}"), value),
                Disturbed::One(m) => result.insert(names.name(m), format!("noise_{size}"), value),
                Disturbed::UnimodalQuery(m) => {
                    result.insert(names.name(m), format!("noise_unimodal_{size}"), value)
                }
            }
        }
        Ok(())
    }
}

fn draws(mut random: Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.normal() as f32).collect()
}

/// The input with noise of `size` times its own standard deviation. `noise`
/// holds the draws of every sample of the batch, `holders` those that have it.
/// The padding of shorter sequences stays 0.
fn disturbed(input: &Input, noise: &[f32], holders: &[usize], size: f64) -> Input {
    let mut values = host(input.flat());
    let width = values.len() / holders.len();
    let step = width / input.shape().get(1).copied().unwrap_or(1).max(1);
    let real = |term: usize| input.lengths().map_or(width, |lengths| step * lengths[term]);
    let there: Vec<f32> =
        (values.chunks_exact(width).enumerate()).flat_map(|(row, x)| &x[..real(row)]).copied().collect();
    let scale = (size * deviation(&there)) as f32;
    for (row, (x, &sample)) in values.chunks_exact_mut(width).zip(holders).enumerate() {
        let noise = &noise[sample * width..(sample + 1) * width];
        x[..real(row)].iter_mut().zip(noise).for_each(|(x, n)| *x += scale * n);
    }
    input.replaced(values)
}

fn deviation(values: &[f32]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count).sqrt()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn noise_is_relative_to_the_spread_and_belongs_to_its_sample() {
        // Mean 3, deviation 2; the second of three samples lacks the modality.
        let input = Input::new(vec![1.0, 5.0, 1.0, 5.0], [2, 2], &Device::flex());
        let noise = [1.0, -1.0, 9.0, 9.0, 0.5, 0.0];
        let noisy = disturbed(&input, &noise, &[0, 2], 0.5);
        assert_eq!(host(noisy.flat()), [2.0, 4.0, 1.5, 5.0]);
        assert_eq!(noisy.shape(), [2, 2]);
        // Of the first only one step is real: mean 11/3, deviation sqrt(32/9).
        let ragged = input.with_lengths(vec![1, 2]);
        let values = host(disturbed(&ragged, &noise, &[0, 2], 1.0).flat());
        let deviation = (32.0_f32 / 9.0).sqrt();
        assert!((values[0] - 1.0 - deviation).abs() < 1e-6 && values[1] == 5.0, "{values:?}");
    }
}
