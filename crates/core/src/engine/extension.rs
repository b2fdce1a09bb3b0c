//! The operators as Burn knows them.

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::{Autodiff, Backend, Flex, backend_extension, tensor::FloatTensor};
use counterpoint_kernels::update::{Adam, Sgd};
use counterpoint_kernels::{PoolShape, Precision};

use super::{Window, flex, node};

/// Operators of maps `[batch, channels, height, width]`. A tensor that an
/// operator can do without has no numbers where it is not there.
#[backend_extension(Flex, Autodiff)]
pub trait Engine: Backend {
    /// Convolution, bias, ReLU.
    fn conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        rectified: bool,
        precision: Precision,
    ) -> FloatTensor<Self>;

    /// Batch norm by the batch's own statistics, sum, ReLU; then mean and variance.
    fn norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        added: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Batch norm by given statistics, sum, ReLU; without gradients.
    #[allow(clippy::too_many_arguments, reason = "Burn passes tensors one by one")]
    fn norm_with(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        added: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> FloatTensor<Self>;

    /// The largest number of each window.
    fn max_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self>;

    /// The mean over height and width, `[batch, channels]`.
    fn mean(x: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The values and the velocity after an update by SGD.
    fn sgd(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        update: Sgd,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The values and the two moments after an update by Adam.
    fn adam(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        update: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The same maps for two ways that both lead to what is run backward.
    fn fork(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl Engine for Flex {
    fn conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        rectified: bool,
        precision: Precision,
    ) -> FloatTensor<Self> {
        flex::conv(x, weight, bias, window, rectified, precision).0
    }

    fn norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        added: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        flex::norm(x, weight, bias, added, epsilon, rectified).0
    }

    fn norm_with(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        added: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> FloatTensor<Self> {
        flex::norm_with(x, weight, bias, [mean, variance], added, epsilon, rectified)
    }

    fn max_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        flex::max_pool(x, shape).0
    }

    fn mean(x: FloatTensor<Self>) -> FloatTensor<Self> {
        flex::mean(x)
    }

    fn sgd(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        update: Sgd,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        flex::sgd(x, gradient, velocity, update)
    }

    fn adam(
        x: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        update: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        flex::adam(x, gradient, [first, second], update)
    }

    fn fork(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        (x.clone(), x)
    }
}

const CONSTANT: &str = "an update is no part of a gradient graph";

impl<C: CheckpointStrategy> Engine for Autodiff<Flex, C> {
    fn conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
        rectified: bool,
        precision: Precision,
    ) -> FloatTensor<Self> {
        node::conv::<C>(x, weight, bias, window, rectified, precision)
    }

    fn norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        added: FloatTensor<Self>,
        epsilon: f64,
        rectified: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        node::norm::<C>(x, weight, bias, added, epsilon, rectified)
    }

    fn norm_with(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: f64,
        _: bool,
    ) -> FloatTensor<Self> {
        unreachable!("with gradients, Burn's own operators normalise by given statistics")
    }

    fn max_pool(x: FloatTensor<Self>, shape: PoolShape) -> FloatTensor<Self> {
        node::max_pool::<C>(x, shape)
    }

    fn mean(x: FloatTensor<Self>) -> FloatTensor<Self> {
        node::mean::<C>(x)
    }

    fn sgd(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Sgd,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("{CONSTANT}")
    }

    fn adam(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        _: Adam,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("{CONSTANT}")
    }

    fn fork(x: FloatTensor<Self>) -> (FloatTensor<Self>, FloatTensor<Self>) {
        node::fork::<C>(x)
    }
}
