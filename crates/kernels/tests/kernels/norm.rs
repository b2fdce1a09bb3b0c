//! Batch norm and pooling against their definitions, gradients against
//! differences of the outputs.

use std::ops::Range;

use crate::common::{Numbers, error, of, wide};
use counterpoint_kernels::norm::{Affine, NormGradient, Passed, Statistics};
use counterpoint_kernels::{Kernels, Level, PoolShape};

const EPSILON: f64 = 1e-5;

struct Case {
    y: Vec<f64>,
    more: Option<Vec<f64>>,
    weight: Vec<f64>,
    bias: Vec<f64>,
    relu: bool,
}

impl Case {
    fn new(pixels: usize, channels: usize, added: bool, relu: bool, seed: u64) -> Self {
        let mut n = Numbers(seed);
        let y = n.vec(pixels * channels);
        let more = added.then(|| n.vec(pixels * channels));
        Self { y, more, weight: n.vec(channels), bias: n.vec(channels), relu }
    }

    fn channels(&self) -> usize {
        self.weight.len()
    }

    /// The definition, in double precision.
    fn plain(&self) -> Vec<f64> {
        let channels = self.channels();
        let count = (self.y.len() / channels) as f64;
        let of = |c: usize| self.y.iter().skip(c).step_by(channels);
        (0..self.y.len())
            .map(|i| {
                let c = i % channels;
                let mean = of(c).sum::<f64>() / count;
                let variance = of(c).map(|v| (v - mean).powi(2)).sum::<f64>() / count;
                let v = (self.y[i] - mean) / (variance + EPSILON).sqrt() * self.weight[c] + self.bias[c];
                let v = v + self.more.as_ref().map_or(0.0, |m| m[i]);
                if self.relu { v.max(0.0) } else { v }
            })
            .collect()
    }
}

/// Output and gradients of `y`, of what was added, of weight and bias.
fn run<S: Kernels>(level: Level, case: &Case, upstream: &[f64]) -> (Vec<f64>, [Vec<f64>; 4]) {
    let (y, weight, bias) = (of::<S>(&case.y), of::<S>(&case.weight), of::<S>(&case.bias));
    let (more, up) = (case.more.as_deref().map(of::<S>), of::<S>(upstream));
    let found = S::statistics(level, case.channels(), &y).rounded();
    let affine = Affine::new(&found, &weight, &bias, EPSILON);
    let mut out = vec![S::of(1e30); y.len()];
    S::normalize(level, &affine, &y, more.as_deref(), case.relu, &mut out);
    let passed = match (case.relu, &more) {
        (false, _) => Passed::All,
        (true, Some(_)) => Passed::Output(&out),
        (true, None) => Passed::Normalized(&affine),
    };
    let sums = S::norm_sums(level, &found, &y, &up, passed);
    let pixels = y.len() / case.channels();
    let sums = NormGradient::new(&sums, &sums, pixels, &found, &weight, EPSILON);
    let mut dy = vec![S::of(1e30); y.len()];
    let mut before = vec![S::of(1e30); y.len()];
    S::norm_input_gradient(level, &sums, &y, &up, passed, &mut dy, Some(&mut before));
    (wide(&out), [wide(&dy), wide(&before), wide(&sums.weight), wide(&sums.bias)])
}

fn cases() -> Vec<Case> {
    let sizes = [(1, 3), (2, 1), (7, 70), (65, 16), (130, 33), (1100, 5)];
    let kinds = [(false, false), (false, true), (true, false), (true, true)];
    let both = sizes.into_iter().flat_map(|size| kinds.map(|kind| (size, kind)));
    let few = if cfg!(miri) { 8 } else { usize::MAX };
    both.take(few).enumerate().map(|(i, ((p, c), (a, r)))| Case::new(p, c, a, r, i as u64)).collect()
}

#[test]
fn outputs_are_those_of_the_definition() {
    for case in cases() {
        let upstream = vec![1.0; case.y.len()];
        let expected = case.plain();
        assert!(error(run::<f64>(Level::Portable, &case, &upstream).0, &expected) < 1e-9);
        for level in Level::available() {
            let found = error(run::<f32>(level, &case, &upstream).0, &expected);
            assert!(found < 1e-4 || case.y.len() == case.channels(), "{}: {found}", level.name());
        }
    }
}

#[test]
fn gradients_are_differences_of_the_outputs() {
    for case in cases().into_iter().filter(|c| c.y.len() > c.channels()) {
        let upstream = Numbers(99).vec(case.y.len());
        let (_, [dy, before, weight, bias]) = run::<f64>(Level::Portable, &case, &upstream);
        let loss = |case: &Case| case.plain().iter().zip(&upstream).map(|(a, b)| a * b).sum::<f64>();
        let mut numbers = Numbers(3);
        for _ in 0..4 {
            let step = 1e-6;
            let (at, channel) = (numbers.within(0, case.y.len() - 1), numbers.within(0, case.channels() - 1));
            let slope = |change: &dyn Fn(&mut Case, f64)| {
                let [up, down] = [step, -step].map(|by| {
                    let mut moved = Case { more: case.more.clone(), y: case.y.clone(), ..case_of(&case) };
                    change(&mut moved, by);
                    loss(&moved)
                });
                (up - down) / (2.0 * step)
            };
            let close = |found: f64, expected: f64, what: &str| {
                assert!(
                    (found - expected).abs() < 1e-5 * (1.0 + expected.abs()),
                    "{what}: {found} {expected}"
                );
            };
            close(dy[at], slope(&|c, by| c.y[at] += by), "input");
            close(weight[channel], slope(&|c, by| c.weight[channel] += by), "scale");
            close(bias[channel], slope(&|c, by| c.bias[channel] += by), "shift");
            if case.more.is_some() {
                close(before[at], slope(&|c, by| c.more.as_mut().unwrap()[at] += by), "added");
            }
        }
        // Two pixels: the gradient of the input is what rounding leaves of nothing.
        for level in Level::available().into_iter().filter(|_| case.y.len() > 2 * case.channels()) {
            let (_, single) = run::<f32>(level, &case, &upstream);
            for (single, double) in single.into_iter().zip([&dy, &before, &weight, &bias]) {
                let found = error(single, double);
                assert!(found < 2e-3, "{}: {found}", level.name());
            }
        }
    }
}

