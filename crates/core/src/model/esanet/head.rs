//! From maps to the scores of every pixel.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::layer::{Init, LearnedUpsample, RectConv2d};
use crate::step::{Group, Groups};

/// A side output for every decoder stage, which only training's loss reads, and
/// the output at full size.
#[derive(Module, Debug)]
pub struct PixelHead {
    /// Of decoder stages 0, 1, 2: at 1/32, 1/16 and 1/8.
    sides: Vec<RectConv2d>,
    conv: RectConv2d,
    upsample1: LearnedUpsample,
    upsample2: LearnedUpsample,
}

impl PixelHead {
    /// Scores of `classes` from maps of the decoder's widths.
    pub fn new(widths: &[usize], classes: usize, init: &Init) -> Self {
        let (side, out) = (|i: usize| init.part(format_args!("decoder.{i}.side")), init.part("out"));
        let last = widths[widths.len() - 1];
        Self {
            sides: widths
                .iter()
                .enumerate()
                .map(|(i, &w)| RectConv2d::unrectified([w, classes], [1, 1], &side(i)))
                .collect(),
            conv: RectConv2d::unrectified([last, classes], [3, 3], &out.part("conv")),
            upsample1: LearnedUpsample::new(classes, &out.part("upsample1")),
            upsample2: LearnedUpsample::new(classes, &out.part("upsample2")),
        }
    }

    /// Adds the parameters to a group under the names of ESANet's modules.
    pub(super) fn group(&self, groups: &mut Groups, group: Group, prefix: &str) {
        for (i, side) in self.sides.iter().enumerate() {
            groups.add(group, &format!("{prefix}.decoder.{i}.side"), side);
        }
        groups.add(group, &format!("{prefix}.out.conv"), &self.conv);
        groups.add(group, &format!("{prefix}.out.upsample1"), &self.upsample1);
        groups.add(group, &format!("{prefix}.out.upsample2"), &self.upsample2);
    }

    /// The side output of one decoder stage.
    ///
    /// # Shapes
    /// `[batch, width, h, w]` to `[batch, classes, h, w]`.
    pub fn side(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        self.sides[stage].forward(x)
    }

    /// Scores at the size of the input, from the decoder's last map at a quarter of it.
    ///
    /// # Shapes
    /// `[batch, width, ceil(h / 4), ceil(w / 4)]` to `[batch, classes, h, w]`.
    pub fn full(&self, x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
        let half = self.upsample1.forward(self.conv.forward(x), [height.div_ceil(2), width.div_ceil(2)]);
        self.upsample2.forward(half, [height, width])
    }
}
