//! The CubeMLP of text, audio and video.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::model::sequence::{GruConfig, LinearStepsConfig, SequenceConfig};
use counterpoint::model::{AnyModel, CubeMlpConfig, ModelSettings};
use counterpoint::task::Task;
use counterpoint_batch::{Batch, ModalitySpec, Targets};
use serde::Deserialize;

use super::architecture::{batch, task};
use super::{Architecture, Salted, Settings};

const NAMES: [&str; 3] = ["text", "audio", "video"];

#[derive(Deserialize)]
pub(super) struct Case {
    #[serde(flatten)]
    settings: Settings,
    length: usize,
    channels: usize,
    dims: BTreeMap<String, usize>,
    blocks: Vec<[usize; 3]>,
    task: String,
    outputs: usize,
}

pub(super) struct Cube(pub Case);

impl Cube {
    fn regresses(&self) -> bool {
        self.0.task == "regression"
    }

    fn dim(&self, name: &str) -> Result<usize, String> {
        self.0.dims.get(name).copied().ok_or_else(|| format!("case.dims lacks `{name}`"))
    }
}

impl Architecture for Cube {
    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn modalities(&self) -> Vec<String> {
        NAMES.map(String::from).to_vec()
    }

    fn model(&self, device: &Device) -> Result<AnyModel, String> {
        let case = &self.0;
        if !matches!(case.task.as_str(), "classification" | "regression") {
            return Err(format!("case.task = `{}`: expected classification or regression", case.task));
        }
        let text = SequenceConfig::new(LinearStepsConfig { embedding: None, norm: false });
        let config = CubeMlpConfig {
            encoder: SequenceConfig::new(GruConfig { embedding: None }),
            length: Some(case.length),
            channels: case.channels,
            blocks: case.blocks.clone(),
            dropout: 0.0,
            encoders: [("text".to_owned(), text)].into(),
            ..CubeMlpConfig::default()
        };
        let data = NAMES
            .iter()
            .map(|name| Ok(ModalitySpec::new(*name, [case.length, self.dim(name)?])))
            .collect::<Result<Vec<_>, String>>()?;
        config.build(&data, case.outputs, false, 0, device).map_err(|e| e.to_string())
    }

    fn name(&self, ours: &str) -> String {
        let name = ours.replace("encoder.text.steps.", "text_net.proj.").replace("fusion.", "cube.");
        NAMES.iter().fold(name, |name, m| {
            name.replace(&format!("encoder.{m}.steps."), &format!("{m}_net.gru."))
                .replace(&format!("encoder.{m}."), &format!("{m}_net."))
        })
    }

    fn task(&self) -> Box<dyn Task> {
        task(self.regresses(), self.0.outputs)
    }

    fn batch(&self, step: &str) -> Batch {
        let (case, salted) = (&self.0, Salted(&self.0.settings.salt));
        let count = case.settings.batch;
        let input = |name: &&str| {
            let width = self.dim(name).expect("the model was built from them");
            salted.input(&format!("input.{name}.{step}"), vec![count, case.length, width], 2.0)
        };
        let targets = match self.regresses() {
            true => Targets::Values(salted.numbers(&format!("input.target.{step}"), count, 3.0)),
            false => Targets::Classes(salted.integers(&format!("input.label.{step}"), count, case.outputs)),
        };
        batch(NAMES.iter().map(input).collect(), targets)
    }
}
