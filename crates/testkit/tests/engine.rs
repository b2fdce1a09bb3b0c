//! The kernels against Burn's own operators: outputs and gradients of every
//! operator, on maps in either order.

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::engine::{self, After, Arithmetic, Convolution, Precision, Window};
use counterpoint::host::host;

const fn single(convolution: Convolution) -> Arithmetic {
    Arithmetic { convolution, precision: Precision::F32 }
}

const FAST: Arithmetic = single(Convolution::Fast);
const EXACT: Arithmetic = single(Convolution::Exact);
const BURN: Arithmetic = single(Convolution::Burn);
const BF16: [Arithmetic; 2] =
    [Arithmetic { precision: Precision::Bf16, ..FAST }, Arithmetic { precision: Precision::Bf16, ..EXACT }];
const KERNELS: [Arithmetic; 4] = [FAST, EXACT, BF16[0], BF16[1]];

/// Numbers that bf16 has, too: rounding factors to it changes nothing.
fn numbers(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| (((i * 37 + seed * 101) as f32 * 0.37).sin() * 64.0).round() / 64.0).collect()
}

fn tensor<const D: usize>(shape: [usize; D], seed: usize) -> Tensor<D> {
    let values = numbers(shape.iter().product(), seed);
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff())
}

/// The same maps with their channels side by side in memory.
fn side_by_side(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let values = host(x.permute([0, 2, 3, 1]));
    let data = TensorData::new(values, [n, h, w, c]);
    Tensor::<4>::from_data(data, &Device::flex().autodiff()).permute([0, 3, 1, 2])
}

fn close(found: &[f32], expected: &[f32], what: &str) {
    within(3e-4, found, expected, what);
}

fn within(limit: f32, found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = (expected.iter().map(|v| v * v).sum::<f32>() / expected.len() as f32).sqrt().max(1e-6);
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < limit * size, "{what}: {worst} where numbers are {size}");
}

/// Output of `f`, and gradients of all inputs for a loss that weighs every number.
fn run(inputs: &[Tensor<4>], f: impl Fn(&[Tensor<4>]) -> Tensor<4>) -> Vec<Vec<f32>> {
    let leaves: Vec<_> = inputs.iter().map(|x| x.clone().require_grad()).collect();
    let out = f(&leaves);
    let weights = tensor(out.dims(), 9);
    let gradients = (out.clone() * weights).sum().backward();
    let mut all = vec![host(out)];
    all.extend(leaves.iter().map(|leaf| host(leaf.grad(&gradients).expect("all inputs are used"))));
    all
}

/// Compares all ways of computing, on maps in both orders.
fn compare(what: &str, inputs: &[Tensor<4>], f: impl Fn(Arithmetic, &[Tensor<4>]) -> Tensor<4>) {
    compare_within(|_| 3e-4, what, inputs, f);
}

fn compare_within(
    limit: impl Fn(Precision) -> f32,
    what: &str,
    inputs: &[Tensor<4>],
    f: impl Fn(Arithmetic, &[Tensor<4>]) -> Tensor<4>,
) {
    let expected = run(inputs, |x| f(BURN, x));
    for how in KERNELS {
        for permuted in [false, true] {
            let mut inputs = inputs.to_vec();
            if permuted {
                inputs[0] = side_by_side(inputs[0].clone());
            }
            let found = run(&inputs, |x| f(how, x));
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                let what = format!("{what}, {how:?}, permuted {permuted}, result {i}");
                within(limit(how.precision), found, expected, &what);
            }
        }
    }
}

/// A vector in the shape that `run` takes.
fn vector(len: usize, seed: usize) -> Tensor<4> {
    tensor([len, 1, 1, 1], seed)
}

fn flat(x: &Tensor<4>) -> Tensor<1> {
    x.clone().reshape([-1])
}

