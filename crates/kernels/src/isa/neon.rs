//! NEON: thirty-two registers of four numbers, taken in pairs.

use std::arch::aarch64::*;

use super::exp::{Powers, exp};
use super::{Isa, Operation};

/// Runs an operation with these instructions, which every 64-bit ARM has.
///
/// # Safety
/// None beyond what the operation asks.
#[target_feature(enable = "neon")]
pub unsafe fn enter<O: Operation<f32>>(operation: O) -> O::Output {
    operation.run::<Neon>()
}

/// Eight numbers in two registers.
#[derive(Clone, Copy)]
pub struct Neon;

type Pair = (float32x4_t, float32x4_t);

impl Isa for Neon {
    type S = f32;
    type V = Pair;
    const LANES: usize = 8;
    // Six rows of two pairs: 24 registers of sums, 4 of columns.
    const ROWS: usize = 6;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Pair {
        (vdupq_n_f32(x), vdupq_n_f32(x))
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Pair {
        (vld1q_f32(p), vld1q_f32(p.add(4)))
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> Pair {
        let mut all = [0.0f32; 8];
        std::ptr::copy_nonoverlapping(p, all.as_mut_ptr(), n.min(8));
        Self::load(all.as_ptr())
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Pair) {
        vst1q_f32(p, v.0);
        vst1q_f32(p.add(4), v.1);
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: Pair, n: usize) {
        let mut all = [0.0f32; 8];
        Self::store(all.as_mut_ptr(), v);
        std::ptr::copy_nonoverlapping(all.as_ptr(), p, n.min(8));
    }
    #[inline(always)]
    unsafe fn add(a: Pair, b: Pair) -> Pair {
        (vaddq_f32(a.0, b.0), vaddq_f32(a.1, b.1))
    }
    #[inline(always)]
    unsafe fn sub(a: Pair, b: Pair) -> Pair {
        (vsubq_f32(a.0, b.0), vsubq_f32(a.1, b.1))
    }
    #[inline(always)]
    unsafe fn mul(a: Pair, b: Pair) -> Pair {
        (vmulq_f32(a.0, b.0), vmulq_f32(a.1, b.1))
    }
    #[inline(always)]
    unsafe fn div(a: Pair, b: Pair) -> Pair {
        (vdivq_f32(a.0, b.0), vdivq_f32(a.1, b.1))
    }
    #[inline(always)]
    unsafe fn fma(a: Pair, b: Pair, c: Pair) -> Pair {
        (vfmaq_f32(c.0, a.0, b.0), vfmaq_f32(c.1, a.1, b.1))
    }
    #[inline(always)]
    unsafe fn fnma(a: Pair, b: Pair, c: Pair) -> Pair {
        (vfmsq_f32(c.0, a.0, b.0), vfmsq_f32(c.1, a.1, b.1))
    }
    #[inline(always)]
    unsafe fn max(a: Pair, b: Pair) -> Pair {
        let larger = |a, b| vbslq_f32(vcgtq_f32(a, b), a, b);
        (larger(a.0, b.0), larger(a.1, b.1))
    }
    #[inline(always)]
    unsafe fn where_positive(mask: Pair, v: Pair) -> Pair {
        let keep = |m, v| vbslq_f32(vcgtzq_f32(m), v, vdupq_n_f32(0.0));
        (keep(mask.0, v.0), keep(mask.1, v.1))
    }
    #[inline(always)]
    unsafe fn exp(v: Pair) -> Pair {
        exp::<Self>(v)
    }
}

impl Powers for Neon {
    #[inline(always)]
    unsafe fn round(v: Pair) -> Pair {
        (vrndnq_f32(v.0), vrndnq_f32(v.1))
    }
    #[inline(always)]
    unsafe fn times_power(v: Pair, n: Pair) -> Pair {
        // The bits of 2^n.
        let power =
            |n| vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127))));
        (vmulq_f32(v.0, power(n.0)), vmulq_f32(v.1, power(n.1)))
    }
}
