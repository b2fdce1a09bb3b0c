//! The measured hot operators: on the CPU in single precision the kernels of
//! `counterpoint-kernels`, everywhere else Burn's own operators.
//!
//! Maps keep their channels side by side in memory: a tensor that is `[batch,
//! channels, height, width]` by its shape and `[batch, height, width, channels]`
//! by its strides crosses Burn without a copy. What comes in any other order
//! is copied once.

mod entropy;
mod extension;
mod flex;
mod flex_norm;
mod gate;
mod gru;
mod junction;
mod linear;
mod norm;
mod operators;
mod options;
mod rounding;
mod statistics;
mod upsample;

use burn::backend::{DispatchDevice, DispatchTensor};
use burn::tensor::{DType, Device, Tensor, activation::relu, module, ops};
use counterpoint_kernels::update::{Adam, Sgd};
use counterpoint_kernels::{Algorithm, PoolShape};

use crate::peers::Among;
pub use entropy::cross_entropy;
use extension::{compose, run};
pub use gate::gate;
pub(crate) use gru::gru;
use junction::Junction;
pub use linear::linear;
use operators::{ByAdam, BySgd, Conv, MaxPool, Mean, Norm, NormWith, SquareSum, Way};
pub use options::{Arithmetic, Convolution, EngineOptions, Precision};
pub use rounding::product;
pub use upsample::upsample;

/// Whether the kernels compute this tensor, and how.
pub(crate) fn applies<const D: usize>(x: &Tensor<D>, how: Arithmetic) -> Option<Products> {
    let algorithm = match how.convolution {
        Convolution::Burn => return None,
        // The kernels do not know f16.
        _ if how.precision == Precision::F16 => return None,
        Convolution::Fast => Algorithm::Fast,
        Convolution::Exact => Algorithm::Exact,
    };
    let device = x.device().without_autodiff();
    let here = matches!(device.as_dispatch(), DispatchDevice::Flex(_)) && x.dtype() == DType::F32;
    (here && x.shape().num_elements() > 0).then_some(Products { algorithm, precision: how.precision })
}

/// How the kernels multiply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Products {
    /// Of convolutions of 3x3 taps.
    pub algorithm: Algorithm,
    /// Of the factors.
    pub precision: Precision,
}

/// A tensor, or one without numbers in its place.
fn or_empty<const D: usize>(tensor: Option<Tensor<D>>, device: &Device) -> Tensor<D> {
    tensor.unwrap_or_else(|| Tensor::empty([0; D], device))
}

/// Where a convolution looks: stride, zeros on each side, distance of taps;
/// pairs are `[down, across]`.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Pixels from one output to the next.
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub padding: [usize; 2],
}

/// A convolution with weights `[out, in, down, across]`, with a bias and a ReLU
/// where wanted.
pub fn conv(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    window: Window,
    rectified: bool,
    how: Arithmetic,
) -> Tensor<4> {
    let Window { stride, padding } = window;
    let device = x.device();
    match applies(&x, how) {
        Some(products) => {
            let bias = or_empty(bias, &device).into_dispatch();
            let operator = Conv { window, rectified, products };
            let tensors = [x.into_dispatch(), weight.into_dispatch(), bias];
            Tensor::from_dispatch(run(operator, tensors).swap_remove(0))
        }
        None => {
            let options = ops::ConvOptions::new(stride, padding, [1, 1], 1);
            let y = rounding::conv(x, weight, bias, options, how);
            if rectified { relu(y) } else { y }
        }
    }
}

/// What follows a batch norm.
#[derive(Clone, Debug, Default)]
pub struct After {
    /// Is added to its output, of the same shape.
    pub added: Option<Tensor<4>>,
    /// Whether negative numbers become zero at the end.
    pub rectified: bool,
}

impl After {
    fn composed(self, y: Tensor<4>) -> Tensor<4> {
        let y = match self.added {
            Some(added) => y + added,
            None => y,
        };
        if self.rectified { relu(y) } else { y }
    }
}

/// Batch norm with the statistics of the batch; output, mean and biased
/// variance, the last two without gradients.
pub fn norm(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    after: After,
    how: Arithmetic,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    norm_over(None, x, [weight, bias], epsilon, after, how)
}

