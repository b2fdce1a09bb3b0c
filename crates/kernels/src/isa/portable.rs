//! Eight numbers in an array, for any processor: what the compiler makes of them.

use std::marker::PhantomData;

use super::Isa;

/// Plain arrays of `f32` or `f64`.
#[derive(Clone, Copy)]
pub struct Portable<S>(PhantomData<S>);

const LANES: usize = 8;

macro_rules! lanes {
    ($i:ident => $value:expr) => {{
        let mut out = [Default::default(); LANES];
        for $i in 0..LANES {
            out[$i] = $value;
        }
        out
    }};
}

macro_rules! portable {
    ($number:ty) => {
        impl Isa for Portable<$number> {
            type S = $number;
            type V = [$number; LANES];
            const LANES: usize = LANES;
            const ROWS: usize = 6;

            #[inline(always)]
            unsafe fn splat(x: $number) -> Self::V {
                [x; LANES]
            }
            #[inline(always)]
            unsafe fn load(p: *const $number) -> Self::V {
                p.cast::<Self::V>().read_unaligned()
            }
            #[inline(always)]
            unsafe fn load_part(p: *const $number, n: usize) -> Self::V {
                lanes!(i => if i < n { *p.add(i) } else { 0.0 })
            }
            #[inline(always)]
            unsafe fn store(p: *mut $number, v: Self::V) {
                p.cast::<Self::V>().write_unaligned(v)
            }
            #[inline(always)]
            unsafe fn store_part(p: *mut $number, v: Self::V, n: usize) {
                for (i, v) in v.into_iter().enumerate().take(n) {
                    *p.add(i) = v;
                }
            }
            #[inline(always)]
            unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
                lanes!(i => a[i] + b[i])
            }
            #[inline(always)]
            unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
                lanes!(i => a[i] - b[i])
            }
            #[inline(always)]
            unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
                lanes!(i => a[i] * b[i])
            }
            #[inline(always)]
            unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
                lanes!(i => a[i] / b[i])
            }
            #[inline(always)]
            unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                lanes!(i => a[i] * b[i] + c[i])
            }
            #[inline(always)]
            unsafe fn fnma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                lanes!(i => c[i] - a[i] * b[i])
            }
            #[inline(always)]
            unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
                lanes!(i => if a[i] > b[i] { a[i] } else { b[i] })
            }
            #[inline(always)]
            unsafe fn where_positive(mask: Self::V, v: Self::V) -> Self::V {
                lanes!(i => if mask[i] > 0.0 { v[i] } else { 0.0 })
            }
            #[inline(always)]
            unsafe fn exp(v: Self::V) -> Self::V {
                lanes!(i => v[i].exp())
            }
        }
    };
}

portable!(f32);
portable!(f64);
