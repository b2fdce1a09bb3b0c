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
    let Some(device) = streams.first().map(|stream| stream.input.device()) else { return features };
    let run = |Stream { modality, model, input, pass }: Stream<'_, '_, M>| {
        let mut pass = pass.of_stream(modality, input.shape()[0]);
        (modality, model.encode(modality, input, &mut pass))
    };
    for (m, feature) in concurrently(&device, streams, run) {
        features[m.0] = Some(feature);
    }
    features
}

/// Does independent work on several things: at the same time on the CPU; another device
/// has a queue of its own, in which work waits for work.
pub(crate) fn concurrently<T: Send, R: Send>(
    device: &Device,
    items: Vec<T>,
    f: impl Fn(T) -> R + Sync + Send,
) -> Vec<R> {
    match is_host(&device.clone().without_autodiff()) {
        true => counterpoint_kernels::concurrently(items, f),
        false => items.into_iter().map(f).collect(),
    }
}
