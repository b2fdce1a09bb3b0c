//! CubeMLP: perceptrons over the length, modality and channel axes.

mod block;
mod config;
mod head;

pub use block::CubeBlock;
pub use config::CubeMlpConfig;

use burn::module::Module;
use burn::tensor::Tensor;

use head::CubeHead;

use super::branches::Branches;
use super::sequence::{SequenceEncoder, mean};
use super::{Model, Scored};
use crate::feature::{Feature, Features, Vectors};
use crate::input::Input;
use crate::layer::{BnPolicy, ForwardContext};
use crate::modality::{Modalities, Modality};
use crate::step::{Group, Groups, LossTerm};

/// One sequence encoder per modality; all sequences side by side make a cube
/// `[length, modality, channel]`, which blocks mix along each axis; a head reads
/// its mean over the length (Sun et al., ACM MM 2022; any number of modalities).
/// As in the released code the head is one linear layer, and where more than 128
/// numbers enter it linear, ReLU, dropout, linear.
///
/// Sequences are padded with zeros to the model's length. A vector is a
/// sequence of one step, whose encoding is repeated over the length. A modality
/// that a term lacks is zeros in the cube, after all that its encoder does.
#[derive(Module, Debug)]
pub struct CubeMlp {
    branches: Branches<SequenceEncoder>,
    blocks: Vec<CubeBlock>,
    head: CubeHead,
    length: usize,
}

impl CubeMlp {
    /// A vector's one step, repeated over the length; a sequence has it already.
    fn lengthened(&self, steps: Tensor<3>) -> Tensor<3> {
        match steps.dims()[1] {
            1 => steps.repeat_dim(1, self.length),
            _ => steps,
        }
    }

    /// `[batch, length, modality, channel]` of what is there, zeros elsewhere.
    fn stack(&self, features: &Features) -> Tensor<4> {
        let sequences: Vec<Option<Tensor<3>>> =
            features.iter().map(|z| z.as_ref().map(|z| self.lengthened(z.part(0)))).collect();
        let there = sequences.iter().flatten().next().expect("a term has at least one modality");
        let absent = there.zeros_like().inner();
        Tensor::stack(sequences.into_iter().map(|z| z.unwrap_or_else(|| absent.clone())).collect(), 2)
    }
}

impl Model for CubeMlp {
    fn modalities(&self) -> &Modalities {
        self.branches.modalities()
    }

    fn groups(&self) -> Groups {
        let mut groups = self.branches.groups();
        groups.add(Group::Fusion, "fusion", &self.blocks);
        groups.add(Group::Head, "head", &self.head);
        self.branches.add_unimodal_heads(&mut groups);
        groups
    }

    /// The sequence, and the share of each step in its mean.
    fn encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature {
        let encoder = &self.branches.encoders[m.0];
        let sequence = encoder.sequence(input, pass);
        let (steps, shares) = (sequence.steps.clone(), sequence.shares());
        let [batch, length, channels] = steps.dims();
        // A vector stays one step up to the cut: what arrives there is then a sum already.
        let vector = input.shape().len() == 2 && !encoder.embeds();
        if vector {
            return Feature::of(steps).with(shares);
        }
        let missing = self.length - length;
        if missing == 0 {
            return Feature::of(steps).with(shares);
        }
        let device = steps.device();
        let steps = Tensor::cat(vec![steps, Tensor::zeros([batch, missing, channels], &device)], 1);
        Feature::of(steps).with(Tensor::cat(vec![shares, Tensor::zeros([batch, missing], &device)], 1))
    }

    fn join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored {
        let vectors: Vectors =
            features.iter().map(|z| z.as_ref().map(|z| mean(z.part(0), z.part(1)))).collect();
        if let Some(scores) = self.branches.unimodal_scores(term, &vectors) {
            return Scored { scores, features: vectors };
        }
        let all = self.modalities().all();
        let scores = pass.after_fusion(term.present(all.count()), all, BnPolicy::PerSubset, |pass| {
            let cube = self.blocks.iter().fold(self.stack(features), |cube, block| block.forward(cube, pass));
            let [batch, _, modalities, channels] = cube.dims();
            self.head.forward(cube.mean_dim(1).reshape([batch, modalities * channels]), pass)
        });
        Scored { scores, features: vectors }
    }
}
