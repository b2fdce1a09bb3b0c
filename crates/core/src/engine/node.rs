//! The operators as nodes of Burn's gradient graph: one node each.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Flex, TensorMetadata};
use burn_flex::FlexTensor;
use counterpoint_kernels::{PoolShape, Precision};

use super::Window;
use super::flex::{self, SavedConv, SavedNorm, SavedPool};
use super::junction::Junction;

type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

/// A tensor without gradients.
fn constant<C: CheckpointStrategy>(t: FlexTensor) -> Tracked<C> {
    Autodiff::<Flex, C>::from_inner(t)
}

/// Hands each parent its gradient; those that want none are not found.
fn register<S, const N: usize>(
    ops: Ops<S, N>,
    grads: &mut Gradients,
    found: impl FnOnce(S, FlexTensor, [bool; N]) -> [Option<FlexTensor>; N],
) {
    let upstream = grads.consume::<Flex>(&ops.node);
    let wanted = ops.parents.each_ref().map(Option::is_some);
    let found = found(ops.state, upstream, wanted);
    for (parent, gradient) in ops.parents.into_iter().zip(found) {
        if let (Some(parent), Some(gradient)) = (parent, gradient) {
            grads.register::<Flex>(parent.id, gradient);
        }
    }
}

macro_rules! node {
    ($(#[$doc:meta])* $name:ident, $parents:literal, $state:ty, $gradients:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        struct $name;

        impl Backward<Flex, $parents> for $name {
            type State = $state;

            fn backward(self, ops: Ops<$state, $parents>, grads: &mut Gradients, _: &mut Checkpointer) {
                register(ops, grads, $gradients);
            }
        }
    };
}

node!(
    /// Input, weights, bias.
    Conv, 3, SavedConv, flex::conv_gradients
);
node!(
    /// Input, scale, shift, what was added.
    Norm, 4, SavedNorm, flex::norm_gradients
);
node!(
    /// Input.
    MaxPool, 1, SavedPool, |saved, upstream, _| [Some(flex::max_pool_gradient(saved, upstream))]
);
node!(
    /// Input.
    Mean, 1, [usize; 4], |dims, upstream, _| [Some(flex::mean_gradient(dims, upstream))]
);
node!(
    /// Input.
    Way, 1, Junction, |junction, upstream, _| [junction.arrive(upstream)]
);

pub fn conv<C: CheckpointStrategy>(
    x: Tracked<C>,
    weight: Tracked<C>,
    bias: Tracked<C>,
    window: Window,
    rectified: bool,
    precision: Precision,
) -> Tracked<C> {
    let (x, of_x) = x.into_parts();
    let (weight, of_weight) = weight.into_parts();
    let (bias, of_bias) = bias.into_parts();
    let run = || flex::conv(x, weight, bias, window, rectified, precision);
    match Conv.prepare::<C>([of_x, of_weight, of_bias]).compute_bound().stateful() {
        OpsKind::Tracked(node) => {
            let (out, saved) = run();
            node.finish(saved, out)
        }
        OpsKind::UnTracked(node) => node.finish(run().0),
    }
}

pub fn norm<C: CheckpointStrategy>(
    x: Tracked<C>,
    weight: Tracked<C>,
    bias: Tracked<C>,
    added: Tracked<C>,
    epsilon: f64,
    rectified: bool,
) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
    let (x, of_x) = x.into_parts();
    let (weight, of_weight) = weight.into_parts();
    let (bias, of_bias) = bias.into_parts();
    let (added, of_added) = added.into_parts();
    let ((out, mean, variance), saved) = flex::norm(x, weight, bias, added, epsilon, rectified);
    let out = match Norm.prepare::<C>([of_x, of_weight, of_bias, of_added]).compute_bound().stateful() {
        OpsKind::Tracked(node) => node.finish(saved, out),
        OpsKind::UnTracked(node) => node.finish(out),
    };
    (out, constant::<C>(mean), constant::<C>(variance))
}

pub fn max_pool<C: CheckpointStrategy>(x: Tracked<C>, shape: PoolShape) -> Tracked<C> {
    let (x, of_x) = x.into_parts();
    let (out, saved) = flex::max_pool(x, shape);
    match MaxPool.prepare::<C>([of_x]).compute_bound().stateful() {
        OpsKind::Tracked(node) => node.finish(saved, out),
        OpsKind::UnTracked(node) => node.finish(out),
    }
}

pub fn mean<C: CheckpointStrategy>(x: Tracked<C>) -> Tracked<C> {
    let (x, of_x) = x.into_parts();
    let shape = x.shape();
    let dims = [0, 1, 2, 3].map(|i| shape[i]);
    let out = flex::mean(x);
    match Mean.prepare::<C>([of_x]).compute_bound().stateful() {
        OpsKind::Tracked(node) => node.finish(dims, out),
        OpsKind::UnTracked(node) => node.finish(out),
    }
}

pub fn fork<C: CheckpointStrategy>(x: Tracked<C>) -> (Tracked<C>, Tracked<C>) {
    let junction = Junction::default();
    let way = |x: Tracked<C>| {
        let (x, of_x) = x.into_parts();
        match Way.prepare::<C>([of_x]).compute_bound().stateful() {
            OpsKind::Tracked(node) => node.finish(junction.clone(), x),
            OpsKind::UnTracked(node) => node.finish(x),
        }
    };
    (way(x.clone()), way(x))
}
