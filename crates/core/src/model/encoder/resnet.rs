//! ResNet-18 trunk (He et al., CVPR 2016) as audio-visual papers use it.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu, module::max_pool2d, ops::MaxPoolOptions};

use super::{Encoder, Stages, Stream};
use crate::input::Input;
use crate::layer::{BatchNorm, Conv2d, Init, Pass};

/// Convolution 7x7 of stride 2, batch norm, ReLU, max-pool 3x3 of stride 2,
/// then four stages of two basic blocks and the mean over space and time.
///
/// Trained from scratch, a one-channel stem for spectrograms, frames folded
/// into the batch. Parameters: 11,176,512 with three input channels,
/// 11,170,240 with one. Names are torchvision's.
#[derive(Module, Debug)]
pub struct ResNet18 {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
    width: usize,
}

impl ResNet18 {
    /// A trunk for so many input channels; `width` is that of the first stage
    /// (64), `stem` the size of the first kernel (7, odd).
    pub fn new(channels: usize, width: usize, stem: usize, init: &Init) -> Self {
        let stage = |number: usize| {
            let to = width << (number - 1);
            let (from, stride) = if number == 1 { (width, 1) } else { (to / 2, 2) };
            let init = init.part(format_args!("layer{number}"));
            vec![
                BasicBlock::new([from, to], stride, &init.part("0")),
                BasicBlock::new([to, to], 1, &init.part("1")),
            ]
        };
        Self {
            conv1: Conv2d::new([channels, width], stem, 2, stem / 2, &init.part("conv1")),
            bn1: BatchNorm::new(width, &init.part("bn1")),
            layer1: stage(1),
            layer2: stage(2),
            layer3: stage(3),
            layer4: stage(4),
            width,
        }
    }

    fn blocks(&self, number: usize) -> &Vec<BasicBlock> {
        [&self.layer1, &self.layer2, &self.layer3, &self.layer4][number - 1]
    }
}

impl Encoder for ResNet18 {
    fn forward(&self, input: &Input, pass: &mut Pass<'_>) -> Tensor<2> {
        self.through(input, pass)
    }

    fn width(&self) -> usize {
        self.channels(self.stages())
    }
}

/// Four stages behind the stem with its pooling.
impl Stages for ResNet18 {
    fn enter(&self, input: &Input, pass: &mut Pass<'_>) -> Stream {
        let Stream { maps, frames } = Stream::of(input);
        let maps = relu(self.bn1.forward(self.conv1.forward(maps), pass)); // [b, 64, h/2, w/2]
        let pool = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
        Stream { maps: max_pool2d(maps, pool), frames } // [b, 64, h/4, w/4]
    }

    fn stage(&self, number: usize, maps: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        self.blocks(number).iter().fold(maps, |maps, block| block.forward(maps, pass))
    }

    fn stages(&self) -> usize {
        (1..=4).take_while(|&number| !self.blocks(number).is_empty()).count()
    }

    fn channels(&self, number: usize) -> usize {
        self.width << (number - 1)
    }

    fn truncated(mut self, number: usize) -> Self {
        let stages = [&mut self.layer1, &mut self.layer2, &mut self.layer3, &mut self.layer4];
        stages.into_iter().skip(number).for_each(Vec::clear);
        self
    }
}

/// Two 3x3 convolutions and a shortcut.
#[derive(Module, Debug)]
pub struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    /// 1x1 convolution and batch norm where size or width changes.
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl BasicBlock {
    /// From and to so many channels; a stride of 2 halves the size, rounding up.
    pub fn new([from, to]: [usize; 2], stride: usize, init: &Init) -> Self {
        let short = init.part("downsample");
        Self {
            conv1: Conv2d::new([from, to], 3, stride, 1, &init.part("conv1")),
            bn1: BatchNorm::new(to, &init.part("bn1")),
            conv2: Conv2d::new([to, to], 3, 1, 1, &init.part("conv2")),
            bn2: BatchNorm::new(to, &init.part("bn2")),
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
    pub fn forward(&self, x: Tensor<4>, pass: &mut Pass<'_>) -> Tensor<4> {
        let y = relu(self.bn1.forward(self.conv1.forward(x.clone()), pass));
        let y = self.bn2.forward(self.conv2.forward(y), pass);
        let shortcut = match &self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(x), pass),
            None => x,
        };
        relu(y + shortcut)
    }
}