#[test]
fn convolutions_with_bias_and_relu() {
    let kernels = [
        ([3, 3], [1, 1], [1, 1]),
        ([3, 3], [2, 2], [1, 1]),
        ([1, 1], [2, 2], [0, 0]),
        ([7, 7], [2, 2], [3, 3]),
        ([3, 1], [2, 1], [1, 0]),
    ];
    for (kernel, stride, padding) in kernels {
        for [inputs, outputs] in [[1, 5], [3, 16], [16, 24], [20, 33]] {
            let window = Window { stride, padding };
            let x = tensor([2, inputs, 11, 9], 1);
            let w = tensor([outputs, inputs, kernel[0], kernel[1]], 2);
            let what = format!("{kernel:?} {stride:?} {inputs} to {outputs}");
            for rectified in [false, true] {
                compare(&what, &[x.clone(), w.clone()], |how, x| {
                    engine::conv(x[0].clone(), x[1].clone(), None, window, rectified, how)
                });
                compare(&what, &[x.clone(), w.clone(), vector(outputs, 3)], |how, x| {
                    engine::conv(x[0].clone(), x[1].clone(), Some(flat(&x[2])), window, rectified, how)
                });
            }
        }
    }
}

#[test]
fn factors_are_rounded_and_sums_are_not() {
    let window = Window { stride: [1, 1], padding: [1, 1] };
    // A third of what bf16 has between 1 and 2, and the nearest number that it has.
    let map = |value: f32| tensor([1, 3, 4, 4], 1) * 0.0 + value;
    let conv = |x: f32, w: f32, how| {
        let weight = tensor([2, 3, 3, 3], 1) * 0.0 + w;
        host(engine::conv(map(x), weight, None, window, false, how))
    };
    for how in BF16 {
        let exact = conv(1.0 + 1.0 / 384.0, 1.0 - 1.0 / 384.0, how);
        close(&exact, &conv(1.0, 1.0 - 1.0 / 256.0, BURN), "the nearest factors");
        // 27 products, whose sum bf16 does not have.
        assert!((exact[5] - 27.0 * (1.0 - 1.0 / 256.0)).abs() < 1e-4, "{how:?}: {}", exact[5]);
    }
}

/// Burn multiplies rounded factors too: what it computes without kernels is as near to single precision as they are.
#[test]
fn factors_are_rounded_without_kernels() {
    let f16 = [FAST, BURN].map(|how| (Arithmetic { precision: Precision::F16, ..how }, 4e-3));
    for (how, limit) in f16.into_iter().chain([(Arithmetic { precision: Precision::Bf16, ..BURN }, 4e-2)]) {
        rounded_without_kernels(how, limit);
    }
}

fn rounded_without_kernels(how: Arithmetic, limit: f32) {
    let window = Window { stride: [1, 1], padding: [1, 1] };
    let third = |shape, seed| tensor::<4>(shape, seed) / 3.0;
    let inputs = [third([2, 4, 8, 8], 1), third([8, 4, 3, 3], 2), third([8, 1, 1, 1], 3)];
    let conv =
        |how, x: &[Tensor<4>]| engine::conv(x[0].clone(), x[1].clone(), Some(flat(&x[2])), window, true, how);
    let rows = [third([6, 20, 1, 1], 4), third([5, 20, 1, 1], 5)];
    let matrix = |x: &Tensor<4>| x.clone().reshape([0, 20]);
    let linear = |how, x: &[Tensor<4>]| {
        engine::linear(matrix(&x[0]), matrix(&x[1]), None, false, how).reshape([6, 5, 1, 1])
    };
    let alike = |rounded: Vec<Vec<f32>>, single: Vec<Vec<f32>>, what: &str| {
        for (i, (rounded, single)) in rounded.iter().zip(&single).enumerate() {
            within(limit, rounded, single, &format!("{how:?}, {what}, result {i}"));
        }
        assert_ne!(rounded[0], single[0], "{what}: nothing was rounded");
    };
    alike(run(&inputs, |x| conv(how, x)), run(&inputs, |x| conv(BURN, x)), "convolution");
    alike(run(&rows, |x| linear(how, x)), run(&rows, |x| linear(BURN, x)), "linear");
    let heads = [third([2, 3, 4, 4], 6), third([2, 3, 4, 4], 7)];
    let product = |how, x: &[Tensor<4>]| engine::product(x[0].clone(), x[1].clone(), how);
    alike(run(&heads, |x| product(how, x)), run(&heads, |x| product(BURN, x)), "product");
}

