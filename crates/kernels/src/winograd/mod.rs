//! Convolutions of 3x3 taps, stride 1 and padding 1 by Winograd's minimal
//! filtering F(4x4, 3x3) (Lavin and Gray, CVPR 2016): 36 products for a tile of
//! 4x4 outputs in place of 144.
//!
//! A tile of the input becomes 36 numbers per channel, `B^T d B`; so does every
//! kernel, `G g G^T`; outputs are `A^T m A` of their products, which are 36
//! matrix products over tiles and channels. The points are 0, 1, -1, 2, -2 and
//! infinity; rounding grows by 3 to 10 times, to about 1e-5 of the values.
//!
//! Numbers of tiles: `[36][channels / PANEL][tiles][PANEL]`. The 36 matrices
//! lie a little more than their size apart: with a power of two, all 36 streams
//! would share the same few places of the cache.

mod forward;
mod kernel;
mod tile;
mod weight;

pub(crate) use forward::convolve;
pub(crate) use weight::weight_gradient;

use crate::isa::{Layout, Real};

/// Numbers of a tile after its transformation.
const POINTS: usize = 36;

/// Numbers between the ends of two neighbouring matrices.
const GAP: usize = 48;

/// The tiles of maps `[images, height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub images: usize,
    pub height: usize,
    pub width: usize,
}

impl Grid {
    pub fn down(&self) -> usize {
        self.height.div_ceil(4)
    }

    pub fn across(&self) -> usize {
        self.width.div_ceil(4)
    }

    pub fn tiles(&self) -> usize {
        self.images * self.down() * self.across()
    }

    /// Image and first output row and column of a tile.
    #[inline(always)]
    pub fn tile(&self, number: usize) -> (usize, usize, usize) {
        let (image, rest) = (number / (self.down() * self.across()), number % (self.down() * self.across()));
        (image, rest / self.across() * 4, rest % self.across() * 4)
    }
}

/// Numbers of one of the 36 matrices of `tiles` tiles, with the gap after it.
fn matrix(tiles: usize, channels: usize, layout: Layout) -> usize {
    channels.div_ceil(layout.panel) * layout.panel * tiles + GAP
}

/// Numbers of one of the 36 matrices of kernels, with the gap after it.
fn kernel_matrix(inputs: usize, outputs: usize, layout: Layout) -> usize {
    inputs * crate::gemm::padded(outputs, layout.lanes) + GAP
}

/// Weights `[out, in, 3, 3]` as products read them: `K` rows that are summed
/// over, and columns.
#[derive(Clone, Copy)]
pub(crate) struct Kernels<'a, S> {
    pub weights: &'a [S],
    pub inputs: usize,
    pub outputs: usize,
    /// Rotated by half a turn, with inputs and outputs swapped: for the gradient of the input.
    pub turned: bool,
}

impl<S: Real> Kernels<'_, S> {
    fn rows(&self) -> usize {
        if self.turned { self.outputs } else { self.inputs }
    }

    fn columns(&self) -> usize {
        if self.turned { self.inputs } else { self.outputs }
    }
}
