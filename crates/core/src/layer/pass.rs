//! What a forward pass may use and change besides its input.

use std::collections::BTreeSet;

use burn::module::ParamId;
use burn::tensor::{Device, Tensor};

use super::{BufferKey, Buffers, Running};

/// The explicit context of forward passes: training or evaluation, which
/// running statistics are read, and which are moved.
///
/// One `Pass` serves all rows of one optimizer step. Within it a buffer moves
/// at most once however many rows run the layer: that is what makes the two
/// evaluators of [`grad`](crate::grad) leave the same statistics behind.
#[derive(Debug)]
pub struct Pass<'a> {
    mode: Mode<'a>,
    key: BufferKey,
}

#[derive(Debug)]
enum Mode<'a> {
    Train { buffers: &'a mut Buffers, moved: BTreeSet<(u64, BufferKey)>, still: bool },
    Eval(&'a Buffers),
}

impl<'a> Pass<'a> {
    /// A pass with batch statistics that moves `buffers`.
    pub fn train(buffers: &'a mut Buffers) -> Self {
        Self { mode: Mode::Train { buffers, moved: BTreeSet::new(), still: false }, key: BufferKey::Single }
    }

    /// A pass with running statistics that changes nothing.
    pub fn eval(buffers: &'a Buffers) -> Self {
        Self { mode: Mode::Eval(buffers), key: BufferKey::Single }
    }

    /// Whether batch statistics are used.
    pub fn trains(&self) -> bool {
        matches!(self.mode, Mode::Train { .. })
    }

    /// Runs `f` with the buffers of `key` in use.
    pub fn under<T>(&mut self, key: BufferKey, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.key, key);
        let result = f(self);
        self.key = outer;
        result
    }

    /// Runs `f` without moving any buffer: a measurement must not train.
    pub fn probe<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.set_still(true);
        let result = f(self);
        self.set_still(outer);
        result
    }

    fn set_still(&mut self, value: bool) -> bool {
        match &mut self.mode {
            Mode::Train { still, .. } => std::mem::replace(still, value),
            Mode::Eval(_) => true,
        }
    }

    /// The running statistics of a layer: mean 0 and variance 1 before the first batch.
    pub(super) fn running(&self, layer: ParamId, channels: usize, device: &Device) -> Running {
        let buffers: &Buffers = match &self.mode {
            Mode::Train { buffers, .. } => buffers,
            Mode::Eval(buffers) => buffers,
        };
        buffers.get(layer, self.key).cloned().unwrap_or_else(|| Running {
            mean: Tensor::zeros([channels], device),
            variance: Tensor::ones([channels], device),
        })
    }

    /// Moves a layer's buffer unless this pass has moved it or only measures.
    pub(super) fn observe(&mut self, layer: ParamId, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        if let Mode::Train { buffers, moved, still: false } = &mut self.mode
            && moved.insert((layer.val(), self.key))
        {
            buffers.move_towards(layer, self.key, Running { mean, variance }, count);
        }
    }
}
