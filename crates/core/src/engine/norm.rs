//! Batch norm of few functions of Burn, for devices without kernels.
//!
//! A function is a pass over memory there, and without autotune each number of a sum's result is
//! one thread's work. So the first sum is over the batch, which leaves as many threads as a sample has
//! numbers, side by side in memory, and nothing is copied into another order.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Scalar, TensorMetadata};
use burn::tensor::{Shape, TensorData, read_sync};
use counterpoint_kernels::norm::Statistics;

use super::extension::{Composed, Results};
use super::operators::Norm;
use super::rounding::there;
use super::statistics::of_all_ranks;
use crate::peers::Among;

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
    /// The ranks whose rows the statistics are of, and how many pixels they have.
    among: Option<(Among, usize)>,
}

impl Composed<4> for Norm {
    type Saved<B: Backend> = Saved<B>;

    fn run<B: Backend>(self, [x, weight, bias, added]: [FloatTensor<B>; 4]) -> Results<Saved<B>, B> {
        let channels = x.shape()[1];
        let row = |t| B::float_reshape(t, Shape::new([1, channels, 1, 1]));
        let vector = |t| B::float_reshape(t, Shape::new([channels]));
        let mut mean = mean::<B>(x.clone());
        let mut centred = B::float_sub(x, mean.clone());
        let mut variance = self::mean::<B>(B::float_mul(centred.clone(), centred.clone()));
        let mut among = None;
        if let Some(ranks) = self.among {
            let own = Statistics { mean: read::<B>(mean.clone()), variance: read::<B>(variance) };
            let (pixels, all) = of_all_ranks(&ranks, (pixels::<B>(&centred), own));
            let of_all = row_like::<B>(all.mean, &mean);
            centred = B::float_add(centred, B::float_sub(mean, of_all.clone()));
            variance = row_like::<B>(all.variance, &of_all);
            mean = of_all;
            among = Some((ranks, pixels));
        }
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
        let saved = Saved { centred, deviation, slope, rectified, among };
        Results { out, beside: vec![vector(mean), vector(variance)], saved }
    }

    /// With `dy` of the sum before the ReLU, means over all but channels, and `x` normalised as `x^`:
    /// `dx = slope (dy - mean(dy) - x^ mean(dy x^))`.
    fn gradients<B: Backend>(
        saved: Saved<B>,
        upstream: FloatTensor<B>,
        wanted: [bool; 4],
    ) -> [Option<FloatTensor<B>>; 4] {
        let Saved { centred, deviation, slope, rectified, among } = saved;
        let dy = match rectified {
            Some(out) => B::relu_backward(out, upstream),
            None => upstream,
        };
        if wanted[..3] == [false; 3] {
            return [None, None, None, wanted[3].then_some(dy)];
        }
        let (channels, here) = (dy.shape()[1], pixels::<B>(&dy) as f64);
        let total = |mean| {
            let sum = B::float_mul_scalar(mean, Scalar::Float(here));
            B::float_reshape(sum, Shape::new([channels]))
        };
        let of_dy = mean::<B>(dy.clone());
        let of_product =
            B::float_div(mean::<B>(B::float_mul(dy.clone(), centred.clone())), deviation.clone());
        let [of_all, product_of_all] = match among {
            None => [of_dy.clone(), of_product.clone()],
            Some((ranks, pixels)) => {
                let own = [read::<B>(of_dy.clone()), read::<B>(of_product.clone())].concat();
                let share = here / pixels as f64;
                let own: Vec<f64> = own.into_iter().map(|mean| mean * share).collect();
                let mut of_all = ranks.sum(true, &own);
                let product = of_all.split_off(channels);
                [of_all, product].map(|means| row_like::<B>(means, &of_dy))
            }
        };
        let dx = wanted[0].then(|| {
            let along = B::float_mul(centred, B::float_div(product_of_all, deviation));
            B::float_mul(B::float_sub(B::float_sub(dy.clone(), of_all), along), slope)
        });
        [dx, wanted[1].then(|| total(of_product)), wanted[2].then(|| total(of_dy)), wanted[3].then_some(dy)]
    }
}

/// The mean of every channel, `[1, channels, 1, 1]`.
fn mean<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let shape = x.shape();
    [0, 2, 3].into_iter().filter(|&axis| shape[axis] != 1).fold(x, B::float_mean_dim)
}

/// Numbers of each channel.
fn pixels<B: Backend>(maps: &FloatTensor<B>) -> usize {
    maps.shape().num_elements() / maps.shape()[1]
}

/// Values on the host, for other ranks: on a GPU this waits for all work before.
fn read<B: Backend>(t: FloatTensor<B>) -> Vec<f64> {
    let data = read_sync(B::float_into_data(t)).expect("a device that computes can be read");
    data.convert::<f64>().try_into_vec().expect("just converted")
}

/// Values of channels, in the shape and format of a tensor, where it is.
fn row_like<B: Backend>(values: Vec<f64>, like: &FloatTensor<B>) -> FloatTensor<B> {
    let data = TensorData::new(values, like.shape()).convert_dtype(like.dtype());
    B::float_from_data(data, &like.device())
}