/// The same with the statistics of what all of these ranks have.
pub(crate) fn norm_over(
    among: Option<Among>,
    x: Tensor<4>,
    [weight, bias]: [Tensor<1>; 2],
    epsilon: f64,
    after: After,
    how: Arithmetic,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let (products, device) = (applies(&x, how), x.device());
    let added = or_empty(after.added, &device).into_dispatch();
    let tensors = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch(), added];
    let operator = Norm { epsilon, rectified: after.rectified, precision: how.precision, among };
    let found = if products.is_some() { run(operator, tensors) } else { compose(operator, tensors) };
    let mut found = found.into_iter();
    let mut next = || found.next().expect("output, mean and variance");
    let out = Tensor::from_dispatch(next());
    let [mean, variance] = [(); 2].map(|()| {
        let t = Tensor::<1>::from_dispatch(next());
        if t.is_autodiff() { t.inner() } else { t }
    });
    (out, mean, variance)
}

/// Batch norm with given statistics, mean and variance.
pub fn norm_with(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    [mean, variance]: [Tensor<1>; 2],
    epsilon: f64,
    after: After,
    how: Arithmetic,
) -> Tensor<4> {
    // A measurement may send gradients through evaluation mode: Burn knows them.
    if x.is_autodiff() || weight.is_autodiff() || applies(&x, how).is_none() {
        return after.composed(module::batch_norm(x, weight, bias, mean, variance, epsilon));
    }
    let device = x.device();
    let tensors = [weight, bias, mean, variance].map(Tensor::into_dispatch);
    let [weight, bias, mean, variance] = tensors;
    let added = or_empty(after.added, &device).into_dispatch();
    let tensors = [x.into_dispatch(), weight, bias, mean, variance, added];
    let operator = NormWith { epsilon, rectified: after.rectified };
    Tensor::from_dispatch(run(operator, tensors).swap_remove(0))
}

/// The largest number of each window of `size` pixels.
pub fn max_pool(x: Tensor<4>, size: [usize; 2], window: Window, how: Arithmetic) -> Tensor<4> {
    let Window { stride, padding } = window;
    if applies(&x, how).is_none() {
        let options = ops::MaxPoolOptions::new(size).with_stride(stride).with_padding(padding);
        return module::max_pool2d(x, options);
    }
    let [images, channels, height, width] = x.dims();
    let shape = PoolShape { images, size: [height, width], channels, window: size, stride, padding };
    Tensor::from_dispatch(run(MaxPool(shape), [x.into_dispatch()]).swap_remove(0))
}

/// The mean over height and width, `[batch, channels]`.
pub fn mean(x: Tensor<4>, how: Arithmetic) -> Tensor<2> {
    if applies(&x, how).is_none() {
        let [batch, channels, height, width] = x.dims();
        return x.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels]);
    }
    Tensor::from_dispatch(run(Mean, [x.into_dispatch()]).swap_remove(0))
}

/// Maps for two ways that both lead to what is run backward, as a block and its shortcut do.
///
/// # Panics
/// When the graph is dropped after only one of them was run backward: its gradient would be lost.
pub fn fork(x: Tensor<4>, how: Arithmetic) -> [Tensor<4>; 2] {
    if applies(&x, how).is_none() {
        return [x.clone(), x];
    }
    let junction = Junction::default();
    [x.clone(), x].map(|x| {
        let way = Way(junction.clone());
        Tensor::from_dispatch(run(way, [x.into_dispatch()]).swap_remove(0))
    })
}

/// The values and the velocity after an update by SGD, on the CPU; the first velocity is the gradient.
pub(crate) fn sgd(
    x: Tensor<1>,
    gradient: Tensor<1>,
    velocity: Option<Tensor<1>>,
    update: Sgd,
) -> (Tensor<1>, Tensor<1>) {
    let velocity = or_empty(velocity, &x.device());
    let found = run(BySgd(update), [x, gradient, velocity].map(Tensor::into_dispatch));
    let [x, velocity] = tensors(found);
    (x, velocity)
}

/// The values and the moments after an update by Adam, on the CPU.
pub(crate) fn adam(
    x: Tensor<1>,
    gradient: Tensor<1>,
    [first, second]: [Tensor<1>; 2],
    update: Adam,
) -> (Tensor<1>, [Tensor<1>; 2]) {
    let found = run(ByAdam(update), [x, gradient, first, second].map(Tensor::into_dispatch));
    let [x, first, second] = tensors(found);
    (x, [first, second])
}

/// The sum of the squares of a gradient, `[1]`.
pub(crate) fn square_sum(x: Tensor<1>) -> Tensor<1> {
    match applies(&x, Arithmetic::default()) {
        Some(_) => Tensor::from_dispatch(run(SquareSum, [x.into_dispatch()]).swap_remove(0)),
        None => (x.clone() * x).sum(),
    }
}

/// All results of an operator.
fn tensors<const D: usize, const N: usize>(found: Vec<DispatchTensor>) -> [Tensor<D>; N] {
    let mut found = found.into_iter().map(Tensor::from_dispatch);
    std::array::from_fn(|_| found.next().expect("as many as the operator has"))
}
