//! Products of rounded factors where Burn computes them: what the kernels do by themselves.
//!
//! Sums are in single precision. Burn's matrix products of narrow factors are; its direct convolutions sum in the
//! format of the factors, in which hundreds of terms are lost, so convolutions round their factors, keep them so, and
//! multiply them in single precision.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, FloatDType, Tensor};

use super::extension::{Composed, Results, compose};
use super::{Arithmetic, applies, or_empty};

/// The format of factors that Burn multiplies, if `x` is to be rounded for it.
fn format<const D: usize>(x: &Tensor<D>, how: Arithmetic) -> Option<FloatDType> {
    let format = how.precision.format()?;
    (x.dtype() == DType::F32 && applies(x, how).is_none()).then_some(format)
}

/// The matrix product, of rounded factors where Burn computes this device.
pub fn product<const D: usize>(x: Tensor<D>, y: Tensor<D>, how: Arithmetic) -> Tensor<D> {
    match format(&x, how) {
        Some(format) => x.cast(format).matmul(y.cast(format)).cast(FloatDType::F32),
        None => x.matmul(y),
    }
}

/// A convolution by Burn, of rounded factors where they are to be.
pub(super) fn conv(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
    how: Arithmetic,
) -> Tensor<4> {
    let Some(format) = format(&x, how) else {
        return burn::tensor::module::conv2d(x, weight, bias, options);
    };
    let bias = or_empty(bias, &x.device()).into_dispatch();
    let tensors = [x.into_dispatch(), weight.into_dispatch(), bias];
    Tensor::from_dispatch(compose(Conv { options, format }, tensors).swap_remove(0))
}

/// Of input, weights and bias.
struct Conv {
    options: ConvOptions<2>,
    format: FloatDType,
}

/// What the gradients need: the factors, in their narrow format.
#[derive(Clone, Debug)]
struct Saved<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    options: ConvOptions<2>,
    format: FloatDType,
}

fn single<B: Backend>(t: FloatTensor<B>) -> FloatTensor<B> {
    B::float_cast(t, FloatDType::F32)
}

impl Composed<3> for Conv {
    type Saved<B: Backend> = Saved<B>;

    fn run<B: Backend>(self, [x, weight, bias]: [FloatTensor<B>; 3]) -> Results<Saved<B>, B> {
        let Self { options, format } = self;
        let [x, weight] = [x, weight].map(|t| B::float_cast(t, format));
        let there = there::<B>(&bias).then(|| bias.clone());
        let y = B::conv2d(single::<B>(x.clone()), single::<B>(weight.clone()), there, options.clone());
        Results::of((y, Saved { x, weight, bias, options, format }))
    }

    fn gradients<B: Backend>(
        saved: Saved<B>,
        upstream: FloatTensor<B>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<B>>; 3] {
        let Saved { x, weight, bias, options, format } = saved;
        let [x, weight] = [x, weight].map(single::<B>);
        let dy = single::<B>(B::float_cast(upstream.clone(), format));
        [
            wanted[0].then(|| B::conv2d_x_backward(x.clone(), weight.clone(), dy.clone(), options.clone())),
            wanted[1].then(|| B::conv2d_weight_backward(x.clone(), weight, dy, options)),
            (wanted[2] && there::<B>(&bias)).then(|| B::conv2d_bias_backward(x, bias, upstream)),
        ]
    }
}

/// Whether a tensor that an operator can do without has numbers.
pub(super) fn there<B: Backend>(t: &FloatTensor<B>) -> bool {
    t.shape().num_elements() > 0
}
