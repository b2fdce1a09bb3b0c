//! Batch normalisation (Ioffe and Szegedy 2015) with PyTorch's semantics.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::{ForwardContext, Init};
use crate::engine::{self, After, Arithmetic};

/// Batch norm over the channel axis of `[batch, channels, height, width]`.
///
/// The layer holds its affine parameters only. Running statistics live in
/// [`Buffers`](super::Buffers) and are read and moved through the [`ForwardContext`], so
/// a forward pass never changes a module behind its owner's back.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Scale, `[channels]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[channels]`.
    pub bias: Param<Tensor<1>>,
    epsilon: f64,
    #[module(skip)]
    arithmetic: Arithmetic,
}

impl BatchNorm {
    /// Scale 1, shift 0, epsilon 1e-5.
    pub fn new(channels: usize, init: &Init) -> Self {
        Self {
            weight: init.constant("weight", [channels], 1.0),
            bias: init.constant("bias", [channels], 0.0),
            epsilon: 1e-5,
            arithmetic: init.arithmetic(),
        }
    }

    /// The same layer with another epsilon.
    #[must_use]
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// How the CPU computes this layer.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// Normalises with the statistics that the pass asks for.
    ///
    /// In training the batch's mean and biased variance normalise, and the
    /// buffer moves by `0.9 old + 0.1 batch` with the unbiased variance, as
    /// PyTorch does.
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        self.run(x, After::default(), pass)
    }

    /// The same, then ReLU.
    pub fn rectified(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        self.run(x, After { added: None, rectified: true }, pass)
    }

    /// The same, then the sum with a shortcut of the same shape, then ReLU.
    pub fn rectified_sum(
        &self,
        x: Tensor<4>,
        shortcut: Tensor<4>,
        pass: &mut ForwardContext<'_>,
    ) -> Tensor<4> {
        self.run(x, After { added: Some(shortcut), rectified: true }, pass)
    }

    fn run(&self, x: Tensor<4>, after: After, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        if !pass.trains() {
            let running = pass.running(self.weight.id, weight.dims()[0], &x.device());
            // A measurement may send gradients through evaluation mode.
            let beside = |t: Tensor<1>| if x.is_autodiff() { Tensor::from_inner(t) } else { t };
            let (mean, variance) = (beside(running.mean), beside(running.variance));
            let statistics = [mean, variance];
            return engine::norm_with(x, weight, bias, statistics, self.epsilon, after, self.arithmetic);
        }
        let [batch, _, height, width] = x.dims();
        let (among, samples) = pass.among(self.weight.id, batch).unzip();
        let (out, mean, variance) =
            engine::norm_over(among, x, [weight, bias], self.epsilon, after, self.arithmetic);
        pass.observe(self.weight.id, mean, variance, samples.unwrap_or(batch) * height * width);
        out
    }
}
