//! Settings of the optimizers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Pace;
use crate::Error;
use crate::modality::{Modalities, PerModality};

/// Settings of the optimizer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Stochastic gradient descent with momentum; weight decay is added to the gradient.
    Sgd {
        /// Learning rate.
        #[schemars(extend("exclusiveMinimum" = 0))]
        lr: f64,
        /// Share of the old velocity that is kept.
        #[serde(default = "momentum")]
        #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
        momentum: f64,
        /// L2 penalty, on every parameter.
        #[serde(default = "weight_decay")]
        #[schemars(range(min = 0))]
        weight_decay: f64,
        /// Looks ahead along the velocity.
        #[serde(default)]
        nesterov: bool,
        /// Multiplies the learning rate of encoders, or of each modality's.
        #[serde(default = "one")]
        encoder_factor: PerModality,
        /// Weight decay of encoders, or of each modality's; `weight_decay` if it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoder_weight_decay: Option<PerModality>,
    },
    /// Adam; weight decay is added to the gradient.
    Adam {
        /// Learning rate.
        #[schemars(extend("exclusiveMinimum" = 0))]
        lr: f64,
        /// Decay of the two moments.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        #[schemars(extend("exclusiveMinimum" = 0))]
        epsilon: f64,
        /// L2 penalty, on every parameter.
        #[serde(default)]
        #[schemars(range(min = 0))]
        weight_decay: f64,
        /// Multiplies the learning rate of encoders, or of each modality's.
        #[serde(default = "one")]
        encoder_factor: PerModality,
        /// Weight decay of encoders, or of each modality's; `weight_decay` if it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoder_weight_decay: Option<PerModality>,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW {
        /// Learning rate.
        #[schemars(extend("exclusiveMinimum" = 0))]
        lr: f64,
        /// Decay of the two moments.
        #[serde(default = "betas")]
        betas: [f64; 2],
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        #[schemars(extend("exclusiveMinimum" = 0))]
        epsilon: f64,
        /// Share of a parameter that is removed each step, times the learning rate.
        #[serde(default = "decoupled_decay")]
        #[schemars(range(min = 0))]
        weight_decay: f64,
        /// Multiplies the learning rate of encoders, or of each modality's.
        #[serde(default = "one")]
        encoder_factor: PerModality,
        /// Weight decay of encoders, or of each modality's; `weight_decay` if it is not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encoder_weight_decay: Option<PerModality>,
    },
}

fn momentum() -> f64 {
    0.9
}

fn weight_decay() -> f64 {
    1e-4
}

fn decoupled_decay() -> f64 {
    1e-2
}

fn betas() -> [f64; 2] {
    [0.9, 0.999]
}

fn epsilon() -> f64 {
    1e-8
}

fn one() -> PerModality {
    1.0.into()
}

