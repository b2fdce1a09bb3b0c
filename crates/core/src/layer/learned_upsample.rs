//! Upsampling that starts as bilinear and learns.

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use super::Init;
use crate::engine::{self, Arithmetic};

/// Nearest-neighbour resize, then a 3x3 depth-wise convolution with bias whose
/// kernel starts as the bilinear one (ESANet, Seichter et al., ICRA 2021).
#[derive(Module, Debug)]
pub struct LearnedUpsample {
    /// `[channels, 1, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[channels]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    arithmetic: Arithmetic,
}

impl LearnedUpsample {
    /// Bilinear: the outer product of `[1 2 1] / 4` with itself, zero bias.
    pub fn new(channels: usize, init: &Init) -> Self {
        let kernel = [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0_f32].map(|v| v / 16.0);
        Self {
            weight: init.given("weight", [channels, 1, 3, 3], kernel.repeat(channels)),
            bias: init.constant("bias", [channels], 0.0),
            arithmetic: init.arithmetic(),
        }
    }

    /// # Shapes
    /// `[batch, channels, h, w]` to `[batch, channels, size[0], size[1]]`. A
    /// pixel of the result comes from pixel `floor(i h / size)`: where `size` is
    /// `2h` or, after a stride that rounded up, `2h - 1`, that is `i / 2`.
    pub fn forward(&self, x: Tensor<4>, size: [usize; 2]) -> Tensor<4> {
        engine::upsample(x, self.weight.val(), self.bias.val(), size, None, self.arithmetic)
    }

    /// The same to the size of `more`, and the sum with it.
    pub fn onto(&self, x: Tensor<4>, more: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = more.dims();
        let (weight, bias) = (self.weight.val(), self.bias.val());
        engine::upsample(x, weight, bias, [height, width], Some(more), self.arithmetic)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::engine::Convolution;
    use crate::host::host;

    /// Kernels and maps of two channels, two samples; nothing symmetric.
    fn layer_and_map(arithmetic: Arithmetic) -> (LearnedUpsample, Tensor<4>) {
        let init = Init::new(0, &Device::flex());
        let weight = (0..18).map(|i| (i as f32 * 1.7).sin()).collect();
        let layer = LearnedUpsample {
            weight: init.given("weight", [2, 1, 3, 3], weight),
            bias: init.given("bias", [2], vec![0.5, -1.0]),
            arithmetic,
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
        let both = [Convolution::Fast.into(), Convolution::Burn.into()];
        let sizes = [[6, 8], [5, 8], [6, 7], [5, 7]];
        for (how, size) in both.into_iter().flat_map(|how| sizes.map(|size| (how, size))) {
            let (layer, x) = layer_and_map(how);
            let got = host(layer.forward(x.clone(), size));
            let expected = by_hand(&layer, &x, size);
            assert_eq!(got.len(), expected.len());
            let worst = got.iter().zip(&expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "{how:?} {size:?}: {worst}");
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
