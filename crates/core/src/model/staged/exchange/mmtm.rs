//! Multimodal transfer module.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exchange, ExchangeSettings, Streams, positive};
use crate::Error;
use crate::layer::{Init, Linear};
use crate::model::Boxed;
use crate::model::encoder::Stream;
use crate::model::fusion::zero_fill;

/// Joint gates from all streams. See [`Mmtm`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MmtmConfig {
    /// The joint vector has `2 / ratio` times as many numbers as all streams channels.
    #[schemars(range(min = 1))]
    pub ratio: usize,
}

impl Default for MmtmConfig {
    fn default() -> Self {
        Self { ratio: 4 }
    }
}

impl Settings for MmtmConfig {
    const NAME: &'static str = "mmtm";
    const SUMMARY: &'static str = "gates each stream's channels by a summary of all streams (MMTM)";
}

impl ExchangeSettings for MmtmConfig {
    fn build(&self, channels: &[usize], init: &Init) -> Result<Boxed<dyn Exchange>, Error> {
        positive(Self::NAME, "ratio", self.ratio)?;
        Ok(Boxed::new(Mmtm::new(channels, self.ratio, init)))
    }
}

/// Joint gates: `h = relu(S [mean x_1; mean x_2; ..])`, then each stream's
/// channels are multiplied by `sigmoid(G_m h)`.
///
/// Joze et al., CVPR 2020; as in every code seen, without the factor 2 of the
/// paper. Streams may have any sizes, frames and numbers of channels. An absent
/// one enters the means as zeros.
#[derive(Module, Debug)]
pub struct Mmtm {
    squeeze: Linear,
    gates: Vec<Linear>,
}

impl Mmtm {
    /// For streams of the given channels; the joint vector has `2 sum / ratio` numbers.
    pub fn new(channels: &[usize], ratio: usize, init: &Init) -> Self {
        let sum: usize = channels.iter().sum();
        let joint = (2 * sum / ratio).max(1);
        let gate = |(m, &to): (usize, &usize)| Linear::new(joint, to, &init.part(format_args!("gates.{m}")));
        Self {
            squeeze: Linear::new(sum, joint, &init.part("squeeze")),
            gates: channels.iter().enumerate().map(gate).collect(),
        }
    }
}

impl Exchange for Mmtm {
    fn forward(&self, streams: Streams) -> Streams {
        let means: Vec<Option<Tensor<2>>> = streams.iter().map(|s| s.as_ref().map(Stream::mean)).collect();
        let widths: Vec<usize> = self.gates.iter().map(Linear::outputs).collect();
        let joint = self.squeeze.rectified(Tensor::cat(zero_fill(&means, &widths), 1));
        let gated = |(stream, gate): (Option<Stream>, &Linear)| {
            Some(stream?.gated(sigmoid(gate.forward(joint.clone()))))
        };
        streams.into_iter().zip(&self.gates).map(gated).collect()
    }
}
