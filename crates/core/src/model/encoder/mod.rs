//! Encoders: from one modality's input to a feature vector.

mod block;
mod convnet;
mod mlp;
mod non_bottleneck;
mod resnet;
mod sequence;
mod shape;
mod stages;

pub use block::{BasicBlock, Block, BlockKind};
pub use non_bottleneck::NonBottleneck1D;
pub use shape::InputShape;
pub use stages::{Stages, Stream};

use std::path::Path;

use burn::tensor::Tensor;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::{Chosen, Part};

use crate::Error;
use crate::input::Input;
use crate::layer::{ForwardContext, Init};
use crate::model::parts::{boxed, parts};
use crate::model::{Boxed, Erased};

parts! {
    EncoderSettings, "encoder":
    resnet::ResNet18Config,
    resnet::ResNet34Config,
    convnet::ConvNetConfig,
    mlp::MlpConfig,
    sequence::SequenceEncoderConfig,
}

/// The encoder that a configuration names, with its settings.
pub type EncoderConfig = Chosen<dyn EncoderSettings>;

/// Turns the input of one modality into features. An encoder is a
/// [`Module`](burn::module::Module), too.
pub trait Encoder: Erased {
    /// # Shapes
    /// `[batch, ..]`, the shape it was built for, to `[batch, width]`.
    fn forward(&self, input: &Input, pass: &mut ForwardContext<'_>) -> Tensor<2>;

    /// Width of the features.
    fn width(&self) -> usize;

    /// The encoder in stages between which streams can meet, if it has any.
    fn into_stages(self: Box<Self>) -> Option<Boxed<dyn Stages>> {
        None
    }
}

boxed!(Encoder);

/// The settings of an encoder.
pub trait EncoderSettings: Part {
    /// The shapes of a sample that the encoder takes.
    fn takes(&self) -> &'static [InputShape];

    /// Builds the encoder for samples of a modality, which have one of these shapes.
    ///
    /// # Errors
    /// If a setting is out of range; the message names the encoder and the setting.
    fn build(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error>;

    /// The file of weights that the encoder starts from, if any, and what stands
    /// before their names.
    fn pretrained(&self) -> Option<(&Path, Option<&str>)> {
        None
    }
}

impl dyn EncoderSettings {
    /// Builds the encoder for samples of a modality.
    ///
    /// # Errors
    /// If the shape does not fit the encoder, or a setting is out of range. The
    /// message names the encoder, the shape it got and the shapes it takes.
    pub fn encoder(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Encoder>, Error> {
        InputShape::check(self.name(), self.takes(), data)?;
        self.build(data, init)
    }

    /// Builds the encoder for streams that meet between its stages.
    ///
    /// # Errors
    /// As for `encoder`, and if the encoder has no stages.
    pub fn stages(&self, data: &ModalitySpec, init: &Init) -> Result<Boxed<dyn Stages>, Error> {
        self.encoder(data, init)?.into_inner().into_stages().ok_or_else(|| {
            Error::config(format!(
                "encoder `{}` has no stages between which streams could exchange; \
                 use resnet18, conv-net or mlp",
                self.name()
            ))
        })
    }
}

fn positive(encoder: &str, key: &str, values: &[usize]) -> Result<(), Error> {
    if values.is_empty() || values.contains(&0) {
        return Err(Error::config(format!("encoder `{encoder}`: {key} must be positive, got {values:?}")));
    }
    Ok(())
}
