//! What the kernels ask of a processor: vectors, and a few operations on them.
//!
//! Every kernel is written once, generic over [`Isa`], and always inlined into
//! [`Real::run`], whose one function per instruction set turns that set on. So one
//! binary holds all of them, and the processor chooses when the program runs.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod exp;
#[cfg(target_arch = "aarch64")]
mod neon;
mod paired;
mod portable;

use std::sync::OnceLock;

use paired::Paired;
pub use portable::Portable;

/// Numbers of the longest vector that there is.
pub(crate) const MOST_LANES: usize = 16;

/// Rows of the largest register tile of any set.
pub(crate) const MOST_ROWS: usize = 14;

/// A number that the kernels compute with: `f32`, or `f64` as the tests' reference.
pub trait Real: Copy + Default + PartialEq + Send + Sync + 'static {
    /// The nearest number.
    fn of(value: f64) -> Self;
    /// The same number in double precision.
    fn wide(self) -> f64;
    /// Whether `a` is larger, or not a number.
    fn above(a: Self, b: Self) -> bool;
    /// The sum of two numbers.
    fn plus(a: Self, b: Self) -> Self;
    /// The product of two numbers.
    fn times(a: Self, b: Self) -> Self;
    /// Runs an operation with the best instructions that there are for this number.
    fn run<O: Operation<Self>>(level: Level, operation: O) -> O::Output;
    /// The same where the factors of [`Isa::fma`] are words of two bf16 each.
    fn run_pairs<O: Operation<Self>>(level: Level, operation: O) -> O::Output;
    /// The numbers of a word.
    fn apart(self) -> [Self; 2];
    /// Two words of neighbours to words of what stands at the same place.
    fn zip(a: Self, b: Self) -> [Self; 2];
}

/// What both numbers have, and what is each one's own.
macro_rules! real {
    ($number:ty, $($own:item),*) => {
        impl Real for $number {
            #[inline(always)]
            fn above(a: Self, b: Self) -> bool {
                (a > b) | a.is_nan()
            }

            #[inline(always)]
            fn plus(a: Self, b: Self) -> Self {
                a + b
            }

            #[inline(always)]
            fn times(a: Self, b: Self) -> Self {
                a * b
            }

            #[inline(always)]
            fn of(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                self.into()
            }

            $($own)*
        }
    };
}

real!(
    f32,
    fn run<O: Operation<Self>>(level: Level, operation: O) -> O::Output {
        match level {
            // SAFETY: a level is made by `Level::available` only, which asked the processor.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::enter(operation) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::enter(operation) },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Level::Neon => unsafe { neon::enter(operation) },
            // SAFETY: the portable vectors ask nothing of the processor.
            Level::Portable => unsafe { operation.run::<Portable<f32>>() },
        }
    },
    fn run_pairs<O: Operation<Self>>(level: Level, operation: O) -> O::Output {
        assert!(level.multiplies_pairs(), "products of pairs on {}", level.name());
        match level {
            // SAFETY: the level multiplies pairs, for which the processor was asked.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::enter_pairs(operation) },
            // SAFETY: the portable vectors ask nothing of the processor.
            _ => unsafe { operation.run::<Paired<Portable<f32>>>() },
        }
    },
    #[inline(always)]
    fn apart(self) -> [Self; 2] {
        let bits = self.to_bits();
        [bits << 16, bits & 0xffff_0000].map(Self::from_bits)
    },
    #[inline(always)]
    fn zip(a: Self, b: Self) -> [Self; 2] {
        let (a, b) = (a.to_bits(), b.to_bits());
        [a & 0xffff | b << 16, a >> 16 | b & 0xffff_0000].map(Self::from_bits)
    }
);

real!(
    f64,
    fn run<O: Operation<Self>>(_level: Level, operation: O) -> O::Output {
        // SAFETY: the portable vectors ask nothing of the processor.
        unsafe { operation.run::<Portable<f64>>() }
    },
    fn run_pairs<O: Operation<Self>>(_level: Level, _operation: O) -> O::Output {
        unreachable!("{NO_PAIRS}")
    },
    fn apart(self) -> [Self; 2] {
        unreachable!("{NO_PAIRS}")
    },
    fn zip(_: Self, _: Self) -> [Self; 2] {
        unreachable!("{NO_PAIRS}")
    }
);

const NO_PAIRS: &str = "words of two bf16 are as wide as an f32";

/// A piece of work that is written for any instruction set.
pub trait Operation<S: Real> {
    /// What it leaves.
    type Output;

    /// Does the work. Implementations are `#[inline(always)]`: only so are they
    /// compiled with the instructions of `I`.
    ///
    /// # Safety
    /// The processor has the instructions of `I`, and the pointers of the
    /// operation hold what its type says.
    unsafe fn run<I: Isa<S = S>>(self) -> Self::Output;
}

