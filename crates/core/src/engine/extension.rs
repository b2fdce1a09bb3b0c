//! How operators enter Burn: each is one node of its gradient graph, by kernels on Flex or composed of
//! Burn's functions on any back end.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor,
    DispatchTensorKind, ExtensionType, Flex, backend_extension, tensor::FloatTensor,
};

/// An operator of `N` tensors of one back end: Flex, whose buffers the kernels read. A tensor that
/// it can do without has no numbers where it is not there.
pub trait Operator<const N: usize, B: Backend = Flex>: Send + 'static {
    /// What its gradients need.
    type Saved: Clone + Debug + Send + 'static;

    /// Computes it.
    fn run(self, tensors: [FloatTensor<B>; N]) -> Results<Self::Saved, B>;

    /// The gradients of its tensors from that of its output: those that are wanted.
    fn gradients(
        saved: Self::Saved,
        upstream: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// An operator composed of functions that every back end has.
pub trait Composed<const N: usize>: Send + 'static {
    /// What its gradients need.
    type Saved<B: Backend>: Clone + Debug + Send + 'static;

    /// Computes it.
    fn run<B: Backend>(self, tensors: [FloatTensor<B>; N]) -> Results<Self::Saved<B>, B>;

    /// The gradients of its tensors from that of its output: those that are wanted.
    fn gradients<B: Backend>(
        saved: Self::Saved<B>,
        upstream: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N];
}

/// What an operator computed.
pub struct Results<S, B: Backend = Flex> {
    /// The output.
    pub out: FloatTensor<B>,
    /// Results beside it, which have no gradients.
    pub beside: Vec<FloatTensor<B>>,
    pub saved: S,
}

impl<S, B: Backend> Results<S, B> {
    /// An output alone.
    pub fn of((out, saved): (FloatTensor<B>, S)) -> Self {
        Self { out, beside: Vec::new(), saved }
    }
}

/// Runs an operator: its output, then the results beside it.
pub fn run<const N: usize>(operator: impl Operator<N>, tensors: [DispatchTensor; N]) -> Vec<DispatchTensor> {
    Dispatch::run(operator, Tensors(tensors.into())).0
}

/// The same of an operator for every back end.
pub fn compose<const N: usize>(
    operator: impl Composed<N>,
    tensors: [DispatchTensor; N],
) -> Vec<DispatchTensor> {
    Dispatch::compose(operator, Tensors(tensors.into())).0
}

/// Tensors that cross Burn together.
pub struct Tensors<B: Backend>(Vec<FloatTensor<B>>);

impl<B: Backend> ExtensionType<B> for Tensors<B> {
    type Target = Tensors<Dispatch>;

    fn map_to_dispatch<F>(self, map_kind: F, autodiff: DispatchAutodiffContext) -> Self::Target
    where
        F: Fn(BackendTensor<B>) -> DispatchTensorKind,
    {
        let wrap = |t| DispatchTensor { kind: map_kind(BackendTensor::Float(t)), autodiff };
        Tensors(self.0.into_iter().map(wrap).collect())
    }

    fn map_from_dispatch<F>(target: Self::Target, unwrap_kind: F) -> Self
    where
        F: Fn(DispatchTensor) -> BackendTensor<B>,
    {
        Self(target.0.into_iter().map(|t| unwrap_kind(t).float()).collect())
    }

    fn routing_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn routing_float_tensor(target: &Self::Target) -> Option<&DispatchTensor> {
        target.0.first()
    }

    fn autodiff_context(target: &Self::Target) -> DispatchAutodiffContext {
        target.0.iter().fold(DispatchAutodiffContext::Disabled, |context, t| context.merge(t.autodiff))
    }
}

/// The operators of the kernels.
#[backend_extension(Flex, Autodiff)]
pub trait Engine: Backend {
    /// Runs one: its output, then the results beside it.
    fn run<O: Operator<N>, const N: usize>(
        operator: O,
        #[extension_type] tensors: Tensors<Self>,
    ) -> Tensors<Self>;
}

impl Engine for Flex {
    fn run<O: Operator<N>, const N: usize>(operator: O, tensors: Tensors<Self>) -> Tensors<Self> {
        plain(operator, tensors)
    }
}

