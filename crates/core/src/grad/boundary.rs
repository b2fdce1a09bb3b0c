//! Gradients where modalities meet, for measurement only.

use burn::tensor::Tensor;
use counterpoint_batch::Targets;

use crate::feature::{Feature, Features};
use crate::host::host;
use crate::layer::{Buffers, ForwardContext};
use crate::model::Model;
use crate::step::{LossTerm, freeze};
use crate::task::Task;

/// A model whose parameters are constants, in evaluation mode: gradients run
/// through it to the features and stop there.
pub(crate) struct Boundary<'a, M> {
    deaf: M,
    buffers: &'a Buffers,
}

/// What one term does at the boundary.
pub(crate) struct AtBoundary {
    /// The scores, without a graph.
    pub scores: Tensor<2>,
    /// The pooled features of each modality of the term, row-major.
    pub features: Vec<Option<Vec<f32>>>,
    /// Gradient of the mean loss at each modality's features, `[samples, ..]`
    /// row-major, all parts of a feature side by side; `None` where none arrives.
    pub gradients: Vec<Option<Vec<f32>>>,
}

impl<'a, M: Model> Boundary<'a, M> {
    /// The boundary of a tracked model.
    pub fn of(model: &M, buffers: &'a Buffers) -> Self {
        Self { deaf: freeze(model.clone(), |_| true), buffers }
    }

    /// Runs one term from features that have no graph.
    pub fn run(&self, term: LossTerm, features: &Features, targets: &Targets, task: &dyn Task) -> AtBoundary {
        let leaves: Features = features.iter().map(|z| z.as_ref().map(Feature::leaf)).collect();
        let scored = self.deaf.join(term, &leaves, &mut ForwardContext::eval(self.buffers));
        let loss = task.loss(scored.scores.clone(), targets);
        let mut tape = loss.backward();
        let mut gradient = |leaf: &Feature| -> Option<Vec<f32>> {
            let parts: Vec<Tensor<2>> =
                leaf.rows().map(|part| part.grad_remove(&mut tape)).collect::<Option<_>>()?;
            Some(host(Tensor::cat(parts, 1)))
        };
        AtBoundary {
            gradients: leaves.iter().map(|z| z.as_ref().and_then(&mut gradient)).collect(),
            scores: scored.scores.inner(),
            features: scored.features.into_iter().map(|z| z.map(|z| host(z.inner()))).collect(),
        }
    }
}
