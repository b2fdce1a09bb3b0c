//! Layer normalisation (Ba, Kiros, Hinton 2016) with PyTorch's semantics.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, module};

use super::Init;

/// Normalises the last axis to mean 0 and (biased) variance 1, then scales and shifts it.
///
/// A row of equal numbers has no variance: it comes out as the shift, finite
/// because of `epsilon`.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, `[width]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[width]`.
    pub bias: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    /// Scale 1, shift 0.
    pub fn new(width: usize, epsilon: f64, init: &Init) -> Self {
        let (weight, bias) = (init.constant("weight", [width], 1.0), init.constant("bias", [width], 0.0));
        Self { weight, bias, epsilon }
    }

    /// # Shapes
    /// `[.., width]` to the same.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        module::layer_norm(x, self.weight.val(), Some(self.bias.val()), self.epsilon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use burn::tensor::Device;

    #[test]
    fn rows_are_normalised_and_zeros_give_the_shift() {
        let norm = LayerNorm::new(2, 1e-6, &Init::new(0, &Device::flex()));
        let x = Tensor::<2>::from_data([[1.0, 3.0], [0.0, 0.0]], &Device::flex());
        let y = host(norm.forward(x));
        // Mean 2, variance 1: -1 and 1.
        assert!((y[0] + 1.0).abs() < 1e-5 && (y[1] - 1.0).abs() < 1e-5, "{y:?}");
        assert_eq!(y[2..], [0.0, 0.0]);
    }
}
