//! The exponential function of vectors of `f32`.

use super::Isa;

/// What is needed to take the power of two out of an exponential.
///
/// # Safety
/// As [`Isa`].
pub trait Powers: Isa<S = f32> {
    /// The nearest whole numbers.
    unsafe fn round(v: Self::V) -> Self::V;
    /// `v * 2^n` for whole `n` from -126 to 127.
    unsafe fn times_power(v: Self::V, n: Self::V) -> Self::V;
}

/// `e^v` by `2^n e^r` with `|r|` up to half the logarithm of two (Cody and Waite),
/// and Cephes' polynomial for `e^r`: errors of 1e-7. What would be below the
/// smallest normal number is that number.
#[inline(always)]
pub unsafe fn exp<I: Powers>(v: I::V) -> I::V {
    let of = |x: f32| I::splat(x);
    // In this order a number that is none stays what it is.
    let v = I::max(of(-87.3), v);
    let n = I::round(I::mul(v, of(std::f32::consts::LOG2_E)));
    let r = I::fnma(n, of(-2.121_944_4e-4), I::fnma(n, of(0.693_359_4), v));
    let mut p = of(1.987_569_1e-4);
    for c in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = I::fma(p, r, of(c));
    }
    let one_and_r = I::add(r, of(1.0));
    I::times_power(I::fma(I::mul(r, r), p, one_and_r), n)
}
