//! Fully connected layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::engine::{self, Arithmetic};

/// `y = x W^T + b` with `W` of shape `[out, in]`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    arithmetic: Arithmetic,
}

impl Linear {
    /// Xavier-normal weight (standard deviation `sqrt(2 / (in + out))`) and zero
    /// bias, unless `init` has another scheme.
    pub fn new(inputs: usize, outputs: usize, init: &Init) -> Self {
        let bias = init.bias(outputs, inputs);
        Self { bias: Some(bias), ..Self::without_bias(inputs, outputs, init) }
    }

    /// As [`Self::new`], without a bias.
    pub fn without_bias(inputs: usize, outputs: usize, init: &Init) -> Self {
        let std = (2.0 / (inputs + outputs) as f64).sqrt();
        Self { weight: init.weight([outputs, inputs], std), bias: None, arithmetic: init.arithmetic() }
    }

    /// With values of its own: a weight `[out, in]` and a bias `[out]`.
    pub(crate) fn of(weight: Param<Tensor<2>>, bias: Param<Tensor<1>>, init: &Init) -> Self {
        Self { weight, bias: Some(bias), arithmetic: init.arithmetic() }
    }

    /// # Shapes
    /// `[batch, in]` to `[batch, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.run(x, false)
    }

    /// The same, then ReLU.
    pub fn rectified(&self, x: Tensor<2>) -> Tensor<2> {
        self.run(x, true)
    }

    fn run(&self, x: Tensor<2>, rectified: bool) -> Tensor<2> {
        let bias = self.bias.as_ref().map(Param::val);
        engine::linear(x, self.weight.val(), bias, rectified, self.arithmetic)
    }

    /// The layer along the last axis.
    ///
    /// # Shapes
    /// `[batch, length, in]` to `[batch, length, out]`.
    pub fn along(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, length, inputs] = x.dims();
        self.forward(x.reshape([batch * length, inputs])).reshape([batch, length, self.outputs()])
    }

    /// How this layer is computed.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }
}
