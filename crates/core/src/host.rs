//! Tensor values on the host.
//!
//! On a GPU every read waits until all work before it is done, so a step reads
//! once: what it wants to know is collected in [`Reads`].

use std::cell::Cell;

use burn::tensor::{Tensor, Transaction};

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    COUNT.set(COUNT.get() + 1);
}

/// How often this thread has waited for values of a device so far.
pub fn reads() -> u64 {
    COUNT.get()
}

/// The values of a tensor, row-major, in single precision.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    count();
    owned(tensor)
}

/// The value of a tensor with one element.
pub fn scalar<const D: usize>(tensor: Tensor<D>) -> f64 {
    f64::from(host(tensor)[0])
}

/// As [`host`], of a tensor that lies in the program's own memory: nothing is waited for, and
/// nothing copied if nobody else holds it.
pub(crate) fn owned<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("just converted")
}

/// Tensors whose values are fetched together.
#[derive(Default)]
pub struct Reads {
    transaction: Transaction,
    count: usize,
}

impl Reads {
    /// Adds a tensor.
    pub fn add<const D: usize>(&mut self, tensor: Tensor<D>) {
        let transaction = std::mem::take(&mut self.transaction);
        self.transaction = transaction.register(tensor);
        self.count += 1;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values of every tensor, in the order they were added, each row-major and in single precision.
    pub fn fetch(self) -> Vec<Vec<f32>> {
        if self.is_empty() {
            return Vec::new();
        }
        count();
        let values = self.transaction.execute().into_iter();
        values.map(|data| data.convert::<f32>().try_into_vec().expect("just converted")).collect()
    }
}