/// The vectors of an instruction set.
///
/// # Safety
/// All functions need the instructions of the set; those with pointers read or
/// write [`LANES`](Isa::LANES) numbers there, or as many as they are told.
#[allow(missing_docs)]
pub trait Isa: Copy + 'static {
    type S: Real;
    type V: Copy;
    /// Numbers of a vector.
    const LANES: usize;
    /// Numbers of a column panel: two vectors.
    const PANEL: usize = 2 * Self::LANES;
    /// Rows of the largest register tile; each holds two vectors of sums.
    const ROWS: usize;

    unsafe fn splat(x: Self::S) -> Self::V;
    unsafe fn load(p: *const Self::S) -> Self::V;
    /// The first `n` numbers, then zeros; the rest is not touched.
    unsafe fn load_part(p: *const Self::S, n: usize) -> Self::V;
    unsafe fn store(p: *mut Self::S, v: Self::V);
    unsafe fn store_part(p: *mut Self::S, v: Self::V, n: usize);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`.
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a * b`.
    unsafe fn fnma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of two numbers, `b` where `a` is not a number.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `v` where `mask` is above zero, else zero.
    unsafe fn where_positive(mask: Self::V, v: Self::V) -> Self::V;
    /// `e^v` for numbers up to 88.
    unsafe fn exp(v: Self::V) -> Self::V;
    /// `c` and both products of the words `a` and `b`.
    #[inline(always)]
    unsafe fn pairs(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        let mut lanes = [[Self::S::default(); MOST_LANES]; 3];
        for (lanes, v) in lanes.iter_mut().zip([a, b, c]) {
            Self::store(lanes.as_mut_ptr(), v);
        }
        let [a, b, mut c] = lanes;
        for i in 0..Self::LANES {
            let ([a0, a1], [b0, b1]) = (a[i].apart(), b[i].apart());
            let products = Self::S::plus(Self::S::times(a0, b0), Self::S::times(a1, b1));
            c[i] = Self::S::plus(c[i], products);
        }
        Self::load(c.as_ptr())
    }
    #[inline(always)]
    unsafe fn zero() -> Self::V {
        Self::splat(Self::S::default())
    }
    /// A whole vector, or its first `n` numbers where fewer are left.
    #[inline(always)]
    unsafe fn take(p: *const Self::S, n: usize) -> Self::V {
        if n >= Self::LANES { Self::load(p) } else { Self::load_part(p, n) }
    }
    /// A whole vector, or the numbers that are left and `fill` in place of the others.
    #[inline(always)]
    unsafe fn take_or(p: *const Self::S, n: usize, fill: Self::S) -> Self::V {
        if n >= Self::LANES {
            return Self::load(p);
        }
        let mut lanes = [fill; MOST_LANES];
        Self::store_part(lanes.as_mut_ptr(), Self::load_part(p, n), n);
        Self::load(lanes.as_ptr())
    }
    /// All numbers of a vector from the first to the last, joined by `f`.
    #[inline(always)]
    unsafe fn fold(v: Self::V, f: impl Fn(Self::S, Self::S) -> Self::S) -> Self::S {
        let mut lanes = [Self::S::default(); MOST_LANES];
        Self::store(lanes.as_mut_ptr(), v);
        let mut width = Self::LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] = f(lanes[i], lanes[i + width]);
            }
        }
        lanes[0]
    }
    /// Stores a whole vector, or its first `n` numbers where fewer are wanted.
    #[inline(always)]
    unsafe fn put(p: *mut Self::S, v: Self::V, n: usize) {
        if n >= Self::LANES {
            Self::store(p, v);
        } else {
            Self::store_part(p, v, n);
        }
    }
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "aarch64")]
    Neon,
    Portable,
}

impl Level {
    /// The best set of this processor, or the one of [`Level::chosen`].
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::chosen().ok().flatten().unwrap_or(Self::available()[0]))
    }

    /// The set that `COUNTERPOINT_ISA` names, if it is there.
    ///
    /// # Errors
    /// If this processor has no set of that name; the message says which it has.
    pub fn chosen() -> Result<Option<Self>, String> {
        let Ok(name) = std::env::var("COUNTERPOINT_ISA") else { return Ok(None) };
        let available = Self::available();
        let found = available.iter().copied().find(|level| level.name() == name);
        let names = || available.iter().map(|level| level.name()).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| {
            format!("COUNTERPOINT_ISA = {name}: expected instructions that this processor has: {}", names())
        })
    }

    /// All sets of this processor, the best first.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        if !cfg!(miri) {
            #[cfg(target_arch = "x86_64")]
            {
                if avx512::available() {
                    all.push(Self::Avx512);
                }
                if avx2::available() {
                    all.push(Self::Avx2);
                }
            }
            #[cfg(target_arch = "aarch64")]
            all.push(Self::Neon);
        }
        all.push(Self::Portable);
        all
    }

    /// Whether products of bf16 are computed two at a time; the portable instance does, as
    /// the reference of tests.
    pub fn multiplies_pairs(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::multiplies_pairs(),
            Self::Portable => true,
            #[allow(unreachable_patterns, reason = "there are others on x86-64 and aarch64 only")]
            _ => false,
        }
    }

    /// The same with vectors of 256 bits: wider ones are slower where loads are what takes the time.
    pub(crate) fn narrow(self) -> Self {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Self::Avx2,
            other => other,
        }
    }

    /// As `COUNTERPOINT_ISA` spells it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }
}

/// The widths that buffers are laid out for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Numbers of a vector.
    pub lanes: usize,
    /// Numbers of a column panel.
    pub panel: usize,
    /// Rows of the largest register tile.
    pub rows: usize,
}

impl Layout {
    /// Of the vectors that [`Real::run`] takes.
    pub fn of<S: Real>(level: Level) -> Self {
        struct Ask;
        impl<S: Real> Operation<S> for Ask {
            type Output = Layout;
            #[inline(always)]
            unsafe fn run<I: Isa<S = S>>(self) -> Layout {
                Layout { lanes: I::LANES, panel: I::PANEL, rows: I::ROWS }
            }
        }
        S::run(level, Ask)
    }
}
