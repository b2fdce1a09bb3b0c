//! Tiles of maps to 36 numbers and back.

use super::Grid;
use crate::isa::Isa;

/// `B^T d` of six numbers.
#[inline(always)]
unsafe fn input6<I: Isa>(d: [I::V; 6]) -> [I::V; 6] {
    let (four, five, two) = (constant::<I>(4.0), constant::<I>(5.0), constant::<I>(2.0));
    let a = I::fnma(four, d[2], d[4]);
    let b = I::fnma(four, d[1], d[3]);
    let c = I::sub(d[4], d[2]);
    let e = I::mul(two, I::sub(d[3], d[1]));
    [
        I::fma(four, d[0], I::fnma(five, d[2], d[4])),
        I::add(a, b),
        I::sub(a, b),
        I::add(c, e),
        I::sub(c, e),
        I::fma(four, d[1], I::fnma(five, d[3], d[5])),
    ]
}

/// `A^T m` of six numbers.
#[inline(always)]
unsafe fn output4<I: Isa>(m: [I::V; 6]) -> [I::V; 4] {
    let (a, b) = (I::add(m[1], m[2]), I::sub(m[1], m[2]));
    let (c, d) = (I::add(m[3], m[4]), I::sub(m[3], m[4]));
    [
        I::add(m[0], I::add(a, c)),
        I::fma(constant::<I>(2.0), d, b),
        I::fma(constant::<I>(4.0), c, a),
        I::fma(constant::<I>(8.0), d, I::add(b, m[5])),
    ]
}

/// `A y` of four numbers.
#[inline(always)]
unsafe fn gradient6<I: Isa>(y: [I::V; 4]) -> [I::V; 6] {
    let (four, two) = (constant::<I>(4.0), constant::<I>(2.0));
    let (even, odd) = (I::add(y[0], y[2]), I::add(y[1], y[3]));
    let even2 = I::fma(four, y[2], y[0]);
    let odd2 = I::mul(two, I::fma(four, y[3], y[1]));
    [y[0], I::add(even, odd), I::sub(even, odd), I::add(even2, odd2), I::sub(even2, odd2), y[3]]
}

/// `G g` of three numbers.
#[inline(always)]
pub unsafe fn kernel6<I: Isa>(g: [I::V; 3]) -> [I::V; 6] {
    let (sixth, small) = (constant::<I>(-1.0 / 6.0), constant::<I>(1.0 / 24.0));
    let ends = I::add(g[0], g[2]);
    let ends4 = I::fma(constant::<I>(4.0), g[2], g[0]);
    let middle2 = I::add(g[1], g[1]);
    [
        I::mul(constant::<I>(0.25), g[0]),
        I::mul(sixth, I::add(ends, g[1])),
        I::mul(sixth, I::sub(ends, g[1])),
        I::mul(small, I::add(ends4, middle2)),
        I::mul(small, I::sub(ends4, middle2)),
        g[2],
    ]
}

/// `G^T u` of six numbers.
#[inline(always)]
pub unsafe fn weight3<I: Isa>(u: [I::V; 6]) -> [I::V; 3] {
    let (sixth, small) = (constant::<I>(-1.0 / 6.0), constant::<I>(1.0 / 24.0));
    let a = I::mul(sixth, I::add(u[1], u[2]));
    let b = I::mul(sixth, I::sub(u[1], u[2]));
    let c = I::mul(small, I::add(u[3], u[4]));
    let d = I::mul(small, I::sub(u[3], u[4]));
    [
        I::fma(constant::<I>(0.25), u[0], I::add(a, c)),
        I::add(b, I::add(d, d)),
        I::add(I::fma(constant::<I>(4.0), c, a), u[5]),
    ]
}

#[inline(always)]
unsafe fn constant<I: Isa>(value: f64) -> I::V {
    I::splat(<I::S as crate::isa::Real>::of(value))
}

/// What the tiles of a block are read from or written to.
#[derive(Clone, Copy)]
pub struct Maps<S> {
    pub grid: Grid,
    pub channels: usize,
    pub start: *const S,
}

// SAFETY: `Maps` is only a place; who reads or writes there answers for it.
unsafe impl<S: Send> Send for Maps<S> {}
// SAFETY: as above.
unsafe impl<S: Sync> Sync for Maps<S> {}

/// Tiles `first..first + count` of a matrix with room for `room` tiles, the
/// 36 matrices `stride` apart.
#[derive(Clone, Copy)]
pub struct Block {
    pub first: usize,
    pub count: usize,
    pub room: usize,
    pub stride: usize,
}

