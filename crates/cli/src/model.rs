//! From a configuration to the state of training.

use burn::tensor::Device;
use counterpoint::catalog::Catalog;
use counterpoint::engine::{Arithmetic, Precision};
use counterpoint::modality::Modalities;
use counterpoint::model::{AnyModel, Model as _, ModelSettings};
use counterpoint::strategy::ModelFacts;
use counterpoint::task::{Task, TaskKind};
use counterpoint::train::{Readout, TrainState};
use counterpoint_batch::ModalitySpec;

use crate::config::{Config, Training};
use crate::exit::{Code, Failure};
use counterpoint::catalog::unknown;

/// Builds model, optimizer and strategy for data of the given modalities and a task.
pub fn build(
    config: &Config,
    modalities: &[ModalitySpec],
    task: &dyn Task,
    device: &Device,
) -> Result<TrainState<AnyModel>, Failure> {
    let Training { precision, .. } = config.train;
    if precision.format().is_some_and(|format| !device.supports_dtype(format)) {
        let message = format!(
            "train.precision = \"{}\": the device \"{}\" does not compute in it; choose {} or another device",
            precision.name(),
            config.train.device,
            precisions(device)
        );
        return Err(Failure::new(Code::Config, message));
    }
    Arithmetic { convolution: config.engine.convolution, precision }.choose();
    let names: Vec<&str> = modalities.iter().map(|m| m.name.as_str()).collect();
    let model = &config.model;
    if let Some(wrong) = model.mentions().into_iter().find(|name| !names.contains(name)) {
        // A run of one modality may keep the table of all.
        if config.data.common.modalities.is_none() {
            return Err(Failure::new(
                Code::Config,
                unknown(&format!("[model.encoders]: the data has no modality `{wrong}`"), wrong, &names),
            ));
        }
    }
    let facts = model.facts();
    if facts.per_pixel != (task.kind() == TaskKind::Segmentation) {
        let (gives, fits) = if facts.per_pixel {
            ("a class for every pixel", "segmentation")
        } else {
            ("one output per sample", "tasks other than segmentation")
        };
        return Err(Failure::new(
            Code::Config,
            format!(
                "model.name = \"{}\" gives {gives}, which is for {fits}, but the task is {}; choose another model \
                 ({}) or other targets",
                model.name(),
                task.kind().name(),
                others(facts.per_pixel).join(", ")
            ),
        ));
    }
    let names = Modalities::new(names)?;
    config.optimizer.check_names(&names)?;
    let strategy = config.strategy.method.build(&names)?;
    let unimodal_heads = config.strategy.method.wants_unimodal_heads();
    let network = model.build(modalities, task.outputs(), unimodal_heads, config.train.seed, device)?;
    let facts = ModelFacts {
        additive: facts.additive,
        shared_head: facts.shared_linear_head,
        ..ModelFacts::of(&network.groups(), network.modalities(), task.kind())
    };
    strategy.check(&facts)?;
    let mut state = TrainState::new(network, config.optimizer.clone(), strategy);
    state.incomplete = config.strategy.incomplete;
    if let Some(readout) = &config.readout {
        readout.check_task(task)?;
        state.readout = Some(Readout::new(readout.clone(), None));
    }
    Ok(state)
}

/// What a device can multiply, as configurations write it.
fn precisions(device: &Device) -> String {
    let there = Precision::ALL
        .into_iter()
        .filter(|precision| precision.format().is_none_or(|format| device.supports_dtype(format)));
    there.map(|precision| format!("\"{}\"", precision.name())).collect::<Vec<_>>().join(" or ")
}

/// Names of the models that give scores for every pixel, or of those that do not.
fn others(per_pixel: bool) -> Vec<&'static str> {
    let catalog = Catalog::<dyn ModelSettings>::current();
    let by_default = |name: &str| catalog.read([("name".to_owned(), name.into())].into_iter().collect());
    let names = catalog.entries().iter().map(|entry| entry.name);
    names.filter(|name| by_default(name).is_ok_and(|model| model.facts().per_pixel != per_pixel)).collect()
}