#[test]
fn batch_norm_with_sum_and_relu() {
    for channels in [1, 16, 21] {
        let x = tensor([3, channels, 5, 7], 1);
        let added = tensor([3, channels, 5, 7], 4);
        for rectified in [false, true] {
            let what = format!("{channels} channels, rectified {rectified}");
            compare(&what, &[x.clone(), vector(channels, 2), vector(channels, 3)], |how, x| {
                let after = After { added: None, rectified };
                engine::norm(x[0].clone(), flat(&x[1]), flat(&x[2]), 1e-5, after, how).0
            });
            let all = [x.clone(), vector(channels, 2), vector(channels, 3), added.clone()];
            compare(&what, &all, |how, x| {
                let after = After { added: Some(x[3].clone()), rectified };
                engine::norm(x[0].clone(), flat(&x[1]), flat(&x[2]), 1e-5, after, how).0
            });
        }
    }
}

#[test]
fn statistics_are_those_of_the_batch() {
    let x = tensor([3, 6, 5, 7], 1);
    let run = |how| {
        let (weight, bias) = (flat(&vector(6, 2)), flat(&vector(6, 3)));
        let (_, mean, variance) = engine::norm(x.clone(), weight, bias, 1e-5, After::default(), how);
        assert!(!mean.is_autodiff() && !variance.is_autodiff());
        (host(mean), host(variance))
    };
    let (expected, found) = (run(BURN), run(FAST));
    close(&found.0, &expected.0, "mean");
    close(&found.1, &expected.1, "variance");
}

#[test]
fn given_statistics_without_gradients() {
    let x = tensor([2, 10, 4, 6], 1).inner();
    let channel = |seed| flat(&vector(10, seed).inner());
    for added in [None, Some(tensor([2, 10, 4, 6], 5).inner())] {
        for rectified in [false, true] {
            let run = |how| {
                let after = After { added: added.clone(), rectified };
                let statistics = [channel(2), channel(3).abs() + 0.5];
                host(engine::norm_with(x.clone(), channel(6), channel(7), statistics, 1e-5, after, how))
            };
            close(&run(FAST), &run(BURN), "given statistics");
        }
    }
}

#[test]
fn pooling_and_means() {
    let x = tensor([2, 19, 9, 8], 1);
    compare("max pool", std::slice::from_ref(&x), |how, x| {
        engine::max_pool(x[0].clone(), [3, 3], Window { stride: [2, 2], padding: [1, 1] }, how)
    });
    compare("mean", &[x], |how, x| {
        let mean = engine::mean(x[0].clone(), how);
        let [batch, channels] = mean.dims();
        mean.reshape([batch, channels, 1, 1])
    });
}

#[test]
fn two_ways_from_a_fork() {
    let window = Window { stride: [1, 1], padding: [1, 1] };
    let inputs = [tensor([2, 6, 7, 5], 1), tensor([6, 6, 3, 3], 2)];
    compare("a fork", &inputs, |how, x| {
        let [one, other] = engine::fork(x[0].clone(), how);
        engine::conv(one, x[1].clone(), None, window, false, how) * 3.0 + other
    });
    // Where both gradients are one tensor, neither may be changed by the sum.
    compare("twice the same", &inputs[..1], |how, x| {
        let [one, other] = engine::fork(x[0].clone(), how);
        one + other
    });
}

/// Gradients that are parts of a larger tensor are summed without the rest of it.
#[test]
fn parts_of_a_larger_tensor() {
    let whole = tensor([4, 6, 7, 5], 1);
    compare("a fork", &[tensor([2, 6, 7, 5], 2)], |how, x| {
        let [one, other] = engine::fork(x[0].clone(), how);
        let both = Tensor::cat(vec![one, other], 0) * whole.clone();
        both.clone().narrow(0, 0, 2) + both.narrow(0, 2, 2)
    });
}

#[test]
#[should_panic = "only one of two ways"]
fn a_way_that_nobody_goes_back_is_noticed() {
    let x = tensor([2, 6, 7, 5], 1).require_grad();
    let [one, _] = engine::fork(x, FAST);
    let _ = one.sum().backward();
}

#[test]
fn larger_maps() {
    for (channels, size) in [(1, [14, 10]), (21, [14, 10]), (16, [13, 9]), (5, [17, 23])] {
        let all = [
            tensor([2, channels, 7, 5], 1),
            tensor([channels, 1, 3, 3], 2),
            vector(channels, 3),
            tensor([2, channels, size[0], size[1]], 4),
        ];
        let what = format!("{channels} channels to {size:?}");
        compare(&what, &all[..3], |how, x| {
            engine::upsample(x[0].clone(), x[1].clone(), flat(&x[2]), size, None, how)
        });
        compare(&what, &all, |how, x| {
            let added = Some(x[3].clone());
            engine::upsample(x[0].clone(), x[1].clone(), flat(&x[2]), size, added, how)
        });
    }
}