fn case_of(case: &Case) -> Case {
    let (weight, bias) = (case.weight.clone(), case.bias.clone());
    Case { y: Vec::new(), more: None, weight, bias, relu: case.relu }
}

#[test]
fn variance_of_numbers_far_from_zero_keeps_its_digits() {
    let y: Vec<f32> = Numbers(1).vec(4096).iter().map(|v| 1000.0 + *v as f32).collect();
    let expected = y.iter().map(|&v| (f64::from(v) - 1000.0).powi(2)).sum::<f64>() / 4096.0;
    for level in Level::available() {
        let found = f32::statistics(level, 1, &y).variance[0];
        assert!((found / expected - 1.0).abs() < 1e-3, "{}: {found} {expected}", level.name());
    }
}

#[test]
fn the_largest_of_each_window_gets_the_gradient() {
    for (size, window, stride, padding) in
        [([7, 9], [3, 3], [2, 2], [1, 1]), ([6, 6], [2, 2], [2, 2], [0, 0]), ([5, 4], [3, 2], [1, 2], [1, 0])]
    {
        let shape = PoolShape { images: 2, size, channels: 19, window, stride, padding };
        let mut numbers = Numbers(8);
        let (x, dy) = (numbers.vec(shape.input_len()), numbers.vec(shape.output_len()));
        let [height, width] = shape.out_size();
        let (mut largest, mut dx) = (vec![f64::NEG_INFINITY; shape.output_len()], vec![0.0; x.len()]);
        for o in 0..shape.output_len() {
            let (c, pixel) = (o % 19, o / 19);
            let (n, i, j) = (pixel / (height * width), pixel / width % height, pixel % width);
            let mut winner = None;
            for a in 0..window[0] {
                for b in 0..window[1] {
                    let row = (i * stride[0] + a).wrapping_sub(padding[0]);
                    let column = (j * stride[1] + b).wrapping_sub(padding[1]);
                    if row < size[0] && column < size[1] {
                        let at = ((n * size[0] + row) * size[1] + column) * 19 + c;
                        if x[at] > largest[o] {
                            largest[o] = x[at];
                            winner = Some(at);
                        }
                    }
                }
            }
            dx[winner.unwrap()] += dy[o];
        }
        for level in Level::available() {
            let (mut y, mut winners) = (of::<f32>(&dy), vec![9; dy.len()]);
            f32::max_pool(level, &shape, &of::<f32>(&x), &mut y, &mut winners);
            assert_eq!(wide(&y), largest);
            let mut found = of::<f32>(&x);
            f32::max_pool_gradient(level, &shape, &of::<f32>(&dy), &winners, &mut found);
            assert!(error(wide(&found), &dx) < 1e-6);
        }
    }
}

#[test]
fn what_is_not_a_number_is_not_swallowed() {
    for level in Level::available() {
        let shape = PoolShape {
            images: 1,
            size: [2, 2],
            channels: 1,
            window: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
        };
        let (mut y, mut winners) = ([0.0f32], [0]);
        f32::max_pool(level, &shape, &[1.0, f32::NAN, -1.0, 0.5], &mut y, &mut winners);
        assert!(y[0].is_nan(), "pooling by {}", level.name());
        let affine = Affine { scale: vec![1.0f32], shift: vec![0.0] };
        let mut out = [0.0f32; 2];
        f32::normalize(level, &affine, &[f32::NAN, -1.0], None, true, &mut out);
        assert!(out[0].is_nan() && out[1] == 0.0, "ReLU by {}: {out:?}", level.name());
    }
}

#[test]
fn statistics_of_parts_are_those_of_all_pixels() {
    let case = Case::new(130, 33, false, false, 5);
    let (level, y) = (Level::best(), of::<f32>(&case.y));
    let whole = f32::statistics(level, 33, &y);
    let part =
        |range: Range<usize>| (range.len(), f32::statistics(level, 33, &y[range.start * 33..range.end * 33]));
    let merged = Statistics::merged(&[part(0..1), part(1..90), part(90..130)]);
    let far = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(far(&merged.mean, &whole.mean) < 1e-6 && far(&merged.variance, &whole.variance) < 1e-6);
    let halves = Statistics::merged(&[part(0..65), part(0..65)]);
    assert!(far(&halves.mean, &whole.mean) > 1e-3);
}