impl OptimizerConfig {
    /// Stochastic gradient descent with everything but the learning rate as by default.
    pub fn sgd(lr: f64) -> Self {
        Self::Sgd {
            lr,
            momentum: momentum(),
            weight_decay: weight_decay(),
            nesterov: false,
            encoder_factor: one(),
            encoder_weight_decay: None,
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// If one is out of range; the message names the key.
    pub fn check(&self) -> Result<(), Error> {
        let parts = self.parts();
        let positive = |key: &str, v: f64| match v.is_finite() && v > 0.0 {
            true => Ok(()),
            false => Err(Error::config(format!("optimizer.{key} = {v}: expected a positive number"))),
        };
        let share = |key: &str, v: f64| match (0.0..1.0).contains(&v) {
            true => Ok(()),
            false => Err(Error::config(format!("optimizer.{key} = {v}: expected a number in [0, 1)"))),
        };
        let decay = |key: &str, v: f64| match v.is_finite() && v >= 0.0 {
            true => Ok(()),
            false => Err(Error::config(format!("optimizer.{key} = {v}: expected a number of at least 0"))),
        };
        positive("lr", parts.lr)?;
        decay("weight_decay", parts.decay)?;
        each("encoder_factor", parts.encoder_factor, positive)?;
        parts.encoder_decay.map_or(Ok(()), |own| each("encoder_weight_decay", own, decay))?;
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                share("momentum", momentum)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::config("optimizer.nesterov needs a momentum above 0"));
                }
                Ok(())
            }
            Self::Adam { betas, epsilon, .. } | Self::AdamW { betas, epsilon, .. } => {
                share("betas", betas[0])?;
                share("betas", betas[1])?;
                positive("epsilon", epsilon)
            }
        }
    }

    /// Compares the names in settings of encoders with a model's modalities.
    ///
    /// # Errors
    /// If a name is unknown, or a modality is left out; the message names the key.
    pub fn check_names(&self, modalities: &Modalities) -> Result<(), Error> {
        let parts = self.parts();
        parts.encoder_factor.values("optimizer.encoder_factor", modalities)?;
        parts
            .encoder_decay
            .map_or(Ok(()), |own| own.values("optimizer.encoder_weight_decay", modalities).map(drop))
    }

    /// Learning rate of fusion and head before the schedule; encoders have
    /// `encoder_factor` times as much.
    pub fn lr(&self) -> f64 {
        self.parts().lr
    }

    /// These settings for a model of a single modality: what is set for each
    /// modality is replaced by its number.
    #[must_use]
    pub fn only(mut self, modality: &str) -> Self {
        let (factor, decay) = self.encoder_settings();
        for setting in std::iter::once(factor).chain(decay) {
            if let Some(value) = setting.of(modality) {
                *setting = value.into();
            }
        }
        self
    }

    /// The same optimizer with the learning rate of everything multiplied.
    #[must_use]
    pub fn faster(mut self, factor: f64) -> Self {
        match &mut self {
            Self::Sgd { lr, .. } | Self::Adam { lr, .. } | Self::AdamW { lr, .. } => *lr *= factor,
        }
        self
    }

    /// The optimizer under which an encoder that receives the gradient g moves
    /// exactly as this one moves it when it receives alpha g, as the encoders of
    /// disentangled gradient learning do (its Equations 9-15). Fusion and head
    /// move as before.
    ///
    /// SGD adds its decay to the gradient, so a step is
    ///
    /// ```text
    /// lr (alpha g + wd theta) = (alpha lr) (g + (wd / alpha) theta):
    /// ```
    ///
    /// the factor of encoders is multiplied by alpha and their weight decay
    /// divided by it. The velocity is linear in what is added up, so this holds
    /// with momentum, with Nesterov's too, and under any schedule. It ends where
    /// a limit of the gradient's norm acts: that norm is of alpha g in the one
    /// case and of g in the other.
    ///
    /// # Errors
    /// Under Adam and AdamW, which divide a gradient by its own size: alpha
    /// cancels, and there is nothing to match. If alpha is not above 0.
    pub fn rate_matched(&self, alpha: &PerModality) -> Result<Self, Error> {
        let mut matched = self.clone();
        let Self::Sgd { weight_decay, encoder_factor, encoder_weight_decay, .. } = &mut matched else {
            return Err(Error::config(format!(
                "no rate-matched control exists under {}: alpha cancels",
                self.title()
            )));
        };
        if !alpha.all(|alpha| alpha.is_finite() && alpha > 0.0) {
            return Err(Error::config(
                "no rate-matched control exists for an alpha of 0: that encoder does not learn",
            ));
        }
        let decay = encoder_weight_decay.clone().unwrap_or_else(|| (*weight_decay).into());
        *encoder_factor = encoder_factor.combined(alpha, |factor, alpha| factor * alpha);
        *encoder_weight_decay = Some(decay.combined(alpha, |decay, alpha| decay / alpha));
        Ok(matched)
    }

    /// Its name as people write it.
    fn title(&self) -> &'static str {
        match self {
            Self::Sgd { .. } => "SGD",
            Self::Adam { .. } => "Adam",
            Self::AdamW { .. } => "AdamW",
        }
    }

    /// How fusion and head move.
    pub(super) fn pace(&self) -> Pace {
        let Parts { lr, decay, .. } = self.parts();
        Pace { lr, decay }
    }

    /// How the encoder of a modality moves.
    pub(super) fn encoder_pace(&self, modality: &str) -> Pace {
        let Parts { lr, decay, encoder_factor, encoder_decay } = self.parts();
        Pace {
            lr: lr * encoder_factor.of(modality).unwrap_or(1.0),
            decay: encoder_decay.and_then(|own| own.of(modality)).unwrap_or(decay),
        }
    }

    fn encoder_settings(&mut self) -> (&mut PerModality, Option<&mut PerModality>) {
        match self {
            Self::Sgd { encoder_factor, encoder_weight_decay, .. }
            | Self::Adam { encoder_factor, encoder_weight_decay, .. }
            | Self::AdamW { encoder_factor, encoder_weight_decay, .. } => {
                (encoder_factor, encoder_weight_decay.as_mut())
            }
        }
    }

    fn parts(&self) -> Parts<'_> {
        match self {
            Self::Sgd { lr, weight_decay, encoder_factor, encoder_weight_decay, .. }
            | Self::Adam { lr, weight_decay, encoder_factor, encoder_weight_decay, .. }
            | Self::AdamW { lr, weight_decay, encoder_factor, encoder_weight_decay, .. } => Parts {
                lr: *lr,
                decay: *weight_decay,
                encoder_factor,
                encoder_decay: encoder_weight_decay.as_ref(),
            },
        }
    }
}

/// What all optimizers have.
struct Parts<'a> {
    lr: f64,
    decay: f64,
    encoder_factor: &'a PerModality,
    encoder_decay: Option<&'a PerModality>,
}

/// Checks one number for all modalities, or each under its own name.
fn each(
    key: &str,
    setting: &PerModality,
    check: impl Fn(&str, f64) -> Result<(), Error>,
) -> Result<(), Error> {
    match setting {
        PerModality::Same(value) => check(key, *value),
        PerModality::Each(values) => {
            values.iter().try_for_each(|(name, &value)| check(&format!("{key}.{name}"), value))
        }
    }
}
