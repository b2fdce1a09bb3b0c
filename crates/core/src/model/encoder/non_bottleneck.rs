//! The factorised residual block of ERFNet (Romera et al., T-ITS 2018), as
//! ESANet uses it.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::engine;
use crate::layer::{BatchNorm, Conv2d, ForwardContext, Init, RectConv2d};

/// A residual block whose two 3x3 convolutions are each a 3x1 and a 1x3 one:
/// a third fewer weights, one more ReLU.
///
/// The convolutions have biases, batch norms an epsilon of 1e-3, the shortcut's
/// one 1e-5.
#[derive(Module, Debug)]
pub struct NonBottleneck1D {
    conv3x1_1: RectConv2d,
    conv1x3_1: RectConv2d,
    bn1: BatchNorm,
    conv3x1_2: RectConv2d,
    conv1x3_2: RectConv2d,
    bn2: BatchNorm,
    /// 1x1 convolution and batch norm where size or width changes.
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl NonBottleneck1D {
    /// From the first to the second number of channels; a stride of 2 halves the size, rounding up.
    pub fn new([from, to]: [usize; 2], stride: usize, init: &Init) -> Self {
        let short = init.part("downsample");
        let (tall, wide) = ([3, 1], [1, 3]);
        Self {
            conv3x1_1: RectConv2d::new([from, to], tall, [stride, 1], &init.part("conv3x1_1")),
            conv1x3_1: RectConv2d::new([to, to], wide, [1, stride], &init.part("conv1x3_1")),
            bn1: BatchNorm::new(to, &init.part("bn1")).with_epsilon(1e-3),
            conv3x1_2: RectConv2d::new([to, to], tall, [1, 1], &init.part("conv3x1_2")),
            conv1x3_2: RectConv2d::new([to, to], wide, [1, 1], &init.part("conv1x3_2")),
            bn2: BatchNorm::new(to, &init.part("bn2")).with_epsilon(1e-3),
            downsample: (stride != 1 || from != to).then(|| {
                (
                    Conv2d::new([from, to], 1, stride, 0, &short.part("0")),
                    BatchNorm::new(to, &short.part("1")),
                )
            }),
        }
    }

    /// # Shapes
    /// `[batch, from, h, w]` to `[batch, to, ceil(h / stride), ceil(w / stride)]`.
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext<'_>) -> Tensor<4> {
        let [x, beside] = engine::fork(x, self.bn1.arithmetic());
        let y = self.conv3x1_1.rectified(x);
        let y = self.bn1.rectified(self.conv1x3_1.forward(y), pass);
        let y = self.conv1x3_2.forward(self.conv3x1_2.rectified(y));
        let shortcut = match &self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(beside), pass),
            None => beside,
        };
        self.bn2.rectified_sum(y, shortcut, pass)
    }
}
