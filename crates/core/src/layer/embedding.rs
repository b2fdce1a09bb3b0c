//! Vectors of token ids.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use super::Init;

/// A table of one vector for each id. Id 0 is padding: it is always zeros and
/// never learns.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[ids, width]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Normal vectors of standard deviation `1 / sqrt(width)`, so that they have length 1 or so.
    pub fn new(ids: usize, width: usize, init: &Init) -> Self {
        Self { weight: init.normal("weight", [ids, width], 1.0 / (width as f64).sqrt()) }
    }

    /// Vectors of ids that are given as whole numbers.
    ///
    /// # Shapes
    /// `[batch, length]` to `[batch, length, width]`.
    pub fn forward(&self, ids: Tensor<2>) -> Tensor<3> {
        let [batch, length] = ids.dims();
        let known = ids.clone().clamp(0.0, 1.0).reshape([batch * length, 1]);
        let index: Tensor<1, Int> = ids.reshape([batch * length]).int();
        let vectors = self.weight.val().select(0, index) * known;
        vectors.reshape([batch, length, self.width()])
    }

    /// Number of ids.
    pub fn ids(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Width of a vector.
    pub fn width(&self) -> usize {
        self.weight.dims()[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use burn::tensor::Device;

    #[test]
    fn padding_is_zero_and_never_learns() {
        let device = Device::flex();
        let table = Embedding::new(3, 2, &Init::new(0, &device));
        let ids = Tensor::<2>::from_data([[2.0, 0.0], [2.0, 1.0]], &device);
        let vectors = table.forward(ids);
        let values = host(vectors.clone());
        assert_eq!(values[2..4], [0.0, 0.0]);
        assert_eq!(values[..2], values[4..6]);
        let gradient = host(table.weight.val().grad(&vectors.sum().backward()).unwrap());
        // Id 1 occurs once, id 2 twice.
        assert_eq!(gradient, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
