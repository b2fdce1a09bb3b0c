//! What the settings of a model say before it is built.

use std::path::Path;

use burn::tensor::Device;
use counterpoint_batch::ModalitySpec;
use counterpoint_catalog::Part;

use super::AnyModel;
use crate::Error;

/// The settings of a model.
pub trait ModelSettings: Part {
    /// Builds the model for the data's modalities and the task's outputs.
    ///
    /// `unimodal_heads` asks for a head for every modality besides the fused one,
    /// because the strategy needs them.
    ///
    /// # Errors
    /// If parts do not fit or a setting is out of range; the message names them
    /// and their shapes.
    fn build(
        &self,
        data: &[ModalitySpec],
        outputs: usize,
        unimodal_heads: bool,
        seed: u64,
        device: &Device,
    ) -> Result<AnyModel, Error>;

    /// What follows from the settings.
    fn facts(&self) -> NetworkFacts;

    /// Names of modalities that the settings mention.
    fn mentions(&self) -> Vec<&str>;

    /// The file of weights that the encoder of a modality starts from, if any, and
    /// what stands before their names.
    fn pretrained(&self, modality: &str) -> Option<(&Path, Option<&str>)>;
}

/// What is true of a model, whatever its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkFacts {
    /// Whether it gives scores for every pixel instead of one term per sample.
    pub per_pixel: bool,
    /// Whether fused scores are a sum of one term for each modality (and a
    /// bias), so that a modality's share can be told from the others'.
    pub additive: bool,
    /// Whether one and the same head reads every modality by itself, so that
    /// nothing stands for absent ones.
    pub reads_each_by_itself: bool,
    /// Whether that head is linear.
    pub shared_linear_head: bool,
}

impl NetworkFacts {
    /// Of a model whose gates, blocks or decoder look at all modalities together.
    pub const DENSE_FUSION: Self =
        Self { per_pixel: false, additive: false, reads_each_by_itself: false, shared_linear_head: false };
}
