//! The files, and how far a number may be off.

use std::collections::BTreeMap;

use counterpoint::train::OptimizerConfig;
use serde::Deserialize;
use serde_json::Value;

/// What every case says.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// One of the five rows of the ablation.
    pub method: String,
    /// Weight of the unimodal losses.
    pub alpha: f64,
    /// Limit of the gradient's norm, 0 = off.
    pub clip: f64,
    /// Samples of a batch.
    pub batch: usize,
    /// Learning rate.
    pub lr: f64,
    /// Weight decay on every parameter.
    pub wd: f64,
    /// Steps.
    pub steps: usize,
    /// `sgd` if absent.
    #[serde(default)]
    optimizer: Option<String>,
    /// Prefix of all names that are filled.
    #[serde(default)]
    pub salt: String,
}

impl Settings {
    /// The optimizer.
    ///
    /// # Errors
    /// If the case names an unknown one.
    pub fn optimizer(&self) -> Result<OptimizerConfig, String> {
        let (lr, weight_decay) = (self.lr, self.wd);
        let (encoder_factor, encoder_weight_decay) = (1.0.into(), None);
        match self.optimizer.as_deref() {
            None | Some("sgd") => Ok(OptimizerConfig::Sgd {
                lr,
                momentum: 0.9,
                weight_decay,
                nesterov: false,
                encoder_factor,
                encoder_weight_decay,
            }),
            Some("adam") => Ok(OptimizerConfig::Adam {
                lr,
                betas: [0.9, 0.999],
                epsilon: 1e-8,
                weight_decay,
                encoder_factor,
                encoder_weight_decay,
            }),
            Some(other) => Err(format!("case.optimizer = `{other}`: expected sgd or adam")),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct File {
    pub groups: BTreeMap<String, usize>,
    pub parameters: usize,
    pub steps: Vec<Step>,
    pub r#final: BTreeMap<String, Summary>,
    #[serde(default)]
    pub final_running: BTreeMap<String, f64>,
    pub eval: BTreeMap<String, Value>,
    #[serde(default)]
    pub final_float32_drift: f64,
    #[serde(default)]
    pub eval_float32_drift: f64,
}

#[derive(Deserialize)]
pub(super) struct Step {
    pub losses: BTreeMap<String, f64>,
    pub grad_norm_before_clip: f64,
    pub clip_coefficient: Option<f64>,
    pub row_norms: Option<BTreeMap<String, BTreeMap<String, f64>>>,
    pub scores: Option<BTreeMap<String, Value>>,
    pub labels: Option<Value>,
    pub grads: Option<BTreeMap<String, Summary>>,
    #[serde(default)]
    pub no_gradient: Vec<String>,
    #[serde(default)]
    pub running: BTreeMap<String, Summary>,
    #[serde(default)]
    pub float32_drift: f64,
    #[serde(default)]
    pub float32_grad_drift: Option<f64>,
    /// What only some architectures have.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// A tensor by its norm and first values, or known to be zero.
#[derive(Deserialize)]
pub(super) struct Summary {
    #[serde(default)]
    pub norm: f64,
    #[serde(default)]
    pub first: Vec<f64>,
    #[serde(default)]
    pub zero: bool,
}

/// How far single precision may be from the file's numbers: ten times as far
/// as PyTorch's single precision was, but no less than a floor.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance;

impl Tolerance {
    /// Another order of summation may flip one activation near its kink; then
    /// single tensors are off by up to this share.
    pub const FLIP: f64 = 5e-3;
    /// A gradient that is zero in exact arithmetic, as a share of the global norm.
    pub const ZERO: f64 = 1e-5;
    /// Tensors smaller than this share of the global norm are judged by it.
    pub const SMALL: f64 = 1e-3;
    /// Running statistics, as a share of their norm.
    pub const RUNNING: f64 = 1e-5;
    /// Scores of the first step, as a share of the largest.
    pub const SCORES: f64 = 1e-4;

    /// Losses and final parameters.
    pub fn loss(drift: f64) -> f64 {
        (10.0 * drift).max(1e-5)
    }

    /// Gradients and what depends on them all.
    pub fn gradient(drift: f64) -> f64 {
        (10.0 * drift).max(1e-4)
    }
}
