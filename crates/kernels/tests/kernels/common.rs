//! Numbers and the plain convolution that kernels are compared with.

use counterpoint_kernels::{ConvShape, Real};

/// Numbers between -1 and 1 that follow from a seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// A number from `from` to `to`, both included.
    pub fn within(&mut self, from: usize, to: usize) -> usize {
        from + ((self.next() + 1.0) / 2.0 * (to - from + 1) as f64) as usize
    }

    /// `f32` numbers as `f64`, so that both precisions compute with the same.
    pub fn vec(&mut self, len: usize) -> Vec<f64> {
        (0..len).map(|_| f64::from(self.next() as f32)).collect()
    }
}

pub fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

/// Calls `f` with the numbers of `x`, `w` and `y` of every product.
fn products(s: &ConvShape, mut f: impl FnMut(usize, usize, usize)) {
    let [height, width] = s.out_size();
    for n in 0..s.images {
        for i in 0..height {
            for j in 0..width {
                for a in 0..s.kernel[0] {
                    for b in 0..s.kernel[1] {
                        let row = (i * s.stride[0] + a * s.dilation[0]).wrapping_sub(s.padding[0]);
                        let column = (j * s.stride[1] + b * s.dilation[1]).wrapping_sub(s.padding[1]);
                        if row >= s.size[0] || column >= s.size[1] {
                            continue;
                        }
                        for o in 0..s.outputs {
                            for c in 0..s.inputs {
                                f(
                                    ((n * s.size[0] + row) * s.size[1] + column) * s.inputs + c,
                                    ((o * s.inputs + c) * s.kernel[0] + a) * s.kernel[1] + b,
                                    ((n * height + i) * width + j) * s.outputs + o,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

pub fn forward(s: &ConvShape, x: &[f64], w: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; s.output_len()];
    products(s, |ix, iw, iy| y[iy] += x[ix] * w[iw]);
    y
}

pub fn input_gradient(s: &ConvShape, dy: &[f64], w: &[f64]) -> Vec<f64> {
    let mut dx = vec![0.0; s.input_len()];
    products(s, |ix, iw, iy| dx[ix] += dy[iy] * w[iw]);
    dx
}

pub fn weight_gradient(s: &ConvShape, x: &[f64], dy: &[f64]) -> Vec<f64> {
    let mut dw = vec![0.0; s.weight_len()];
    products(s, |ix, iw, iy| dw[iw] += dy[iy] * x[ix]);
    dw
}

/// The largest difference, in root mean squares of what is expected.
pub fn error(found: impl IntoIterator<Item = f64>, expected: &[f64]) -> f64 {
    let square = expected.iter().map(|v| v * v).sum::<f64>() / expected.len().max(1) as f64;
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    worst / square.sqrt().max(1e-30)
}

/// The same numbers in another precision.
pub fn of<S: Real>(v: &[f64]) -> Vec<S> {
    v.iter().map(|&v| S::of(v)).collect()
}

pub fn wide<S: Real>(v: &[S]) -> Vec<f64> {
    v.iter().map(|v| v.wide()).collect()
}

/// A buffer in which what no kernel writes would be found.
pub fn marked<S: Real>(len: usize) -> Vec<S> {
    vec![S::of(1e30); len]
}

/// Requires the same bits of `run` with any number of threads.
pub fn same_bits(what: &str, run: impl Fn() -> Vec<f32> + Send + Sync) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run().into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    let one = with(1);
    for threads in [2, 3, 7] {
        assert!(one == with(threads), "{what}: other bits with {threads} threads");
    }
}
