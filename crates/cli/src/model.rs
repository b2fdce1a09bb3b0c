//! From a configuration to a learner.

use burn::tensor::Device;
use counterpoint::modality::Modalities;
use counterpoint::model::{AnyModel, Model as _};
use counterpoint::strategy::ModelFacts;
use counterpoint::task::TaskKind;
use counterpoint::train::Learner;
use counterpoint_batch::ModalitySpec;

use crate::config::{Config, suggestion};
use crate::exit::{Code, Failure};

/// Builds model, optimizer and strategy for data of the given modalities.
pub fn build(
    config: &Config,
    modalities: &[ModalitySpec],
    outputs: usize,
    device: &Device,
) -> Result<Learner<AnyModel>, Failure> {
    let names: Vec<&str> = modalities.iter().map(|m| m.name.as_str()).collect();
    let model = &config.model;
    if let Some(unknown) = model.mentions().into_iter().find(|name| !names.contains(name)) {
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
    let strategy = config.strategy.build(&Modalities::new(names)?)?;
    let solo_heads = config.strategy.wants_solo_heads();
    let network = model.build(modalities, outputs, solo_heads, config.train.seed, device)?;
    let facts = ModelFacts {
        additive: model.is_additive(),
        shared_head: model.has_shared_linear_head(),
        ..ModelFacts::of(&network.groups(), network.modalities(), TaskKind::Classification)
    };
    strategy.check(&facts)?;
    Ok(Learner::new(network, config.optimizer, strategy))
}
