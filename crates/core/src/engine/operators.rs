//! Convolution, batch norm, pooling, forks and updates as operators.

use burn::backend::TensorMetadata;
use burn_flex::FlexTensor;
use counterpoint_kernels::PoolShape;
use counterpoint_kernels::update::{Adam, Sgd};

use super::extension::{Operator, Results};
use super::flex::{self, SavedConv, SavedPool};
use super::flex_norm::{self, SavedNorm};
use super::junction::Junction;
use super::{Precision, Products, Window};
use crate::peers::Among;

/// Convolution of input, weights and bias; ReLU.
pub struct Conv {
    pub window: Window,
    pub rectified: bool,
    pub products: Products,
}

impl Operator<3> for Conv {
    type Saved = SavedConv;

    fn run(self, [x, weight, bias]: [FlexTensor; 3]) -> Results<SavedConv> {
        Results::of(flex::conv(x, weight, bias, self.window, self.rectified, self.products))
    }

    fn gradients(saved: SavedConv, upstream: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        flex::conv_gradients(saved, upstream, wanted)
    }
}

/// Batch norm of an input, scale and shift by the batch's own statistics, or by those of all ranks' rows; the sum
/// with a fourth tensor; ReLU. Beside the output: mean and variance.
pub struct Norm {
    pub epsilon: f64,
    pub rectified: bool,
    pub precision: Precision,
    /// The ranks whose rows it normalises as one batch.
    pub among: Option<Among>,
}

impl Operator<4> for Norm {
    type Saved = SavedNorm;

    fn run(self, [x, weight, bias, added]: [FlexTensor; 4]) -> Results<SavedNorm> {
        let Self { epsilon, rectified, precision, among } = self;
        let ((out, mean, variance), saved) =
            flex_norm::norm(x, weight, bias, added, (epsilon, rectified, precision), among);
        Results { out, beside: vec![mean, variance], saved }
    }

    fn gradients(saved: SavedNorm, upstream: FlexTensor, wanted: [bool; 4]) -> [Option<FlexTensor>; 4] {
        flex_norm::norm_gradients(saved, upstream, wanted)
    }
}

/// Batch norm of an input, scale and shift by a given mean and variance; the sum
/// with a sixth tensor; ReLU.
pub struct NormWith {
    pub epsilon: f64,
    pub rectified: bool,
}

impl Operator<6> for NormWith {
    type Saved = ();

    fn run(self, [x, weight, bias, mean, variance, added]: [FlexTensor; 6]) -> Results<()> {
        let out =
            flex_norm::norm_with(x, weight, bias, [mean, variance], added, self.epsilon, self.rectified);
        Results::of((out, ()))
    }

    fn gradients((): (), _: FlexTensor, _: [bool; 6]) -> [Option<FlexTensor>; 6] {
        unreachable!("with gradients, Burn's own operators normalise by given statistics")
    }
}

/// The largest number of each window.
pub struct MaxPool(pub PoolShape);

impl Operator<1> for MaxPool {
    type Saved = SavedPool;

    fn run(self, [x]: [FlexTensor; 1]) -> Results<SavedPool> {
        Results::of(flex::max_pool(x, self.0))
    }

    fn gradients(saved: SavedPool, upstream: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(flex::max_pool_gradient(saved, upstream))]
    }
}

/// The mean over height and width, `[batch, channels]`.
pub struct Mean;

impl Operator<1> for Mean {
    type Saved = [usize; 4];

    fn run(self, [x]: [FlexTensor; 1]) -> Results<[usize; 4]> {
        let shape = x.shape();
        Results::of((flex::mean(x), [0, 1, 2, 3].map(|i| shape[i])))
    }

    fn gradients(dims: [usize; 4], upstream: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [Some(flex::mean_gradient(dims, upstream))]
    }
}

/// One of the two ways of a fork.
pub struct Way(pub Junction);

impl Operator<1> for Way {
    type Saved = Junction;

    fn run(self, [x]: [FlexTensor; 1]) -> Results<Junction> {
        Results::of((x, self.0))
    }

    fn gradients(junction: Junction, upstream: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        [junction.arrive(upstream)]
    }
}

const CONSTANT: &str = "what is done with gradients is not part of a gradient graph";

/// Values, gradient and velocity to values; beside them, the velocity.
pub struct BySgd(pub Sgd);

impl Operator<3> for BySgd {
    type Saved = ();

    fn run(self, [x, gradient, velocity]: [FlexTensor; 3]) -> Results<()> {
        let (out, velocity) = flex::sgd(x, gradient, velocity, self.0);
        Results { out, beside: vec![velocity], saved: () }
    }

    fn gradients((): (), _: FlexTensor, _: [bool; 3]) -> [Option<FlexTensor>; 3] {
        unreachable!("{CONSTANT}")
    }
}

/// Values, gradient and moments to values; beside them, the moments.
pub struct ByAdam(pub Adam);

impl Operator<4> for ByAdam {
    type Saved = ();

    fn run(self, [x, gradient, first, second]: [FlexTensor; 4]) -> Results<()> {
        let (out, first, second) = flex::adam(x, gradient, [first, second], self.0);
        Results { out, beside: vec![first, second], saved: () }
    }

    fn gradients((): (), _: FlexTensor, _: [bool; 4]) -> [Option<FlexTensor>; 4] {
        unreachable!("{CONSTANT}")
    }
}

/// The sum of the squares.
pub struct SquareSum;

impl Operator<1> for SquareSum {
    type Saved = ();

    fn run(self, [x]: [FlexTensor; 1]) -> Results<()> {
        Results::of((flex::square_sum(x), ()))
    }

    fn gradients((): (), _: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        unreachable!("{CONSTANT}")
    }
}
