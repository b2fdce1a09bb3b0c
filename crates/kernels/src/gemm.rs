//! The two products of register tiles that convolutions are made of.
//!
//! Columns come in panels of two vectors; a last panel with room to spare in
//! one vector is one vector wide. `C` is a tile of `M` rows and `N` vectors.

use crate::isa::Isa;

/// Width of the column panel that starts at `column` of `columns`, in numbers:
/// what weights are packed to.
#[inline(always)]
pub fn panel_width(columns: usize, column: usize, lanes: usize) -> usize {
    if columns - column > lanes { 2 * lanes } else { lanes }
}

/// Columns rounded up to whole vectors: numbers of a row of all panels.
#[inline(always)]
pub fn padded(columns: usize, lanes: usize) -> usize {
    columns.div_ceil(lanes) * lanes
}

/// Calls a tile function with its number of rows and vectors as constants.
macro_rules! tiles {
    ($rows:expr, $wide:expr, $function:ident::<$isa:ident>($($argument:expr),*)) => {
        if $wide {
            tiles!(@ $rows, 2, $function::<$isa>($($argument),*))
        } else {
            tiles!(@ $rows, 1, $function::<$isa>($($argument),*))
        }
    };
    (@ $rows:expr, $n:literal, $function:ident::<$isa:ident>($($argument:expr),*)) => {
        match $rows {
            1 => $function::<$isa, 1, $n>($($argument),*),
            2 => $function::<$isa, 2, $n>($($argument),*),
            3 => $function::<$isa, 3, $n>($($argument),*),
            4 => $function::<$isa, 4, $n>($($argument),*),
            5 => $function::<$isa, 5, $n>($($argument),*),
            6 => $function::<$isa, 6, $n>($($argument),*),
            rows if $isa::ROWS > 6 => match rows {
                7 => $function::<$isa, 7, $n>($($argument),*),
                8 => $function::<$isa, 8, $n>($($argument),*),
                9 => $function::<$isa, 9, $n>($($argument),*),
                10 => $function::<$isa, 10, $n>($($argument),*),
                11 => $function::<$isa, 11, $n>($($argument),*),
                12 => $function::<$isa, 12, $n>($($argument),*),
                13 => $function::<$isa, 13, $n>($($argument),*),
                _ => $function::<$isa, 14, $n>($($argument),*),
            },
            _ => unreachable!("no tile has more rows"),
        }
    };
}
pub(crate) use tiles;

#[inline(always)]
unsafe fn store<I: Isa, const M: usize, const N: usize>(sums: [[I::V; N]; M], c: *mut I::S, row: usize) {
    for r in 0..M {
        for v in 0..N {
            I::store(c.add(r * row + v * I::LANES), sums[r][v]);
        }
    }
}

/// `C = A B` over `k`: number `(r, k)` of `A` lies at
/// `a[k / PANEL * block + r * PANEL + k % PANEL]`, rows of `B` side by side,
/// rows of `C` a panel apart.
#[inline(always)]
pub unsafe fn rows_times_columns<I: Isa, const M: usize, const N: usize>(
    k: usize,
    a: *const I::S,
    block: usize,
    b: *const I::S,
    c: *mut I::S,
) {
    let mut sums = [[I::zero(); N]; M];
    let mut b = b;
    let mut from = 0;
    let mut a = a;
    while from < k {
        let here = (k - from).min(I::PANEL);
        let mut at = 0;
        while at + 4 <= here {
            for step in 0..4 {
                let mut columns = [I::zero(); N];
                for v in 0..N {
                    columns[v] = I::load(b.add((step * N + v) * I::LANES));
                }
                for r in 0..M {
                    let x = I::splat(*a.add(r * I::PANEL + at + step));
                    for v in 0..N {
                        sums[r][v] = I::fma(x, columns[v], sums[r][v]);
                    }
                }
            }
            b = b.add(4 * N * I::LANES);
            at += 4;
        }
        while at < here {
            for r in 0..M {
                let x = I::splat(*a.add(r * I::PANEL + at));
                for v in 0..N {
                    sums[r][v] = I::fma(x, I::load(b.add(v * I::LANES)), sums[r][v]);
                }
            }
            b = b.add(N * I::LANES);
            at += 1;
        }
        from += here;
        a = a.add(block);
    }
    store::<I, M, N>(sums, c, I::PANEL);
}

/// `C = A^T B` over `k` rows, or added to `C`: `M` numbers of each row of `A`,
/// `N` vectors of each row of `B`; rows lie a panel apart, those of `C` `row`.
#[inline(always)]
pub unsafe fn columns_times_columns<I: Isa, const M: usize, const N: usize>(
    k: usize,
    a: *const I::S,
    b: *const I::S,
    c: *mut I::S,
    row: usize,
    add: bool,
) {
    let mut sums = [[I::zero(); N]; M];
    if add {
        for r in 0..M {
            for v in 0..N {
                sums[r][v] = I::load(c.add(r * row + v * I::LANES));
            }
        }
    }
    let (mut a, mut b) = (a, b);
    for _ in 0..k {
        let mut columns = [I::zero(); N];
        for v in 0..N {
            columns[v] = I::load(b.add(v * I::LANES));
        }
        for r in 0..M {
            let x = I::splat(*a.add(r));
            for v in 0..N {
                sums[r][v] = I::fma(x, columns[v], sums[r][v]);
            }
        }
        a = a.add(I::PANEL);
        b = b.add(I::PANEL);
    }
    store::<I, M, N>(sums, c, row);
}

/// Rows of the tiles that `count` rows are cut into: as few tiles as can be,
/// of nearly the same size.
#[inline(always)]
pub fn tile_rows(count: usize, largest: usize) -> usize {
    count.div_ceil(count.div_ceil(largest).max(1))
}

/// Numbers `from` into panels: number `k` of row `r` goes to
/// `to[(at + k) / PANEL * block + r * PANEL + (at + k) % PANEL]`.
#[inline(always)]
pub unsafe fn into_panels<I: Isa>(
    from: *const I::S,
    len: usize,
    at: usize,
    r: usize,
    to: *mut I::S,
    block: usize,
) {
    let mut done = 0;
    while done < len {
        let (panel, offset) = ((at + done) / I::PANEL, (at + done) % I::PANEL);
        let here = (I::PANEL - offset).min(len - done);
        let to = to.add(panel * block + r * I::PANEL + offset);
        let from = from.add(done);
        I::put(to, I::take(from, here), here);
        if here > I::LANES {
            let rest = here - I::LANES;
            I::put(to.add(I::LANES), I::take(from.add(I::LANES), rest), rest);
        }
        done += here;
    }
}
