//! What a convolution goes over.

use super::Algorithm;

/// A convolution. Pairs are `[down, across]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Images of the batch.
    pub images: usize,
    /// Height and width of an input image.
    pub size: [usize; 2],
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Taps.
    pub kernel: [usize; 2],
    /// Pixels from one output to the next.
    pub stride: [usize; 2],
    /// Zeros around the image, on each side.
    pub padding: [usize; 2],
    /// Pixels from one tap to the next.
    pub dilation: [usize; 2],
}

impl ConvShape {
    /// A square kernel of stride 1 that keeps the size, where `kernel` is odd.
    pub fn same(images: usize, size: [usize; 2], [inputs, outputs]: [usize; 2], kernel: usize) -> Self {
        Self {
            images,
            size,
            inputs,
            outputs,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [kernel / 2; 2],
            dilation: [1; 2],
        }
    }

    /// The same with another stride.
    #[must_use]
    pub fn with_stride(self, stride: [usize; 2]) -> Self {
        Self { stride, ..self }
    }

    /// Height and width of an output image; 0 where the kernel does not fit.
    pub fn out_size(&self) -> [usize; 2] {
        [0, 1].map(|i| {
            let reach = (self.kernel[i] - 1) * self.dilation[i] + 1;
            (self.size[i] + 2 * self.padding[i]).checked_sub(reach).map_or(0, |d| d / self.stride[i] + 1)
        })
    }

    /// Taps of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Numbers of the input.
    pub fn input_len(&self) -> usize {
        self.images * self.size[0] * self.size[1] * self.inputs
    }

    /// Numbers of the output.
    pub fn output_len(&self) -> usize {
        let [height, width] = self.out_size();
        self.images * height * width * self.outputs
    }

    /// Numbers of the weights.
    pub fn weight_len(&self) -> usize {
        self.outputs * self.inputs * self.taps()
    }

    /// Multiplications and additions of a pass, counted as the sum is written.
    pub fn flops(&self) -> f64 {
        2.0 * (self.output_len() * self.inputs * self.taps()) as f64
    }

    pub(super) fn suits_winograd(&self, how: Algorithm) -> bool {
        how == Algorithm::Fast
            && self.kernel == [3, 3]
            && self.stride == [1, 1]
            && self.padding == [1, 1]
            && self.dilation == [1, 1]
            && self.inputs.min(self.outputs) >= 8
            && self.size[0].min(self.size[1]) >= 3
    }

    pub(super) fn check<S>(&self, x: &[S], w: &[S], y: &[S]) {
        self.check_lengths([x.len(), w.len(), y.len()]);
    }

    pub(super) fn check_lengths(&self, [x, w, y]: [usize; 3]) {
        assert_eq!(x, self.input_len(), "numbers of the input of {self:?}");
        assert_eq!(w, self.weight_len(), "numbers of the weights of {self:?}");
        assert_eq!(y, self.output_len(), "numbers of the output of {self:?}");
    }

    /// Whether the taps of a row are read as one: where an image has so few
    /// channels that a tap alone would be a few multiplications.
    pub(super) fn merges(&self) -> bool {
        self.inputs < 8 && self.dilation[1] == 1 && self.kernel[1] > 1
    }
}
