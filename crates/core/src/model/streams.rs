//! Streams of several modalities at the same time.

use burn::tensor::Device;

use super::Model;
use crate::device::is_host;
use crate::feature::Features;
use crate::input::Input;
use crate::layer::ForwardContext;
use crate::modality::Modality;

/// One modality's stream up to the first meeting, and what it runs in.
pub(crate) struct Stream<'i, 'p, M> {
    pub modality: Modality,
    pub model: M,
    pub input: &'i Input,
    pub pass: ForwardContext<'p>,
}

/// Runs streams side by side; `None` where a modality of `count` has none.
pub(crate) fn encode<M: Model>(streams: Vec<Stream<'_, '_, M>>, count: usize) -> Features {
    let mut features: Features = vec![None; count];
    let Some(first) = streams.first() else { return features };
    let order = Order::of(&first.input.device(), first.pass.synchronises());
    let run = |Stream { modality, model, input, pass }: Stream<'_, '_, M>| {
        let mut pass = pass.of_stream(modality, input.shape()[0]);
        (modality, model.encode(modality, input, &mut pass))
    };
    for (m, feature) in order.run(streams, run) {
        features[m.0] = Some(feature);
    }
    features
}

/// When independent work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// At the same time.
    Any,
    /// One after another, by the thread that asks.
    Given,
}

impl Order {
    /// Of what is done on a device, with other ranks at every layer or without: a device other than the CPU has a
    /// queue of its own, in which work waits for work, and ranks meet in the order in which layers run.
    pub fn of(device: &Device, synchronises: bool) -> Self {
        match is_host(&device.clone().without_autodiff()) && !synchronises {
            true => Self::Any,
            false => Self::Given,
        }
    }

    /// Does it, on each of several things.
    pub fn run<T: Send, R: Send>(self, items: Vec<T>, f: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        match self {
            Self::Any => counterpoint_kernels::concurrently(items, f),
            Self::Given => items.into_iter().map(f).collect(),
        }
    }
}
