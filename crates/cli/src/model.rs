//! From a configuration to a learner.

use burn::tensor::Device;
use counterpoint::modality::Modalities;
use counterpoint::model::Model as _;
use counterpoint::model::encoder::AnyEncoder;
use counterpoint::model::fusion::AnyFusion;
use counterpoint::model::{Multimodal, MultimodalConfig};
use counterpoint::strategy::ModelFacts;
use counterpoint::train::Learner;
use counterpoint_batch::ModalitySpec;

use crate::config::{Config, suggestion};
use crate::exit::{Code, Failure};

/// The models that a configuration can describe.
pub type Model = Multimodal<AnyEncoder, AnyFusion>;

/// Builds model, optimizer and strategy for data of the given modalities.
pub fn build(
    config: &Config,
    modalities: &[ModalitySpec],
    outputs: usize,
    device: &Device,
) -> Result<Learner<Model>, Failure> {
    let names: Vec<&str> = modalities.iter().map(|m| m.name.as_str()).collect();
    let model = &config.model;
    if let Some(unknown) = model.encoders.keys().find(|k| !names.contains(&k.as_str())) {
        // A run of one modality may keep the table of all.
        if config.data.common.modalities.is_none() {
            return Err(Failure::new(
                Code::Config,
                format!(
                    "[model.encoders]: the data has no modality `{unknown}`{}; it has {}",
                    suggestion(unknown, &names),
                    names.join(", ")
                ),
            ));
        }
    }
    let encoders = names.iter().map(|n| model.encoders.get(*n).unwrap_or(&model.encoder).clone()).collect();
    // A method that needs a head for every modality gets them without being asked.
    let solo_heads = model.solo_heads || config.strategy.wants_solo_heads();
    let parts = MultimodalConfig { encoders, fusion: model.fusion, head: model.head, solo_heads };
    let strategy = config.strategy.build(&Modalities::new(names)?)?;
    let network = parts.build(modalities, outputs, config.train.seed, device)?;
    let facts = ModelFacts {
        additive: parts.is_additive(),
        shared_head: parts.has_shared_linear_head(),
        ..ModelFacts::of(&network.groups(), network.modalities(), true)
    };
    strategy.check(&facts)?;
    Ok(Learner::new(network, config.optimizer, strategy))
}
