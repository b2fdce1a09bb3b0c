//! A file's case: sizes, settings and the deterministic fill.

use burn::tensor::Device;
use counterpoint::input::Inputs;
use counterpoint::modality::Modalities;
use counterpoint::model::Model;
use counterpoint::strategy::Strategy;
use counterpoint::task::Classification;
use counterpoint::train::TrainState;
use counterpoint_batch::{Array, Batch, Input, Targets};
use serde::Deserialize;

use super::model::{HeadKind, ToyModel};
use crate::fill::{fill, fill_f32};
use crate::optimizer::sgd;

#[derive(Clone, Deserialize)]
pub(super) struct Case {
    pub arch: String,
    pub method: String,
    pub modalities: usize,
    pub classes: usize,
    pub batch: usize,
    pub features: usize,
    pub hidden: usize,
    pub inputs: Vec<usize>,
    pub lr: f64,
    pub wd: f64,
    pub steps: usize,
    #[serde(default)]
    pub salt: String,
    #[serde(default)]
    pub head: Option<String>,
    #[serde(default)]
    pub head_hidden: usize,
    pub alpha: Option<f64>,
    pub gamma: Option<f64>,
    pub scale: Option<f64>,
    pub weights: Option<Vec<f64>>,
    pub running: Option<Vec<f64>>,
    pub iteration: Option<usize>,
    pub batches_per_epoch: Option<usize>,
    pub w1: Option<f64>,
    pub w2: Option<f64>,
}

impl Case {
    /// A setting that the method must have.
    pub fn need<T: Clone>(&self, key: &str, value: &Option<T>) -> Result<T, String> {
        value.clone().ok_or_else(|| format!("method `{}` needs case.{key}", self.method))
    }

    pub fn names(&self) -> Result<Modalities, String> {
        Modalities::new((0..self.modalities).map(|m| m.to_string())).map_err(|e| e.to_string())
    }

    fn head_kind(&self) -> Result<HeadKind, String> {
        Ok(match (self.method.as_str(), self.head.as_deref()) {
            ("mla", _) => HeadKind::Shared,
            ("reconboost", _) => HeadKind::Boosted { hidden: self.head_hidden },
            ("mmcosine", _) => HeadKind::Cosine { scale: self.need("scale", &self.scale)? },
            (_, Some("mlp")) => HeadKind::Mlp { hidden: self.head_hidden },
            (_, None | Some("linear")) => HeadKind::Linear,
            (_, Some(other)) => return Err(format!("case.head = `{other}`: expected linear or mlp")),
        })
    }

    /// A state at the file's initial parameters.
    pub fn train_state(
        &self,
        strategy: Box<dyn Strategy>,
        device: &Device,
    ) -> Result<TrainState<impl Model + use<>>, String> {
        let unimodal_heads = matches!(self.method.as_str(), "gblend_fixed" | "mmpareto");
        let model = ToyModel::new(self, self.names()?, self.head_kind()?, unimodal_heads, device);
        let optimizer = sgd(self.lr, 0.9, self.wd);
        let mut state = TrainState::new(model, optimizer, strategy);
        state.assign(|p| Some(self.parameter(&p.name, &p.shape)));
        Ok(state)
    }

    fn parameter(&self, name: &str, shape: &[usize]) -> Vec<f32> {
        let salted = format!("{}{name}", self.salt);
        match *shape {
            _ if name == "rate" => vec![1.0],
            // Stored as a 1x1 convolution, filled as the matrix that it is.
            [outputs, inputs, ..] => {
                fill_f32(&salted, outputs * inputs, (6.0 / (outputs + inputs) as f64).sqrt())
            }
            _ => fill_f32(&salted, shape[0], 0.1),
        }
    }

    /// The inputs of a step, and its labels.
    pub fn batch(&self, step: &str, device: &Device) -> (Inputs, Vec<usize>) {
        let count = self.batch;
        let input = |m: usize| {
            let shape = vec![count, self.inputs[m]];
            let values = fill_f32(&format!("{}input.{m}.{step}", self.salt), count * self.inputs[m], 2.0);
            let array = Array::new(shape, values).expect("sized by its shape");
            Input { array, present: vec![true; count], lengths: None }
        };
        let draw = fill(&format!("{}input.label.{step}", self.salt), count, 1.0);
        let labels: Vec<usize> =
            draw.iter().map(|v| ((v + 1.0) / 2.0 * self.classes as f64).floor() as usize).collect();
        let batch = Batch {
            ids: (0..count).map(|i| i.to_string()).collect(),
            inputs: (0..self.modalities).map(input).collect(),
            targets: Targets::Classes(labels.clone()),
        };
        (Inputs::new(batch, device), labels)
    }

    pub fn task(&self) -> Classification {
        Classification::new(self.classes)
    }
}