impl<C: CheckpointStrategy> Engine for Autodiff<Flex, C> {
    fn run<O: Operator<N>, const N: usize>(operator: O, tensors: Tensors<Self>) -> Tensors<Self> {
        tracked(operator, tensors)
    }
}

/// The operators of every back end.
#[backend_extension(
    Flex,
    Cube: cfg(any(
        feature = "cuda",
        feature = "rocm",
        feature = "vulkan",
        feature = "metal",
        feature = "wgpu"
    )),
    Autodiff
)]
pub trait Everywhere: Backend {
    /// Runs one: its output, then the results beside it.
    fn compose<O: Composed<N>, const N: usize>(
        operator: O,
        #[extension_type] tensors: Tensors<Self>,
    ) -> Tensors<Self>;
}

impl Everywhere for Flex {
    fn compose<O: Composed<N>, const N: usize>(operator: O, tensors: Tensors<Self>) -> Tensors<Self> {
        plain(On(operator), tensors)
    }
}

#[cfg(any(feature = "cuda", feature = "rocm", feature = "vulkan", feature = "metal", feature = "wgpu"))]
impl Everywhere for burn::backend::Cube {
    fn compose<O: Composed<N>, const N: usize>(operator: O, tensors: Tensors<Self>) -> Tensors<Self> {
        plain(On(operator), tensors)
    }
}

impl<B: Backend, C: CheckpointStrategy> Everywhere for Autodiff<B, C> {
    fn compose<O: Composed<N>, const N: usize>(operator: O, tensors: Tensors<Self>) -> Tensors<Self> {
        tracked(On(operator), tensors)
    }
}

/// A composed operator on one back end.
struct On<O>(O);

impl<B: Backend, O: Composed<N>, const N: usize> Operator<N, B> for On<O> {
    type Saved = O::Saved<B>;

    fn run(self, tensors: [FloatTensor<B>; N]) -> Results<O::Saved<B>, B> {
        self.0.run::<B>(tensors)
    }

    fn gradients(
        saved: O::Saved<B>,
        upstream: FloatTensor<B>,
        wanted: [bool; N],
    ) -> [Option<FloatTensor<B>>; N] {
        O::gradients::<B>(saved, upstream, wanted)
    }
}

/// Runs an operator without gradients.
fn plain<B: Backend, O: Operator<N, B>, const N: usize>(operator: O, tensors: Tensors<B>) -> Tensors<B> {
    let Results { out, beside, .. } = operator.run(array(tensors.0));
    Tensors(std::iter::once(out).chain(beside).collect())
}

/// Runs an operator as one node of the gradient graph.
fn tracked<B: Backend, C: CheckpointStrategy, O: Operator<N, B>, const N: usize>(
    operator: O,
    tensors: Tensors<Autodiff<B, C>>,
) -> Tensors<Autodiff<B, C>> {
    let (tensors, nodes): (Vec<_>, Vec<_>) = tensors.0.into_iter().map(|t| t.into_parts()).unzip();
    let Results { out, beside, saved } = operator.run(array(tensors));
    let node = Node::<O, N>(PhantomData);
    let out = match Backward::<B, N>::prepare::<C>(node, array(nodes)).compute_bound().stateful() {
        OpsKind::Tracked(node) => node.finish(saved, out),
        OpsKind::UnTracked(node) => node.finish(out),
    };
    let beside = beside.into_iter().map(Autodiff::<B, C>::from_inner);
    Tensors(std::iter::once(out).chain(beside).collect())
}

fn array<T, const N: usize>(values: Vec<T>) -> [T; N] {
    values.try_into().unwrap_or_else(|_| unreachable!("`run` takes as many tensors as the operator"))
}

/// An operator in the gradient graph.
struct Node<O, const N: usize>(PhantomData<fn() -> O>);

impl<O, const N: usize> Debug for Node<O, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(std::any::type_name::<O>())
    }
}

impl<B: Backend, O: Operator<N, B>, const N: usize> Backward<B, N> for Node<O, N> {
    type State = O::Saved;

    /// Hands each parent its gradient; those that want none are not computed.
    fn backward(self, ops: Ops<O::Saved, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = grads.consume::<B>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = O::gradients(ops.state, upstream, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}
