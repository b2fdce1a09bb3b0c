//! Squeeze, excite and add.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Exchange, ExchangeSettings, Streams, positive};
use crate::Error;
use crate::layer::{Init, Linear};
use crate::model::Boxed;
use crate::model::encoder::Stream;

/// Excited maps of all streams, added. See [`SeAdd`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SeAddConfig {
    /// Channels per hidden unit of the gates.
    #[schemars(range(min = 1))]
    pub reduction: usize,
}

impl Default for SeAddConfig {
    fn default() -> Self {
        Self { reduction: 16 }
    }
}

impl Settings for SeAddConfig {
    const NAME: &'static str = "se-add";
    const SUMMARY: &'static str =
        "adds the other streams after squeeze-and-excitation to each stream; equal channels";
}

impl ExchangeSettings for SeAddConfig {
    fn build(&self, channels: &[usize], init: &Init) -> Result<Boxed<dyn Exchange>, Error> {
        positive(Self::NAME, "reduction", self.reduction)?;
        Ok(Boxed::new(SeAdd::new(channels, self.reduction, init)?))
    }
}

/// Every stream goes on with `SE_m(x_m) + sum of SE_j(x_j)` over the others
/// that are there, where `SE(x) = x sigmoid(W2 relu(W1 mean x))`: ESANet's
/// fusion (Seichter et al., ICRA 2021), in all directions.
///
/// Streams need equally many channels. Maps of another size are resized to the
/// receiver's by nearest neighbours, other frames are averaged. `SE(0) = 0`, so
/// an absent stream adds nothing.
#[derive(Module, Debug)]
pub struct SeAdd {
    gates: Vec<(Linear, Linear)>,
}

impl SeAdd {
    /// For streams of the given channels; gates have `channels / reduction` hidden units.
    ///
    /// # Errors
    /// If the streams differ in channels.
    pub fn new(channels: &[usize], reduction: usize, init: &Init) -> Result<Self, Error> {
        if channels.iter().any(|c| *c != channels[0]) {
            return Err(Error::shape(format!(
                "exchange `se-add` adds the maps of streams, but they have {channels:?} channels there; \
                 choose encoders of one width, or exchange `mmtm`"
            )));
        }
        let gate = |(m, &c): (usize, &usize)| {
            let (hidden, init) = ((c / reduction).max(1), init.part(format_args!("gates.{m}")));
            (Linear::new(c, hidden, &init.part("0")), Linear::new(hidden, c, &init.part("1")))
        };
        Ok(Self { gates: channels.iter().enumerate().map(gate).collect() })
    }
}

impl Exchange for SeAdd {
    fn forward(&self, streams: Streams) -> Streams {
        let excite = |(stream, (fc1, fc2)): (Option<Stream>, &(Linear, Linear))| {
            let stream = stream?;
            let gate = sigmoid(fc2.forward(fc1.rectified(stream.mean())));
            Some(stream.gated(gate))
        };
        let excited: Streams = streams.into_iter().zip(&self.gates).map(excite).collect();
        let sum = |(m, own): (usize, &Option<Stream>)| {
            let own = own.clone()?;
            let others = excited.iter().enumerate().filter(|(j, _)| *j != m).filter_map(|(_, s)| s.as_ref());
            let maps = others.fold(own.maps.clone(), |sum, other| sum + fitted(other, &own));
            Some(Stream { maps, ..own })
        };
        excited.iter().enumerate().map(sum).collect()
    }
}

/// The maps of one stream in the sizes of another.
fn fitted(from: &Stream, to: &Stream) -> Tensor<4> {
    let ([images, channels, h, w], [.., height, width]) = (from.maps.dims(), to.maps.dims());
    let mut maps = from.maps.clone();
    if from.frames != to.frames {
        let samples = images / from.frames;
        let mean = maps.reshape([samples, from.frames, channels * h * w]).mean_dim(1);
        maps = mean.repeat_dim(1, to.frames).reshape([samples * to.frames, channels, h, w]);
    }
    if [h, w] == [height, width] {
        return maps;
    }
    interpolate(maps, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]))
}
