//! One block of the CubeMLP.

use burn::module::Module;
use burn::tensor::{Tensor, activation::gelu};

use crate::layer::{Dropout, ForwardContext, Init, LayerNorm, Linear};

/// A perceptron along one axis: `dropout(fc2(gelu(fc1(norm x)))) + residual x`,
/// hidden and output equally wide; the residual is a linear layer without bias
/// also where sizes agree.
#[derive(Module, Debug)]
struct AxisMlp {
    norm: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    residual: Linear,
    dropout: Dropout,
}

impl AxisMlp {
    fn new([from, to]: [usize; 2], dropout: f64, init: &Init) -> Self {
        Self {
            norm: LayerNorm::new(from, 1e-6, &init.part("norm")),
            fc1: Linear::new(from, to, &init.part("fc1")),
            fc2: Linear::new(to, to, &init.part("fc2")),
            residual: Linear::without_bias(from, to, &init.part("residual")),
            dropout: Dropout::new(dropout, &init.part("dropout")),
        }
    }

    /// Along the given axis of a cube.
    fn forward(&self, x: Tensor<4>, axis: usize, pass: &ForwardContext<'_>) -> Tensor<4> {
        let x = x.swap_dims(axis, 3);
        let [a, b, c, from] = x.dims();
        let x = x.reshape([a * b * c, from]);
        let hidden = gelu(self.fc1.forward(self.norm.forward(x.clone())));
        let y = self.dropout.forward(self.fc2.forward(hidden), pass) + self.residual.forward(x);
        y.reshape([a, b, c, self.fc2.outputs()]).swap_dims(axis, 3)
    }
}

/// Perceptrons along length, modality and channel, in this order.
#[derive(Module, Debug)]
pub struct CubeBlock {
    length: AxisMlp,
    modality: AxisMlp,
    channel: AxisMlp,
}

impl CubeBlock {
    /// From a cube of the first sizes (length, modality, channel) to one of the
    /// second, with shares that are dropped after each perceptron.
    pub fn new(from: [usize; 3], to: [usize; 3], dropout: [f64; 3], init: &Init) -> Self {
        let axis = |i: usize, name: &str| AxisMlp::new([from[i], to[i]], dropout[i], &init.part(name));
        Self { length: axis(0, "length"), modality: axis(1, "modality"), channel: axis(2, "channel") }
    }

    /// # Shapes
    /// `[batch, length, modality, channel]` to the sizes of the block.
    pub fn forward(&self, x: Tensor<4>, pass: &ForwardContext<'_>) -> Tensor<4> {
        let axes = [&self.length, &self.modality, &self.channel];
        axes.into_iter().zip(1..).fold(x, |x, (mlp, axis)| mlp.forward(x, axis, pass))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{Group, Groups};
    use burn::tensor::Device;

    /// The first block of the released model, from 100-3-128 to 50-3-128. An
    /// axis of n to h: norm 2n, fc1 nh + h, fc2 hh + h, residual nh.
    #[test]
    fn a_block_of_the_released_model_has_the_closed_form_count() {
        let block = CubeBlock::new(
            [100, 3, 128],
            [50, 3, 128],
            [0.1; 3],
            &Init::new(0, &Device::flex()).part("fusion.0"),
        );
        let mut groups = Groups::default();
        groups.add(Group::Fusion, "fusion.0", &block);
        let axis = |n: usize, h: usize| 2 * n + (n * h + h) + (h * h + h) + n * h;
        let count = axis(100, 50) + axis(3, 3) + axis(128, 128);
        assert_eq!(count, 12_800 + 39 + 49_664);
        assert_eq!(groups.size(Group::Fusion), (21, count));
    }
}
