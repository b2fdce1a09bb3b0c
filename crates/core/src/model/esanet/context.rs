//! Pyramid pooling: what the whole picture says to every pixel.

use burn::module::Module;
use burn::tensor::{
    Tensor,
    module::{adaptive_avg_pool2d, interpolate},
    ops::{InterpolateMode, InterpolateOptions},
};

use crate::layer::{ConvNormRelu, ForwardContext, Init};
use crate::step::{Group, Groups};

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
    /// From and to `channels`, with branches of `channels / bins.len()`, so that
    /// together they have as many channels as the map itself (as in ESANet's code).
    pub fn new(channels: usize, bins: &[usize], init: &Init) -> Self {
        let width = channels / bins.len().max(1);
        let branch =
            |bins: &usize| ConvNormRelu::new([channels, width], 1, &init.part(format_args!("bin{bins}")));
        Self {
            branches: bins.iter().map(branch).collect(),
            out: ConvNormRelu::new([channels + bins.len() * width, channels], 1, &init.part("out")),
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
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let nearest = InterpolateOptions::new(InterpolateMode::Nearest).with_output_size([height, width]);
        let mut maps = vec![x.clone()];
        for (&bins, branch) in self.bins.iter().zip(&self.branches) {
            let pooled = adaptive_avg_pool2d(x.clone(), [bins, bins]); // [batch, channels, bins, bins]
            maps.push(interpolate(branch.forward(pooled, pass), nearest.clone())); // [batch, width, h, w]
        }
        self.out.forward(Tensor::cat(maps, 1), pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Shapes of the branches' and the last convolution's weights.
    fn shapes(channels: usize, bins: &[usize]) -> Vec<Vec<usize>> {
        let mut groups = Groups::default();
        Context::new(channels, bins, &Init::new(0, &Device::flex())).group(
            &mut groups,
            Group::Fusion,
            "context",
        );
        let weights = groups.parameters().iter().filter(|p| p.name.ends_with("conv.weight"));
        weights.map(|p| p.shape.clone()).collect()
    }

    /// `reduction_dim = in_dim // len(bins)`: 512 channels give 256 to each of two bins and 128 to each of four.
    #[test]
    fn branches_share_the_channels_of_the_map() {
        assert_eq!(shapes(64, &[1, 5]), [[32, 64, 1, 1], [32, 64, 1, 1], [64, 128, 1, 1]]);
        let four = shapes(64, &[1, 2, 3, 6]);
        assert_eq!(four[..4], vec![vec![16, 64, 1, 1]; 4]);
        assert_eq!(four[4], [64, 128, 1, 1]);
        // What does not divide is left over, as there.
        assert_eq!(shapes(8, &[1, 2, 3]), [[2, 8, 1, 1], [2, 8, 1, 1], [2, 8, 1, 1], [8, 14, 1, 1]]);
    }
}
