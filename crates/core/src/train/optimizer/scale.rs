//! The scale of losses for gradients in f16 (Micikevicius et al., ICLR 2018).

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Good steps after which the scale doubles.
const PATIENCE: u32 = 2000;
/// What no gradient of a loss that is finite needs.
const LEAST: f64 = 1.0 / 65536.0;

/// What losses are multiplied by before they go backward, so that gradients do not vanish below the smallest
/// numbers of f16. It moves as PyTorch's `GradScaler` moves its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LossScale {
    pub factor: f64,
    /// Steps since it last moved.
    good: u32,
    /// Whether the last step was skipped.
    #[serde(skip)]
    pub skipped: bool,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: 65536.0, good: 0, skipped: false }
    }
}

impl LossScale {
    /// Takes note of a step's gradients: whether they may move parameters, which they may if they are finite.
    ///
    /// # Errors
    /// If they are not, however small the scale.
    pub fn judge(&mut self, finite: bool) -> Result<bool, Error> {
        self.skipped = !finite;
        self.good += 1;
        if !finite {
            (self.factor, self.good) = (self.factor / 2.0, 0);
        } else if self.good == PATIENCE {
            (self.factor, self.good) = (self.factor * 2.0, 0);
        }
        if self.factor < LEAST {
            return Err(Error::new(
                ErrorKind::Diverged,
                "gradients in f16 are not finite, even of losses divided by 65536: lower optimizer.lr or set \
                 train.precision = \"f32\"",
            ));
        }
        Ok(finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halves_at_once_and_doubles_after_two_thousand_good_steps() {
        let mut scale = LossScale::default();
        assert!(!scale.judge(false).unwrap() && scale.skipped);
        assert_eq!(scale.factor, 32768.0);
        for _ in 0..1999 {
            assert!(scale.judge(true).unwrap() && !scale.skipped);
        }
        assert_eq!(scale.factor, 32768.0);
        scale.judge(true).unwrap();
        assert_eq!(scale.factor, 65536.0);
        for _ in 0..1999 {
            scale.judge(true).unwrap();
        }
        scale.judge(false).unwrap();
        scale.judge(true).unwrap();
        assert_eq!(scale.factor, 32768.0, "good steps count from the last bad one");
    }

    #[test]
    fn what_is_never_finite_ends_training() {
        let mut scale = LossScale::default();
        let end = (0..).map(|_| scale.judge(false)).position(|judged| judged.is_err());
        assert_eq!(end, Some(32));
    }
}
