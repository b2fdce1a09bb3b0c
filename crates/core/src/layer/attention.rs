//! Scaled dot-product attention with several heads (Vaswani et al. 2017).

use burn::module::Module;
use burn::tensor::{Tensor, activation::softmax};

use super::{Init, Linear};
use crate::engine::{Arithmetic, product};

/// What every query gathers from the values of the keys.
///
/// `allowed` is added to the scores of keys: 0 for a key that may be looked
/// at, a large negative number for padding.
///
/// # Shapes
/// Queries `[batch, n, width]`, keys and values `[batch, k, width]`, `allowed`
/// `[batch, k]`, to `[batch, n, width]`; `heads` divides the width.
pub fn attend(
    [queries, keys, values]: [Tensor<3>; 3],
    heads: usize,
    allowed: Option<Tensor<2>>,
    how: Arithmetic,
) -> Tensor<3> {
    let [batch, count, width] = queries.dims();
    let depth = width / heads;
    let split = |x: Tensor<3>| {
        let count = x.dims()[1];
        x.reshape([batch, count, heads, depth]).swap_dims(1, 2) // [batch, heads, count, depth]
    };
    let scores = product(split(queries), split(keys).transpose(), how).div_scalar((depth as f64).sqrt());
    let scores = match allowed {
        Some(allowed) => {
            let keys = allowed.dims()[1];
            scores + allowed.reshape([batch, 1, 1, keys])
        }
        None => scores,
    };
    product(softmax(scores, 3), split(values), how).swap_dims(1, 2).reshape([batch, count, width])
}

/// Attention of a sequence to itself. Queries and keys have no bias: the
/// softmax cancels that of the keys, which would never learn.
#[derive(Module, Debug)]
pub struct SelfAttention {
    queries: Linear,
    keys: Linear,
    values: Linear,
    output: Linear,
    heads: usize,
}

impl SelfAttention {
    /// For tokens of `width` numbers, which `heads` must divide.
    pub fn new(width: usize, heads: usize, init: &Init) -> Self {
        let free = |name: &str| Linear::without_bias(width, width, &init.part(name));
        Self {
            queries: free("queries"),
            keys: free("keys"),
            values: free("values"),
            output: Linear::new(width, width, &init.part("output")),
            heads,
        }
    }

    /// # Shapes
    /// `[batch, tokens, width]` and for each token what is added to its scores
    /// as a key, `[batch, tokens]`, to `[batch, tokens, width]`.
    pub fn forward(&self, x: Tensor<3>, allowed: Option<Tensor<2>>) -> Tensor<3> {
        let parts = [&self.queries, &self.keys, &self.values].map(|layer| layer.along(x.clone()));
        self.output.along(attend(parts, self.heads, allowed, self.output.arithmetic()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use burn::tensor::Device;

    #[test]
    fn one_query_by_hand() {
        let (device, how) = (Device::flex(), Arithmetic::default());
        let q = Tensor::<3>::from_data([[[1.0, 0.0]]], &device);
        let k = Tensor::<3>::from_data([[[2.0_f64.sqrt() * 3.0_f64.ln(), 5.0], [0.0, -7.0]]], &device);
        let v = Tensor::<3>::from_data([[[4.0, 0.0], [0.0, 8.0]]], &device);
        // Scores ln 3 and 0: weights 3/4 and 1/4.
        let y = host(attend([q.clone(), k.clone(), v.clone()], 1, None, how));
        assert!((y[0] - 3.0).abs() < 1e-5 && (y[1] - 2.0).abs() < 1e-5, "{y:?}");
        let padded = Tensor::<2>::from_data([[0.0, -1e9]], &device);
        let y = host(attend([q, k, v], 1, Some(padded), how));
        assert_eq!(y, [4.0, 0.0]);
    }
}
