//! What a strategy has to know about a model before it may be used with it.

use crate::Error;
use crate::modality::Modalities;
use crate::step::{Group, Groups};
use crate::task::TaskKind;

/// Properties of a model and its task that decide which strategies fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFacts {
    /// The modalities, in order.
    pub modalities: Modalities,
    /// Whether every modality has a head of its own besides the fused one.
    pub unimodal_heads: bool,
    /// Whether the fused scores are a sum of one term for each modality and a
    /// constant, and a single modality gives its term and the same constant:
    /// `fused - c = sum_m (unimodal_m - c)`. True of a linear or cosine head on
    /// concatenated features, of `sum` and of a boosted sum; not of a mean.
    /// Without unimodal heads the model's auxiliary terms then give these terms, each
    /// with its part of the constant: they add up to the fused scores, before a
    /// rate that multiplies them.
    pub additive: bool,
    /// Whether one and the same linear head reads every modality by itself, so
    /// that a single modality gives that head's scores of its features.
    pub shared_head: bool,
    /// What is predicted.
    pub task: TaskKind,
    /// For each modality whether its encoder has 4-D (convolution) weights.
    pub convolutions: Vec<bool>,
}

impl ModelFacts {
    /// Facts derivable from the parameters; the caller sets `additive` and
    /// `shared_head`.
    pub fn of(groups: &Groups, modalities: &Modalities, task: TaskKind) -> Self {
        let any = |of: Group, rank: usize| {
            groups.parameters().iter().any(|p| p.group == of && p.shape.len() >= rank)
        };
        Self {
            modalities: modalities.clone(),
            unimodal_heads: modalities.iter().all(|m| any(Group::UnimodalHead(m), 0)),
            additive: false,
            shared_head: false,
            task,
            convolutions: modalities.iter().map(|m| any(Group::Encoder(m), 4)).collect(),
        }
    }

    /// `Ok` if `holds`, else the refusal of a strategy by name with its reason.
    ///
    /// # Errors
    /// If it does not hold.
    pub fn require(holds: bool, strategy: &str, needs: &str) -> Result<(), Error> {
        match holds {
            true => Ok(()),
            false => {
                Err(Error::config(format!("strategy `{strategy}` does not fit this model: it needs {needs}")))
            }
        }
    }

    /// `Ok` if the task is one of those that a strategy is defined for, else
    /// the refusal by both names with the reason.
    ///
    /// # Errors
    /// If it is another task.
    pub fn require_task(&self, admitted: &[TaskKind], strategy: &str, because: &str) -> Result<(), Error> {
        if admitted.contains(&self.task) {
            return Ok(());
        }
        let names: Vec<&str> = admitted.iter().map(|task| task.name()).collect();
        Err(Error::config(format!(
            "strategy `{strategy}` does not fit a {} task: it is defined for {}, because {because}",
            self.task.name(),
            names.join(" and ")
        )))
    }
}
