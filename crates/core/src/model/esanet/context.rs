//! Pyramid pooling: what the whole picture says to every pixel.

use burn::module::Module;
use burn::tensor::{
    Tensor,
    module::{adaptive_avg_pool2d, interpolate},
    ops::{InterpolateMode, InterpolateOptions},
};

use crate::grad::{Group, Groups};
use crate::layer::{ConvNormRelu, Init, Pass};

/// Means over grids of a few bins, each through a 1x1 convolution and back to
/// full size, beside the map itself (PSPNet, Zhao et al., CVPR 2017; ESANet's
/// bins are 1 and 5).
#[derive(Module, Debug)]
pub struct Context {
    branches: Vec<ConvNormRelu>,
    out: ConvNormRelu,
    #[module(skip)]
    bins: Vec<usize>,
}

impl Context {
    /// From and to `channels`, with branches of half as many.
    pub fn new(channels: usize, bins: &[usize], init: &Init) -> Self {
        let half = channels / 2;
        let branch =
            |bins: &usize| ConvNormRelu::new([channels, half], 1, &init.part(format_args!("bin{bins}")));
        Self {
            branches: bins.iter().map(branch).collect(),
            out: ConvNormRelu::new([channels + bins.len() * half, channels], 1, &init.part("out")),
            bins: bins.to_vec(),
        }
    }

    /// Adds the parameters to a group, branches named after their bins.
    pub(super) fn group(&self, groups: &mut Groups, group: Group, prefix: &str) {
        for (bins, branch) in self.bins.iter().zip(&self.branches) {
            groups.add(group, &format!("{prefix}.bin{bins}"), branch);
        }
        groups.add(group, &format!("{prefix}.out"), &self.out);
    }

    /// # Shapes
    /// `[batch, channels, h, w]` to the same.
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let nearest = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]);
        let mut maps = vec![x.clone()];
        for (&bins, branch) in self.bins.iter().zip(&self.branches) {
            let pooled = adaptive_avg_pool2d(x.clone(), [bins, bins]); // [batch, channels, bins, bins]
            maps.push(interpolate(branch.forward(pooled, pass), nearest.clone())); // [batch, channels / 2, h, w]
        }
        self.out.forward(Tensor::cat(maps, 1), pass)
    }
}
