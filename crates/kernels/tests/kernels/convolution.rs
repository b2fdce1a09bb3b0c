//! Convolutions against the plain sum over shapes of all kinds, on every
//! instruction set of this processor and in double precision.

use crate::common::{Numbers, error, narrow};
use counterpoint_kernels::bf16::Pairs;
use counterpoint_kernels::{Algorithm, ConvShape, Kernels, Level, conv};

/// Shapes of all kinds: odd sizes, single images and pixels, 1 to 70 channels.
fn shapes() -> Vec<ConvShape> {
    let mut numbers = Numbers(7);
    // Miri takes a second for what takes a microsecond.
    let [count, most, side, images] = if cfg!(miri) { [8, 9, 5, 2] } else { [120, 70, 19, 5] };
    let mut all = Vec::new();
    while all.len() < count {
        let n = &mut numbers;
        let kernel = [[3, 3], [3, 3], [1, 1], [7, 7], [5, 5], [3, 1], [1, 3], [2, 2]][n.within(0, 7)];
        let usual = n.within(0, 2) > 0;
        let (stride, dilation) = if usual { (1, 1) } else { (n.within(1, 3), n.within(1, 2)) };
        let channels = |n: &mut Numbers| if n.within(0, 3) == 0 { n.within(1, 4) } else { n.within(1, most) };
        let shape = ConvShape {
            images: n.within(1, images),
            size: [n.within(1, side), n.within(1, side)],
            inputs: channels(n),
            outputs: channels(n),
            kernel,
            stride: [stride, if n.within(0, 4) == 0 { 1 } else { stride }],
            padding: kernel.map(|k| if usual { k / 2 } else { n.within(0, k) }),
            dilation: [dilation; 2],
        };
        if shape.output_len() > 0 {
            all.push(shape);
        }
    }
    all
}

/// The errors of output, gradient of the input and gradient of the weights.
fn errors<S: Kernels>(level: Level, how: Algorithm, s: &ConvShape, seed: u64) -> [f64; 3] {
    let mut numbers = Numbers(seed);
    let (x, w, dy) = (numbers.vec(s.input_len()), numbers.vec(s.weight_len()), numbers.vec(s.output_len()));
    let of = |v: &[f64]| v.iter().map(|&v| S::of(v)).collect::<Vec<S>>();
    let (sx, sw, sdy) = (of(&x), of(&w), of(&dy));
    // What no kernel writes would stay and be found.
    let unwritten = |len| vec![S::of(1e30); len];
    let mut y = unwritten(s.output_len());
    S::conv(level, how, s, &sx, &sw, &mut y);
    let mut dx = unwritten(s.input_len());
    S::conv_input_gradient(level, how, s, &sdy, &sw, &mut dx);
    let mut dw = unwritten(s.weight_len());
    S::conv_weight_gradient(level, how, s, &sx, &sdy, &mut dw);
    let wide = |v: Vec<S>| v.into_iter().map(S::wide).collect::<Vec<_>>();
    [
        error(wide(y), &crate::common::forward(s, &x, &w)),
        error(wide(dx), &crate::common::input_gradient(s, &dy, &w)),
        error(wide(dw), &crate::common::weight_gradient(s, &x, &dy)),
    ]
}

/// Fully connected layers of batches: few pixels, many weights.
fn layers() -> Vec<ConvShape> {
    let sizes: &[_] = if cfg!(miri) {
        &[(2, [9, 7])]
    } else {
        &[(1, [2, 2]), (1, [70, 3]), (5, [33, 64]), (17, [64, 47]), (30, [129, 65]), (64, [96, 512])]
    };
    sizes.iter().map(|&(rows, widths)| ConvShape::same(1, [rows, 1], widths, 1)).collect()
}

#[test]
fn double_precision_is_the_plain_sum() {
    for (i, shape) in shapes().iter().chain(&layers()).enumerate() {
        for how in [Algorithm::Exact, Algorithm::Fast] {
            let found = errors::<f64>(Level::Portable, how, shape, i as u64);
            assert!(found.iter().all(|&e| e < 1e-11), "{how:?} {shape:?}: {found:?}");
        }
    }
}

#[test]
fn single_precision_is_close_on_every_instruction_set() {
    for level in Level::available() {
        for (how, limit) in [(Algorithm::Exact, 2e-5), (Algorithm::Fast, 2e-4)] {
            for (i, shape) in shapes().iter().chain(&layers()).enumerate() {
                let found = errors::<f32>(level, how, shape, i as u64);
                assert!(found.iter().all(|&e| e < limit), "{} {how:?} {shape:?}: {found:?}", level.name());
            }
        }
    }
}

