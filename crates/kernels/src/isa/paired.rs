//! Vectors of words of two bf16 each.

use std::marker::PhantomData;

use super::Isa;

/// The vectors of `I` whose factors are words of two bf16: a product adds both.
/// Sums are numbers, as everywhere; what else computes with words is meaningless.
#[derive(Clone, Copy)]
pub struct Paired<I>(PhantomData<I>);

macro_rules! as_before {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $out:ty)?;)*) => {
        $(
            #[inline(always)]
            unsafe fn $name($($argument: $type),*) $(-> $out)? {
                I::$name($($argument),*)
            }
        )*
    };
}

impl<I: Isa> Isa for Paired<I> {
    type S = I::S;
    type V = I::V;
    const LANES: usize = I::LANES;
    const ROWS: usize = I::ROWS;

    #[inline(always)]
    unsafe fn fma(a: I::V, b: I::V, c: I::V) -> I::V {
        I::pairs(a, b, c)
    }

    as_before! {
        splat(x: I::S) -> I::V;
        load(p: *const I::S) -> I::V;
        load_part(p: *const I::S, n: usize) -> I::V;
        store(p: *mut I::S, v: I::V);
        store_part(p: *mut I::S, v: I::V, n: usize);
        add(a: I::V, b: I::V) -> I::V;
        sub(a: I::V, b: I::V) -> I::V;
        mul(a: I::V, b: I::V) -> I::V;
        div(a: I::V, b: I::V) -> I::V;
        fnma(a: I::V, b: I::V, c: I::V) -> I::V;
        max(a: I::V, b: I::V) -> I::V;
        where_positive(mask: I::V, v: I::V) -> I::V;
        exp(v: I::V) -> I::V;
    }
}
