//! Dense fusion: streams that exchange between the stages of their encoders.

mod config;
mod exchange;

pub use config::{Partition, StagedConfig};
pub use exchange::*;

use burn::module::Module;
use burn::tensor::Tensor;

use super::branches::Branches;
use super::encoder::{Stages, Stream};
use super::fusion::zero_fill;
use super::head::Head;
use super::{Boxed, Model, Scored};
use crate::feature::{Feature, Features, Vectors};
use crate::input::Input;
use crate::layer::{BnPolicy, ForwardContext};
use crate::modality::{Modalities, Modality};
use crate::step::{Group, Groups, LossTerm};

/// One encoder per modality, exchanges after some of their stages, and one head
/// on the concatenated means of the last maps.
///
/// All layers of a stream belong to its encoder, even those after an
/// exchange; exchanges and head are fusion and head. The fused loss travels
/// *through* the streams to reach the exchanges. In a term that lacks a
/// modality its stream is not run after the first exchange, and zeros enter
/// every exchange and the head. With one modality there is nobody to exchange
/// with: the model is that encoder and a head.
///
/// With exchange `mmtm` after stages 2, 3 and 4 of two ResNet-18 this is
/// MMTM-ResNet-18 (Joze et al., CVPR 2020).
#[derive(Module, Debug)]
pub struct Staged {
    branches: Branches<Boxed<dyn Stages>>,
    exchanges: Vec<Boxed<dyn Exchange>>,
    head: Boxed<dyn Head>,
    #[module(skip)]
    plan: Plan,
}

/// What is not a parameter.
#[derive(Clone, Debug)]
struct Plan {
    /// Numbers of the stages that an exchange follows, ascending.
    after: Vec<usize>,
    /// Name of the exchanges' kind.
    kind: &'static str,
    partition: Partition,
    policy: BnPolicy,
    /// Whether all streams go on through the first one's stages after the first exchange.
    shared: bool,
}

impl Staged {
    /// The last stage before streams meet.
    fn first_meeting(&self) -> usize {
        self.plan.after[0]
    }

    /// Runs stages `from..=to` of every stream that is there; `None` runs to the end.
    fn run(
        &self,
        streams: Streams,
        from: usize,
        to: Option<usize>,
        pass: &mut ForwardContext<'_>,
    ) -> Streams {
        let run = |(m, stream): (usize, Option<Stream>)| {
            let encoder = &self.branches.encoders[if self.plan.shared { 0 } else { m }];
            let (last, stream) = (to.unwrap_or(encoder.stages()), stream?);
            Some(pass.turn(m, |pass| encoder.run(from..=last, stream, pass)))
        };
        streams.into_iter().enumerate().map(run).collect()
    }
}

impl Model for Staged {
    fn modalities(&self) -> &Modalities {
        self.branches.modalities()
    }

    fn groups(&self) -> Groups {
        let Plan { after, kind, partition, shared, .. } = &self.plan;
        let mut groups = Groups::default();
        // Tied layers are nobody's own: they listen like the fusion.
        if *partition == Partition::Cut || *shared {
            for (m, (name, encoder)) in self.modalities().iter().zip(self.branches.named()) {
                let prefix = format!("encoder.{name}");
                let mut lower = encoder.clone();
                lower.truncate(self.first_meeting());
                groups.add(Group::Encoder(m), &prefix, &lower);
                groups.add(Group::Fusion, &prefix, encoder);
            }
        } else {
            groups = self.branches.groups();
        }
        for (after, exchange) in after.iter().zip(&self.exchanges) {
            groups.add(Group::Fusion, &format!("fusion.{kind}{after}"), exchange);
        }
        groups.add(Group::Head, "head", &self.head);
        self.branches.add_unimodal_heads(&mut groups);
        groups
    }

    /// Frames become channels, so that a feature counts samples.
    fn encode(&self, m: Modality, input: &Input, pass: &mut ForwardContext<'_>) -> Feature {
        let encoder = &self.branches.encoders[m.0];
        let stream = encoder.enter(input, pass);
        let Stream { maps, frames } = encoder.run(1..=self.first_meeting(), stream, pass);
        let [images, channels, h, w] = maps.dims();
        Feature::of(maps.reshape([images / frames, frames * channels, h, w]))
    }

    fn join(&self, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>) -> Scored {
        let Plan { after, policy, shared, .. } = &self.plan;
        let all = self.modalities().all();
        let encoders = &self.branches.encoders;
        let met = |(feature, encoder): (&Option<Feature>, &Boxed<dyn Stages>)| {
            let maps: Tensor<4> = feature.as_ref()?.part(0);
            let ([samples, stacked, h, w], channels) = (maps.dims(), encoder.channels(self.first_meeting()));
            let frames = stacked / channels;
            Some(Stream { maps: maps.reshape([samples * frames, channels, h, w]), frames })
        };
        let met: Streams = features.iter().zip(encoders).map(met).collect();
        let vectors: Vectors = pass.after_fusion(term.present(all.count()), all, *policy, |pass| {
            let mut streams = met;
            for (i, from) in after.iter().enumerate() {
                if let Some(exchange) = self.exchanges.get(i) {
                    streams = exchange.forward(streams);
                }
                streams = self.run(streams, from + 1, after.get(i + 1).copied(), pass);
            }
            streams.iter().map(|stream| stream.as_ref().map(Stream::mean)).collect()
        });
        let scores = self.branches.unimodal_scores(term, &vectors).unwrap_or_else(|| {
            self.head.forward(Tensor::cat(zero_fill(&vectors, &widths(encoders, *shared)), 1))
        });
        Scored { scores, features: vectors }
    }
}

/// Widths of the vectors that the head reads.
fn widths(encoders: &[Boxed<dyn Stages>], shared: bool) -> Vec<usize> {
    let last = |encoder: &Boxed<dyn Stages>| encoder.channels(encoder.stages());
    encoders.iter().map(|encoder| last(if shared { &encoders[0] } else { encoder })).collect()
}
