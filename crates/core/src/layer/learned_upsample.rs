//! Upsampling that starts as bilinear and learns.

use burn::module::{Module, Param};
use burn::tensor::{
    Tensor,
    module::{conv_transpose2d, conv2d, interpolate},
    ops::{ConvOptions, ConvTransposeOptions, InterpolateMode, InterpolateOptions},
};

use super::Init;

/// Nearest-neighbour resize, then a 3x3 depth-wise convolution with bias whose
/// kernel starts as the bilinear one (ESANet, Seichter et al., ICRA 2021).
#[derive(Module, Debug)]
pub struct LearnedUpsample {
    /// `[channels, 1, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[channels]`.
    pub bias: Param<Tensor<1>>,
}

impl LearnedUpsample {
    /// Bilinear: the outer product of `[1 2 1] / 4` with itself, zero bias.
    pub fn new(channels: usize, init: &Init) -> Self {
        let kernel = [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0_f32].map(|v| v / 16.0);
        Self {
            weight: init.given("weight", [channels, 1, 3, 3], kernel.repeat(channels)),
            bias: init.constant("bias", [channels], 0.0),
        }
    }

    /// # Shapes
    /// `[batch, channels, h, w]` to `[batch, channels, size[0], size[1]]`. A
    /// pixel of the result comes from pixel `floor(i h / size)`: where `size` is
    /// `2h` or, after a stride that rounded up, `2h - 1`, that is `i / 2`.
    pub fn forward(&self, x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        let [_, channels, height, width] = x.dims();
        if size == [2 * height, 2 * width] {
            return self.doubled(x);
        }
        let larger = interpolate(x, InterpolateOptions::new(InterpolateMode::Nearest).with_output_size(size));
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], channels);
        conv2d(larger, self.weight.val(), Some(self.bias.val()), options)
    }

    /// The same for twice the size, as one transposed convolution of stride 2.
    ///
    /// Doubled pixels `2i` and `2i + 1` are both `x[i]`, which the kernel `w`
    /// spreads over four neighbours: `w_2`, `w_1 + w_2`, `w_0 + w_1`, `w_0` along
    /// each axis. The maps that only copy are never made; forward and backward
    /// together take half the time.
    fn doubled(&self, x: Tensor<4>) -> Tensor<4> {
        let channels = self.weight.dims()[0];
        let spread = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
        let spread = Tensor::<2>::from_data(spread, &x.device()).unsqueeze::<3>(); // [1, 4, 3]
        let kernel = self.weight.val().reshape([channels, 3, 3]);
        let kernel = spread.clone().matmul(kernel).matmul(spread.swap_dims(1, 2)); // [channels, 4, 4]
        let options = ConvTransposeOptions::new([2, 2], [1, 1], [0, 0], [1, 1], channels);
        conv_transpose2d(x, kernel.unsqueeze_dim(1), Some(self.bias.val()), options)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::host::host;

    /// Kernels and maps of two channels, two samples; nothing symmetric.
    fn layer_and_map() -> (LearnedUpsample, Tensor<4>) {
        let init = Init::new(0, &Device::flex());
        let weight = (0..18).map(|i| (i as f32 * 1.7).sin()).collect();
        let layer = LearnedUpsample {
            weight: init.given("weight", [2, 1, 3, 3], weight),
            bias: init.given("bias", [2], vec![0.5, -1.0]),
        };
        let values: Vec<f32> = (0..48).map(|i| (i as f32 * 0.9).cos()).collect();
        (layer, Tensor::from_data(TensorData::new(values, [2, 2, 3, 4]), &Device::flex().autodiff()))
    }

    /// The definition, pixel by pixel.
    fn by_hand(layer: &LearnedUpsample, x: &Tensor<4>, [height, width]: [usize; 2]) -> Vec<f32> {
        let (w, b, x) = (host(layer.weight.val()), host(layer.bias.val()), host(x.clone()));
        let pixel = |plane: usize, i: i64, j: i64| {
            let inside = (0..height as i64).contains(&i) && (0..width as i64).contains(&j);
            if inside { x[plane * 12 + (i / 2 * 4 + j / 2) as usize] } else { 0.0 }
        };
        let mut result = Vec::new();
        for plane in 0..4 {
            for (i, j) in (0..height as i64).flat_map(|i| (0..width as i64).map(move |j| (i, j))) {
                let mut sum = b[plane % 2];
                for (k, l) in (0..3).flat_map(|k| (0..3).map(move |l| (k, l))) {
                    sum += w[plane % 2 * 9 + (3 * k + l) as usize] * pixel(plane, i + k - 1, j + l - 1);
                }
                result.push(sum);
            }
        }
        result
    }

    #[test]
    fn doubling_and_doubling_less_one_follow_the_definition() {
        let (layer, x) = layer_and_map();
        for size in [[6, 8], [5, 8], [6, 7], [5, 7]] {
            let got = host(layer.forward(x.clone(), size));
            let expected = by_hand(&layer, &x, size);
            assert_eq!(got.len(), expected.len());
            let worst = got.iter().zip(&expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{size:?}: {worst}");
            let wrong = by_hand(&layer, &(x.clone() * 1.01), size);
            assert!(got.iter().zip(&wrong).any(|(g, e)| (g - e).abs() > 1e-3));
        }
    }

    #[test]
    fn a_fresh_layer_keeps_a_constant_inside() {
        let layer = LearnedUpsample::new(1, &Init::new(0, &Device::flex()));
        let x = Tensor::full([1, 1, 3, 3], 2.0, &Device::flex().autodiff());
        let values = host(layer.forward(x, [6, 6]));
        assert!((values[14] - 2.0).abs() < 1e-6);
        assert!(values[0] < 1.9, "zeros lie around the border");
    }
}
