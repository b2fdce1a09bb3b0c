//! The learned upsampling against its definition: an enlarged map and a
//! convolution of each channel.

use crate::common::{Numbers, error, marked, of, same_bits, wide};
use counterpoint_kernels::{Kernels, Level, UpsampleShape};

/// Shapes of all kinds: to twice the size and one less, other sizes, smaller
/// ones, single pixels, 1 to 70 channels.
fn shapes() -> Vec<UpsampleShape> {
    let mut numbers = Numbers(3);
    let n = &mut numbers;
    let one = |i: usize| {
        let size = [n.within(1, 11), n.within(1, 11)];
        let to = match i % 4 {
            0 | 1 => size.map(|s| 2 * s),
            2 => size.map(|s| 2 * s - 1),
            _ => [n.within(1, 30), n.within(1, 30)],
        };
        UpsampleShape { images: n.within(1, 3), size, to, channels: n.within(1, 70) }
    };
    let mut all: Vec<_> = (0..if cfg!(miri) { 4 } else { 60 }).map(one).collect();
    all.push(UpsampleShape { images: 1, size: [1, 1], to: [2, 2], channels: 40 });
    all.push(UpsampleShape { images: 1, size: [5, 3], to: [1, 1], channels: 3 });
    all
}

/// Calls `f` with the numbers of `x`, `weight` and `y` of every product.
fn products(s: &UpsampleShape, mut f: impl FnMut(usize, usize, usize)) {
    let [height, width] = s.to;
    for o in 0..s.output_len() {
        let (c, pixel) = (o % s.channels, o / s.channels);
        let (n, i, j) = (pixel / (height * width), pixel / width % height, pixel % width);
        for (k, l) in (0..3).flat_map(|k| (0..3).map(move |l| (k, l))) {
            let (row, column) = ((i + k).wrapping_sub(1), (j + l).wrapping_sub(1));
            if row < height && column < width {
                let from = [row * s.size[0] / height, column * s.size[1] / width];
                let x = ((n * s.size[0] + from[0]) * s.size[1] + from[1]) * s.channels + c;
                f(x, c * 9 + 3 * k + l, o);
            }
        }
    }
}

struct Case {
    x: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    more: Vec<f64>,
    dy: Vec<f64>,
}

impl Case {
    fn new(s: &UpsampleShape, seed: u64) -> Self {
        let mut n = Numbers(seed);
        Self {
            x: n.vec(s.input_len()),
            weight: n.vec(s.channels * 9),
            bias: n.vec(s.channels),
            more: n.vec(s.output_len()),
            dy: n.vec(s.output_len()),
        }
    }

    /// Outputs without and with what is added, gradients of input, weights and bias.
    fn run<S: Kernels>(&self, level: Level, s: &UpsampleShape) -> [Vec<f64>; 5] {
        let (x, weight, bias) = (of::<S>(&self.x), of::<S>(&self.weight), of::<S>(&self.bias));
        let (more, dy) = (of::<S>(&self.more), of::<S>(&self.dy));
        let [mut plain, mut sum] = [(); 2].map(|()| marked::<S>(s.output_len()));
        S::upsample(level, s, &x, &weight, &bias, None, &mut plain);
        S::upsample(level, s, &x, &weight, &bias, Some(&more), &mut sum);
        let mut dx = marked::<S>(s.input_len());
        let [dw, db] = S::upsample_gradients(level, s, &x, &weight, &dy, Some(&mut dx));
        let again = S::upsample_gradients(level, s, &x, &weight, &dy, None);
        assert!(again == [dw.clone(), db.clone()], "the same without a gradient of the input");
        [plain, sum, dx, dw, db].map(|v| wide(&v))
    }

    fn expected(&self, s: &UpsampleShape) -> [Vec<f64>; 5] {
        let mut plain: Vec<f64> = (0..s.output_len()).map(|o| self.bias[o % s.channels]).collect();
        products(s, |x, w, y| plain[y] += self.x[x] * self.weight[w]);
        let sum = plain.iter().zip(&self.more).map(|(a, b)| a + b).collect();
        let (mut dx, mut dw, mut db) =
            (vec![0.0; s.input_len()], vec![0.0; s.channels * 9], vec![0.0; s.channels]);
        products(s, |x, w, y| dx[x] += self.dy[y] * self.weight[w]);
        products(s, |x, w, y| dw[w] += self.dy[y] * self.x[x]);
        self.dy.iter().enumerate().for_each(|(o, dy)| db[o % s.channels] += dy);
        [plain, sum, dx, dw, db]
    }
}

#[test]
fn outputs_and_gradients_are_those_of_the_definition() {
    for (i, s) in shapes().iter().enumerate() {
        let case = Case::new(s, i as u64);
        let expected = case.expected(s);
        let check = |found: [Vec<f64>; 5], limit: f64, what: &str| {
            for (k, (found, expected)) in found.into_iter().zip(&expected).enumerate() {
                let found = error(found, expected);
                assert!(found < limit, "{what} {s:?}, result {k}: {found}");
            }
        };
        check(case.run::<f64>(Level::Portable, s), 1e-11, "double");
        for level in Level::available() {
            check(case.run::<f32>(level, s), 5e-5, level.name());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs one thread")]
fn any_number_of_threads_gives_the_same_bits() {
    let s = UpsampleShape { images: 2, size: [29, 17], to: [58, 33], channels: 21 };
    let case = Case::new(&s, 4);
    same_bits("upsample", || {
        case.run::<f32>(Level::best(), &s).concat().into_iter().map(|v| v as f32).collect()
    });
}

#[test]
#[should_panic(expected = "weights of")]
fn weights_of_another_size_are_refused() {
    let s = UpsampleShape { images: 1, size: [1, 1], to: [2, 2], channels: 2 };
    f32::upsample(Level::Portable, &s, &[0.0; 2], &[0.0; 9], &[0.0; 2], None, &mut [0.0; 8]);
}