#[test]
fn gates_of_samples_with_one_frame_and_several() {
    for (channels, samples) in [(1, 6), (19, 6), (16, 2)] {
        let x = tensor([6, channels, 5, 3], 1);
        let gates = tensor([samples, channels, 1, 1], 2);
        let two = |x: &Tensor<4>| x.clone().reshape([samples, channels]);
        compare("gate", &[x.clone(), gates.clone()], |how, x| {
            engine::gate(x[0].clone(), two(&x[1]), None, how)
        });
        compare("gate and sum", &[x, gates, tensor([6, channels, 5, 3], 3)], |how, x| {
            engine::gate(x[0].clone(), two(&x[1]), Some(x[2].clone()), how)
        });
    }
}

#[test]
fn cross_entropy_of_many_rows() {
    for classes in [2, 16, 21] {
        let rows = 30;
        let labels: Vec<u32> = (0..rows).map(|i| (i * 7 % classes) as u32).collect();
        let shares: Vec<f32> = numbers(rows, 5).iter().map(|v| v.max(0.0)).collect();
        compare("cross-entropy", &[tensor([rows, classes, 1, 1], 1)], |how, x| {
            let scores = x[0].clone().reshape([rows, classes]);
            engine::cross_entropy(scores, labels.clone(), shares.clone(), how).reshape([rows, 1, 1, 1])
        });
    }
}

#[test]
fn linear_layers() {
    for [rows, inputs, outputs] in [[1, 1, 1], [3, 7, 5], [64, 40, 33], [70, 20, 130]] {
        let inputs =
            [tensor([rows, inputs, 1, 1], 1), tensor([outputs, inputs, 1, 1], 2), vector(outputs, 3)];
        let what = format!("linear, {rows} rows, {outputs} outputs");
        let matrix = |x: &Tensor<4>| {
            let [rows, columns, ..] = x.dims();
            x.clone().reshape([rows, columns])
        };
        for rectified in [false, true] {
            compare(&what, &inputs, |how, x| {
                let bias = Some(flat(&x[2]));
                let y = engine::linear(matrix(&x[0]), matrix(&x[1]), bias, rectified, how);
                y.reshape([rows, outputs, 1, 1])
            });
            compare(&what, &inputs[..2], |how, x| {
                engine::linear(matrix(&x[0]), matrix(&x[1]), None, rectified, how)
                    .reshape([rows, outputs, 1, 1])
            });
        }
    }
}

#[test]
fn what_is_frozen_gets_no_gradient() {
    let x = tensor([2, 8, 6, 6], 1);
    let w = tensor([8, 8, 3, 3], 2).require_grad();
    let window = Window { stride: [1, 1], padding: [1, 1] };
    let y = engine::conv(x.clone(), w.clone(), None, window, false, FAST);
    let gradients = y.sum().backward();
    assert!(x.grad(&gradients).is_none());
    assert!(w.grad(&gradients).is_some());
}

#[test]
fn layers_in_a_row_with_operators_of_burn_between_them() {
    let window = Window { stride: [1, 1], padding: [1, 1] };
    let inputs = [
        tensor([2, 4, 8, 8], 1),
        tensor([8, 4, 3, 3], 2),
        tensor([8, 8, 3, 3], 3),
        vector(8, 4),
        vector(8, 5),
    ];
    // Maps between layers are rounded: an error of 2^-9 in every layer.
    let limit = |precision| if precision == Precision::Bf16 { 5e-2 } else { 3e-4 };
    compare_within(limit, "a row of layers", &inputs, |how, x| {
        let y = engine::conv(x[0].clone(), x[1].clone(), None, window, false, how);
        let after = After { added: None, rectified: true };
        let (y, ..) = engine::norm(y, flat(&x[3]), flat(&x[4]), 1e-5, after, how);
        let z = engine::conv(y.clone(), x[2].clone(), None, window, false, how) * 2.0 + y.clone();
        let after = After { added: Some(y), rectified: true };
        engine::norm(z, flat(&x[3]), flat(&x[4]), 1e-5, after, how).0
    });
}