/// Reads `SIDE` x `SIDE` pixels from `(top, left)` of a tile, zero outside the image.
#[inline(always)]
unsafe fn pixels<I: Isa, const SIDE: usize>(
    maps: &Maps<I::S>,
    image: usize,
    top: isize,
    left: isize,
    outside: *const I::S,
) -> ([[*const I::S; SIDE]; SIDE], [[usize; SIDE]; SIDE]) {
    let Grid { height, width, .. } = maps.grid;
    let mut places = [[outside; SIDE]; SIDE];
    let mut steps = [[0; SIDE]; SIDE];
    for a in 0..SIDE {
        for b in 0..SIDE {
            let (i, j) = (top + a as isize, left + b as isize);
            if i >= 0 && j >= 0 && (i as usize) < height && (j as usize) < width {
                let pixel = (image * height + i as usize) * width + j as usize;
                places[a][b] = maps.start.add(pixel * maps.channels);
                steps[a][b] = 1;
            }
        }
    }
    (places, steps)
}

/// `B^T d B` of the inputs of tiles.
#[inline(always)]
pub unsafe fn transform_input<I: Isa>(maps: &Maps<I::S>, block: Block, to: *mut I::S) {
    let zeros = [I::zero(); 1];
    for r in 0..block.count {
        let (image, top, left) = maps.grid.tile(block.first + r);
        let outside = zeros.as_ptr().cast();
        let (places, steps) = pixels::<I, 6>(maps, image, top as isize - 1, left as isize - 1, outside);
        for v in 0..maps.channels.div_ceil(I::LANES) {
            let left = maps.channels - v * I::LANES;
            let mut columns = [[I::zero(); 6]; 6];
            for b in 0..6 {
                let mut d = [I::zero(); 6];
                for a in 0..6 {
                    d[a] = I::take(places[a][b].add(v * I::LANES * steps[a][b]), left);
                }
                let d = input6::<I>(d);
                for a in 0..6 {
                    columns[a][b] = d[a];
                }
            }
            let to = place::<I>(block, r, v, to);
            for a in 0..6 {
                let d = input6::<I>(columns[a]);
                for b in 0..6 {
                    I::store(to.add((a * 6 + b) * block.stride), d[b]);
                }
            }
        }
    }
}

/// `A dy A^T` of the gradients of tiles of outputs.
#[inline(always)]
pub unsafe fn transform_gradient<I: Isa>(maps: &Maps<I::S>, block: Block, to: *mut I::S) {
    let zeros = [I::zero(); 1];
    for r in 0..block.count {
        let (image, top, left) = maps.grid.tile(block.first + r);
        let outside = zeros.as_ptr().cast();
        let (places, steps) = pixels::<I, 4>(maps, image, top as isize, left as isize, outside);
        for v in 0..maps.channels.div_ceil(I::LANES) {
            let left = maps.channels - v * I::LANES;
            let mut columns = [[I::zero(); 4]; 6];
            for b in 0..4 {
                let mut d = [I::zero(); 4];
                for a in 0..4 {
                    d[a] = I::take(places[a][b].add(v * I::LANES * steps[a][b]), left);
                }
                let d = gradient6::<I>(d);
                for a in 0..6 {
                    columns[a][b] = d[a];
                }
            }
            let to = place::<I>(block, r, v, to);
            for a in 0..6 {
                let d = gradient6::<I>(columns[a]);
                for b in 0..6 {
                    I::store(to.add((a * 6 + b) * block.stride), d[b]);
                }
            }
        }
    }
}

/// Where vector `v` of tile `r` of a block lies in the first matrix.
#[inline(always)]
unsafe fn place<I: Isa>(block: Block, r: usize, v: usize, start: *mut I::S) -> *mut I::S {
    start.add((v / 2 * block.room + r) * I::PANEL + v % 2 * I::LANES)
}

/// `A^T m A` of products: outputs of `channels` channels from `channel` on of
/// maps with `maps.channels` channels.
#[inline(always)]
pub unsafe fn transform_output<I: Isa>(
    products: *const I::S,
    block: Block,
    maps: &Maps<I::S>,
    channel: usize,
    channels: usize,
) {
    let Grid { height, width, .. } = maps.grid;
    let all = maps.channels;
    for r in 0..block.count {
        let (image, top, left) = maps.grid.tile(block.first + r);
        let (rows, columns) = ((height - top).min(4), (width - left).min(4));
        let corner = maps.start.cast_mut().add(((image * height + top) * width + left) * all + channel);
        for v in 0..channels.div_ceil(I::LANES) {
            let from = place::<I>(block, r, v, products.cast_mut());
            let mut half = [[I::zero(); 6]; 4];
            for b in 0..6 {
                let mut m = [I::zero(); 6];
                for a in 0..6 {
                    m[a] = I::load(from.add((a * 6 + b) * block.stride));
                }
                let m = output4::<I>(m);
                for a in 0..4 {
                    half[a][b] = m[a];
                }
            }
            let to = corner.add(v * I::LANES);
            let valid = channels - v * I::LANES;
            for a in 0..4 {
                if a < rows {
                    let d = output4::<I>(half[a]);
                    for b in 0..4 {
                        if b < columns {
                            I::put(to.add((a * width + b) * all), d[b], valid);
                        }
                    }
                }
            }
        }
    }
}