/// Output and gradients of input and weights with factors in bf16.
fn in_bf16(level: Level, how: Algorithm, s: &ConvShape, [x, w, dy]: [&[f32]; 3]) -> [Vec<f32>; 3] {
    let (x, dy) = (Pairs::of(level, s.inputs, x), Pairs::of(level, s.outputs, dy));
    let mut found = [s.output_len(), s.input_len(), s.weight_len()].map(|len| vec![1e30f32; len]);
    conv::forward_in_bf16(level, how, s, &x, w, &mut found[0]);
    conv::input_gradient_in_bf16(level, how, s, &dy, w, &mut found[1]);
    conv::weight_gradient_in_bf16(level, how, s, &x, &dy, &mut found[2]);
    found
}

#[test]
fn factors_in_bf16_give_the_sums_of_the_rounded_numbers() {
    let level = Level::best();
    let rounded = |x: &[f32]| Pairs::of(level, x.len(), x).widen(level);
    for (i, s) in shapes().iter().chain(&layers()).enumerate() {
        let mut numbers = Numbers(i as u64);
        let [x, w, dy] =
            [s.input_len(), s.weight_len(), s.output_len()].map(|len| rounded(&narrow(&numbers.vec(len))));
        let wide = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        let [x64, w64, dy64] = [&x, &w, &dy].map(|v| wide(v));
        let expected = [
            crate::common::forward(s, &x64, &w64),
            crate::common::input_gradient(s, &dy64, &w64),
            crate::common::weight_gradient(s, &x64, &dy64),
        ];
        for level in Level::available() {
            for (how, limit) in [(Algorithm::Exact, 2e-5), (Algorithm::Fast, 2e-4)] {
                for (found, expected) in in_bf16(level, how, s, [&x, &w, &dy]).iter().zip(&expected) {
                    let e = error(wide(found), expected);
                    assert!(e < limit, "{} {how:?} {s:?}: {e}", level.name());
                }
            }
        }
    }
}

#[test]
fn large_kernels_and_few_tiles_go_by_columns() {
    // More channels than tiles, and the other way around, on both sides of the choice.
    for (images, size, channels) in [(1, 4, [40, 48]), (2, 5, [64, 33]), (3, 16, [16, 17]), (5, 19, [8, 70])]
    {
        let shape = ConvShape::same(images, [size; 2], channels, 3);
        let found = errors::<f64>(Level::Portable, Algorithm::Fast, &shape, 3);
        assert!(found.iter().all(|&e| e < 1e-11), "{shape:?}: {found:?}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs one thread")]
fn any_number_of_threads_gives_the_same_bits() {
    let level = Level::best();
    let shapes = [
        ConvShape::same(4, [17, 23], [24, 40], 3),
        ConvShape::same(2, [6, 6], [64, 70], 3),
        ConvShape::same(3, [30, 31], [3, 20], 7).with_stride([2, 2]),
        ConvShape::same(3, [19, 18], [40, 33], 3).with_stride([2, 2]),
        ConvShape::same(5, [9, 9], [33, 12], 1).with_stride([2, 1]),
        ConvShape::same(1, [40, 1], [100, 130], 1),
    ];
    for shape in shapes {
        for how in [Algorithm::Exact, Algorithm::Fast] {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut numbers = Numbers(5);
                    let x = narrow(&numbers.vec(shape.input_len()));
                    let w = narrow(&numbers.vec(shape.weight_len()));
                    let dy = narrow(&numbers.vec(shape.output_len()));
                    let mut found =
                        [shape.output_len(), shape.input_len(), shape.weight_len()].map(|n| vec![0.0f32; n]);
                    f32::conv(level, how, &shape, &x, &w, &mut found[0]);
                    f32::conv_input_gradient(level, how, &shape, &dy, &w, &mut found[1]);
                    f32::conv_weight_gradient(level, how, &shape, &x, &dy, &mut found[2]);
                    let all = found.into_iter().chain(in_bf16(level, how, &shape, [&x, &w, &dy]));
                    all.map(|v| v.into_iter().map(f32::to_bits).collect::<Vec<_>>()).collect::<Vec<_>>()
                })
            };
            let one = run(1);
            for threads in [2, 3, 7] {
                assert!(one == run(threads), "{shape:?} {how:?}: other bits with {threads} threads");
            }
        }
    }
}

#[test]
#[should_panic(expected = "numbers of the weights")]
fn a_buffer_of_another_size_is_refused() {
    let shape = ConvShape::same(1, [4, 4], [2, 2], 3);
    f32::conv(Level::Portable, Algorithm::Fast, &shape, &[0.0f32; 32], &[0.0; 35], &mut [0.0; 32]);
}
