//! AVX-512: thirty-two registers of sixteen numbers.

use std::arch::x86_64::*;

use super::exp::{Powers, exp};
use super::{Isa, Operation, Paired};

/// Whether the processor has it.
pub fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
}

/// Runs an operation with these instructions.
///
/// # Safety
/// [`available`].
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
pub unsafe fn enter<O: Operation<f32>>(operation: O) -> O::Output {
    operation.run::<Avx512>()
}

/// Whether the processor has AVX512-BF16 beside it.
pub fn multiplies_pairs() -> bool {
    is_x86_feature_detected!("avx512bf16") && is_x86_feature_detected!("avx512bw")
}

/// Runs an operation on words of two bf16 each.
///
/// # Safety
/// [`available`] and [`multiplies_pairs`].
#[target_feature(enable = "avx512bf16,avx512bw,avx512f,avx512vl,avx512dq,avx2,fma")]
pub unsafe fn enter_pairs<O: Operation<f32>>(operation: O) -> O::Output {
    operation.run::<Paired<Avx512>>()
}

/// Sixteen numbers a register.
#[derive(Clone, Copy)]
pub struct Avx512;

#[inline(always)]
fn mask(n: usize) -> __mmask16 {
    ((1u32 << n.min(16)) - 1) as __mmask16
}

impl Isa for Avx512 {
    type S = f32;
    type V = __m512;
    const LANES: usize = 16;
    const ROWS: usize = 14;

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        _mm512_set1_ps(x)
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        _mm512_loadu_ps(p)
    }
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> __m512 {
        _mm512_maskz_loadu_ps(mask(n), p)
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        _mm512_storeu_ps(p, v)
    }
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, v: __m512, n: usize) {
        _mm512_mask_storeu_ps(p, mask(n), v)
    }
    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        _mm512_add_ps(a, b)
    }
    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        _mm512_sub_ps(a, b)
    }
    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        _mm512_mul_ps(a, b)
    }
    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        _mm512_div_ps(a, b)
    }
    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        _mm512_fmadd_ps(a, b, c)
    }
    #[inline(always)]
    unsafe fn fnma(a: __m512, b: __m512, c: __m512) -> __m512 {
        _mm512_fnmadd_ps(a, b, c)
    }
    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        _mm512_max_ps(a, b)
    }
    #[inline(always)]
    unsafe fn where_positive(mask: __m512, v: __m512) -> __m512 {
        _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(mask, _mm512_setzero_ps()), v)
    }
    #[inline(always)]
    unsafe fn exp(v: __m512) -> __m512 {
        exp::<Self>(v)
    }
    #[inline(always)]
    unsafe fn pairs(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: any bits are words of two bf16.
        let [a, b] = [a, b].map(|v| std::mem::transmute::<__m512, __m512bh>(v));
        _mm512_dpbf16_ps(c, a, b)
    }
}

impl Powers for Avx512 {
    #[inline(always)]
    unsafe fn round(v: __m512) -> __m512 {
        _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v)
    }
    #[inline(always)]
    unsafe fn times_power(v: __m512, n: __m512) -> __m512 {
        _mm512_scalef_ps(v, n)
    }
}
