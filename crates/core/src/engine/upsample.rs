//! Maps made larger by nearest neighbours and a convolution of each channel.

use burn::tensor::{
    Tensor,
    module::{conv_transpose2d, conv2d, interpolate},
    ops::{ConvOptions, ConvTransposeOptions, InterpolateMode, InterpolateOptions},
};
use burn_flex::FlexTensor;
use counterpoint_kernels::{Kernels, Level, UpsampleShape, unwritten};

use super::extension::{Operator, Results, run};
use super::flex::{Kept, dims, maps, numbers, plain, side_by_side, there, vector};
use super::{Arithmetic, Precision, Products, applies, or_empty};
use crate::device::is_host;

/// Maps resized to the nearest pixel, then a 3x3 convolution of each channel with
/// zeros around and a bias, then the sum with `added`: `weight` is `[channels, 1,
/// 3, 3]`, `size` height and width of the result, whose pixel `i` comes from pixel
/// `floor(i h / size)`.
pub fn upsample(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    size: [usize; 2],
    added: Option<Tensor<4>>,
    how: Arithmetic,
) -> Tensor<4> {
    let Some(Products { precision, .. }) = applies(&x, how) else {
        let y = composed(x, weight, bias, size);
        return match added {
            Some(added) => y + added,
            None => y,
        };
    };
    let device = x.device();
    let added = or_empty(added, &device).into_dispatch();
    let tensors = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch(), added];
    Tensor::from_dispatch(run(Upsample { size, precision }, tensors).swap_remove(0))
}

fn composed(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, size: [usize; 2]) -> Tensor<4> {
    let [_, channels, height, width] = x.dims();
    // Elsewhere the gradient of its weights takes a loop over channels, and that of the convolution below one kernel.
    if size == [2 * height, 2 * width] && is_host(&x.device().without_autodiff()) {
        return doubled(x, weight, bias);
    }
    let larger = interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size));
    conv2d(larger, weight, Some(bias), ConvOptions::new([1, 1], [1, 1], [1, 1], channels))
}

/// The same for twice the size, as one transposed convolution of stride 2.
///
/// Doubled pixels `2i` and `2i + 1` are both `x[i]`, which the kernel `w`
/// spreads over four neighbours: `w_2`, `w_1 + w_2`, `w_0 + w_1`, `w_0` along
/// each axis. The maps that only copy are never made; on the CPU forward and backward
/// together take half the time.
fn doubled(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Tensor<4> {
    let channels = weight.dims()[0];
    let spread = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
    let spread = Tensor::<2>::from_data(spread, &x.device()).unsqueeze::<3>(); // [1, 4, 3]
    let kernel = weight.reshape([channels, 3, 3]);
    let kernel = spread.clone().matmul(kernel).matmul(spread.swap_dims(1, 2)); // [channels, 4, 4]
    let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], channels);
    conv_transpose2d(x, kernel.unsqueeze_dim(1), Some(bias), options)
}

/// Of input, weights, bias and what is added, to a height and width.
struct Upsample {
    size: [usize; 2],
    precision: Precision,
}

/// What the gradients need.
#[derive(Clone, Debug)]
struct Saved {
    x: Kept,
    weight: FlexTensor,
    shape: UpsampleShape,
}

impl Operator<4> for Upsample {
    type Saved = Saved;

    fn run(self, [x, weight, bias, added]: [FlexTensor; 4]) -> Results<Saved> {
        let [images, channels, height, width] = dims(&x);
        let shape = UpsampleShape { images, size: [height, width], to: self.size, channels };
        let (x, weight, added) = (side_by_side(x), weight.to_contiguous(), there(added).map(side_by_side));
        let mut y = unwritten(shape.output_len());
        let (values, more) = (numbers(&weight), added.as_ref().map(numbers));
        f32::upsample(Level::best(), &shape, numbers(&x), values, &vector(bias), more, &mut y);
        let y = maps(y, [images, channels, self.size[0], self.size[1]]);
        let x = Kept::new(self.precision, channels, x);
        Results::of((y, Saved { x, weight, shape }))
    }

    fn gradients(saved: Saved, upstream: FlexTensor, wanted: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let Saved { x, weight, shape } = saved;
        let UpsampleShape { images, size: [height, width], channels, .. } = shape;
        let dy = side_by_side(upstream);
        let mut dx = wanted[0].then(|| unwritten(shape.input_len()));
        let [dw, db] = match wanted {
            [false, false, false, _] => Default::default(),
            _ => {
                let (x, weight, dy) = (&*x.numbers(), numbers(&weight), numbers(&dy));
                f32::upsample_gradients(Level::best(), &shape, x, weight, dy, dx.as_deref_mut())
            }
        };
        [
            dx.map(|dx| maps(dx, [images, channels, height, width])),
            wanted[1].then(|| plain(dw, [channels, 1, 3, 3])),
            wanted[2].then(|| plain(db, [channels])),
            wanted[3].then(|| dy.permute(&[0, 3, 1, 2])),
        ]
    }
}
