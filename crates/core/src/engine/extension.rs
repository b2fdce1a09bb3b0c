//! How operators enter Burn: each is one node of its gradient graph.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, BackendTensor, Dispatch, DispatchAutodiffContext, DispatchTensor,
    DispatchTensorKind, ExtensionType, Flex, backend_extension, tensor::FloatTensor,
};
use burn_flex::FlexTensor;

/// An operator of `N` tensors on Flex's buffers. A tensor that it can do without
/// has no numbers where it is not there.
pub trait Operator<const N: usize>: Send + 'static {
    /// What its gradients need.
    type Saved: Clone + Debug + Send + 'static;

    /// Computes it.
    fn run(self, tensors: [FlexTensor; N]) -> Results<Self::Saved>;

    /// The gradients of its tensors from that of its output: those that are wanted.
    fn gradients(saved: Self::Saved, upstream: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N];
}

/// What an operator computed.
pub struct Results<S> {
    /// The output.
    pub out: FlexTensor,
    /// Results beside it, which have no gradients.
    pub beside: Vec<FlexTensor>,
    pub saved: S,
}

impl<S> Results<S> {
    /// An output alone.
    pub fn of((out, saved): (FlexTensor, S)) -> Self {
        Self { out, beside: Vec::new(), saved }
    }
}

/// Runs an operator: its output, then the results beside it.
pub fn run<const N: usize>(operator: impl Operator<N>, tensors: [DispatchTensor; N]) -> Vec<DispatchTensor> {
    Dispatch::run(operator, Tensors(tensors.into())).0
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

/// All operators.
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
        let Results { out, beside, .. } = operator.run(array(tensors.0));
        Tensors(std::iter::once(out).chain(beside).collect())
    }
}

impl<C: CheckpointStrategy> Engine for Autodiff<Flex, C> {
    fn run<O: Operator<N>, const N: usize>(operator: O, tensors: Tensors<Self>) -> Tensors<Self> {
        let (tensors, nodes): (Vec<_>, Vec<_>) = tensors.0.into_iter().map(|t| t.into_parts()).unzip();
        let Results { out, beside, saved } = operator.run(array(tensors));
        let node = Node::<O, N>(PhantomData);
        let out = match node.prepare::<C>(array(nodes)).compute_bound().stateful() {
            OpsKind::Tracked(node) => node.finish(saved, out),
            OpsKind::UnTracked(node) => node.finish(out),
        };
        Tensors(std::iter::once(out).chain(beside.into_iter().map(Self::from_inner)).collect())
    }
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

impl<O: Operator<N>, const N: usize> Backward<Flex, N> for Node<O, N> {
    type State = O::Saved;

    /// Hands each parent its gradient; those that want none are not computed.
    fn backward(self, ops: Ops<O::Saved, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let upstream = grads.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = O::gradients(ops.state, upstream, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
