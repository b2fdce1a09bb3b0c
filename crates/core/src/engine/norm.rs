//! Batch norm of few functions of Burn, for devices without kernels.
//!
//! A function is a pass over memory there, and without autotune each number of a sum's result is
//! one thread's work. So the first sum is over the batch, which leaves as many threads as a sample has
//! numbers, side by side in memory, and nothing is copied into another order.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Scalar, TensorMetadata};
use burn::tensor::Shape;

use super::extension::{Composed, Results};
use super::operators::Norm;
use super::rounding::there;

/// What the gradients need.
#[derive(Clone, Debug)]
pub struct Saved<B: Backend> {
    /// The input less its mean, `[batch, channels, height, width]`.
    centred: FloatTensor<B>,
    /// The standard deviation, and the scale over it: `[1, channels, 1, 1]`.
    deviation: FloatTensor<B>,
    slope: FloatTensor<B>,
    /// The output, where a ReLU follows.
    rectified: Option<FloatTensor<B>>,
}

impl Composed<4> for Norm {
    type Saved<B: Backend> = Saved<B>;

    fn run<B: Backend>(self, [x, weight, bias, added]: [FloatTensor<B>; 4]) -> Results<Saved<B>, B> {
        let channels = x.shape()[1];
        let row = |t| B::float_reshape(t, Shape::new([1, channels, 1, 1]));
        let vector = |t| B::float_reshape(t, Shape::new([channels]));
        let mean = mean::<B>(x.clone());
        let centred = B::float_sub(x, mean.clone());
        let variance = self::mean::<B>(B::float_mul(centred.clone(), centred.clone()));
        let deviation = B::float_sqrt(B::float_add_scalar(variance.clone(), Scalar::Float(self.epsilon)));
        let slope = B::float_div(row(weight), deviation.clone());
        let mut out = B::float_add(B::float_mul(centred.clone(), slope.clone()), row(bias));
        if there::<B>(&added) {
            out = B::float_add(out, added);
        }
        if self.rectified {
            out = B::relu(out);
        }
        let rectified = self.rectified.then(|| out.clone());
        let saved = Saved { centred, deviation, slope, rectified };
        Results { out, beside: vec![vector(mean), vector(variance)], saved }
    }

    /// With `dy` of the sum before the ReLU, means over all but channels, and `x` normalised as `x^`:
    /// `dx = slope (dy - mean(dy) - x^ mean(dy x^))`.
    fn gradients<B: Backend>(
        saved: Saved<B>,
        upstream: FloatTensor<B>,
        wanted: [bool; 4],
    ) -> [Option<FloatTensor<B>>; 4] {
        let Saved { centred, deviation, slope, rectified } = saved;
        let dy = match rectified {
            Some(out) => B::relu_backward(out, upstream),
            None => upstream,
        };
        if wanted[..3] == [false; 3] {
            return [None, None, None, wanted[3].then_some(dy)];
        }
        let (channels, numbers) = (dy.shape()[1], dy.shape().num_elements());
        let total = |mean| {
            let sum = B::float_mul_scalar(mean, Scalar::Float((numbers / channels) as f64));
            B::float_reshape(sum, Shape::new([channels]))
        };
        let of_dy = mean::<B>(dy.clone());
        let of_product =
            B::float_div(mean::<B>(B::float_mul(dy.clone(), centred.clone())), deviation.clone());
        let dx = wanted[0].then(|| {
            let along = B::float_mul(centred, B::float_div(of_product.clone(), deviation));
            B::float_mul(B::float_sub(B::float_sub(dy.clone(), of_dy.clone()), along), slope)
        });
        [dx, wanted[1].then(|| total(of_product)), wanted[2].then(|| total(of_dy)), wanted[3].then_some(dy)]
    }
}

/// The mean of every channel, `[1, channels, 1, 1]`.
fn mean<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let shape = x.shape();
    [0, 2, 3].into_iter().filter(|&axis| shape[axis] != 1).fold(x, B::float_mean_dim)
}
