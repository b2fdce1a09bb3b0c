//! Optimizers as tests want them.

use counterpoint::train::OptimizerConfig;

/// SGD with PyTorch's momentum.
pub fn sgd(lr: f64, momentum: f64, weight_decay: f64) -> OptimizerConfig {
    OptimizerConfig::Sgd {
        lr,
        momentum,
        weight_decay,
        nesterov: false,
        encoder_factor: 1.0.into(),
        encoder_weight_decay: None,
    }
}

/// Adam without decay.
pub fn adam(lr: f64, encoder_factor: f64) -> OptimizerConfig {
    OptimizerConfig::Adam {
        lr,
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weight_decay: 0.0,
        encoder_factor: encoder_factor.into(),
        encoder_weight_decay: None,
    }
}
