//! Kernels to 36 numbers and back.

use super::Kernels;
use super::tile::{kernel6, weight3};
use crate::gemm::panel_width;
use crate::isa::{Isa, Operation, Real};

/// Rows of weights that are brought into order at once.
const ROWS: usize = 8;

/// `G g G^T` of the kernels of one column panel.
pub struct TransformKernels<'a, S> {
    pub kernels: Kernels<'a, S>,
    /// The first column.
    pub column: usize,
    /// Row 0 of this panel in the first of the 36 matrices.
    pub to: *mut S,
    /// Numbers from one of the 36 matrices to the next.
    pub stride: usize,
}

impl<S: Real> Operation<S> for TransformKernels<'_, S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { kernels, column, to, stride } = self;
        let (rows, columns) = (kernels.rows(), kernels.columns());
        let width = panel_width(columns, column, I::LANES);
        let valid = width.min(columns - column);
        let per_output = kernels.inputs * 9;
        let (per_row, per_column) = if kernels.turned { (per_output, 9) } else { (9, per_output) };
        let mut ordered = [S::default(); 9 * ROWS * 32];
        for first in (0..rows).step_by(ROWS) {
            let here = ROWS.min(rows - first);
            for lane in 0..valid {
                for r in 0..here {
                    let at = (first + r) * per_row + (column + lane) * per_column;
                    for tap in 0..9 {
                        let from = if kernels.turned { 8 - tap } else { tap };
                        // SAFETY: `at + 9` numbers at most are the weights' own.
                        ordered[(tap * ROWS + r) * width + lane] = *kernels.weights.get_unchecked(at + from);
                    }
                }
            }
            for r in 0..here {
                for v in 0..width / I::LANES {
                    let mut half = [[I::zero(); 3]; 6];
                    for b in 0..3 {
                        let mut g = [I::zero(); 3];
                        for a in 0..3 {
                            let at = ((a * 3 + b) * ROWS + r) * width + v * I::LANES;
                            g[a] = I::load(ordered.as_ptr().add(at));
                        }
                        let g = kernel6::<I>(g);
                        for a in 0..6 {
                            half[a][b] = g[a];
                        }
                    }
                    let to = to.add((first + r) * width + v * I::LANES);
                    for a in 0..6 {
                        let g = kernel6::<I>(half[a]);
                        for b in 0..6 {
                            I::store(to.add((a * 6 + b) * stride), g[b]);
                        }
                    }
                }
            }
        }
    }
}

/// `G^T u G` of the gradients `[inputs][36][PANEL]` of one column panel, into
/// weights `[out, in, 3, 3]`.
pub struct TransformGradients<S> {
    pub inputs: usize,
    pub outputs: usize,
    pub column: usize,
    pub from: *const S,
    /// The gradients of the weights.
    pub to: *mut S,
}

impl<S: Real> Operation<S> for TransformGradients<S> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<I: Isa<S = S>>(self) {
        let Self { inputs, outputs, column, from, to } = self;
        let valid = I::PANEL.min(outputs - column);
        let mut ordered = [S::default(); 9 * 32];
        for input in 0..inputs {
            for v in 0..valid.div_ceil(I::LANES) {
                let from = from.add(input * 36 * I::PANEL + v * I::LANES);
                let mut half = [[I::zero(); 6]; 3];
                for b in 0..6 {
                    let mut u = [I::zero(); 6];
                    for a in 0..6 {
                        u[a] = I::load(from.add((a * 6 + b) * I::PANEL));
                    }
                    let u = weight3::<I>(u);
                    for a in 0..3 {
                        half[a][b] = u[a];
                    }
                }
                for a in 0..3 {
                    let u = weight3::<I>(half[a]);
                    for b in 0..3 {
                        I::store(ordered.as_mut_ptr().add((a * 3 + b) * I::PANEL + v * I::LANES), u[b]);
                    }
                }
            }
            for lane in 0..valid {
                let to = to.add(((column + lane) * inputs + input) * 9);
                for tap in 0..9 {
                    *to.add(tap) = ordered[tap * I::PANEL + lane];
                }
            }
        }
    }
}
