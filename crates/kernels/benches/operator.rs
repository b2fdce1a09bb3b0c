//! Time of every operator on the layers of ResNet-18 and the small networks.
//!
//! `cargo bench --bench operator [-- WORDS OF A LAYER]`; prints milliseconds, "direct"
//! GFLOP/s (operations of the sum as it is written; Winograd needs fewer, and a word of two
//! bf16 does two at once) and their share of what the processor reaches in registers.
//! `RAYON_NUM_THREADS` sets the threads, `COUNTERPOINT_ISA` the instructions.
#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use counterpoint_kernels::bf16::Pairs;
use counterpoint_kernels::{Algorithm, ConvShape, Kernels, Level, conv, peak};

fn layers() -> Vec<(&'static str, ConvShape)> {
    let same = |n, size, channels, kernel| ConvShape::same(n, [size; 2], channels, kernel);
    let half = |n, size, channels, kernel| same(n, size, channels, kernel).with_stride([2, 2]);
    vec![
        ("stem 3-64@224 7x7/2", half(16, 224, [3, 64], 7)),
        ("64@56", same(16, 56, [64, 64], 3)),
        ("64-128@56/2", half(16, 56, [64, 128], 3)),
        ("64-128@56 1x1/2", half(16, 56, [64, 128], 1)),
        ("128@28", same(16, 28, [128, 128], 3)),
        ("128-256@28/2", half(16, 28, [128, 256], 3)),
        ("256@14", same(16, 14, [256, 256], 3)),
        ("256-512@14/2", half(16, 14, [256, 512], 3)),
        ("512@7", same(16, 7, [512, 512], 3)),
        ("small 1-16@32/2", half(64, 32, [1, 16], 3)),
        ("small 16-32@16/2", half(64, 16, [16, 32], 3)),
        ("small 32-64@8/2", half(64, 8, [32, 64], 3)),
        ("small 64-64@4/2", half(64, 4, [64, 64], 3)),
    ]
}

/// The best of several runs, in seconds.
fn best(mut f: impl FnMut()) -> f64 {
    f();
    let mut times = Vec::new();
    while times.len() < 5 || (times.len() < 200 && times.iter().sum::<f64>() < 0.3) {
        let start = Instant::now();
        f();
        times.push(start.elapsed().as_secs_f64());
    }
    times.into_iter().fold(f64::INFINITY, f64::min)
}

fn main() {
    let level = Level::best();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let peak = peak(level) * 1e-9;
    let threads = rayon::current_num_threads();
    println!("instructions {}, {threads} threads, at most {peak:.0} GFLOP/s", level.name());
    let passes = ["forward", "input gradient", "weight gradient"];
    println!("{:28} {:>26} {:>26} {:>26}", "ms (GFLOP/s, of the peak)", passes[0], passes[1], passes[2]);
    for (name, shape) in layers().into_iter().filter(|(n, _)| wanted.iter().all(|w| n.contains(w.as_str()))) {
        let numbers = |len: usize| (0..len).map(|i| (i % 97) as f32 / 97.0 - 0.5).collect::<Vec<f32>>();
        let (x, w, dy) =
            (numbers(shape.input_len()), numbers(shape.weight_len()), numbers(shape.output_len()));
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let print = |how: &str, times: [f64; 3]| {
            let [a, b, c] = times.map(|t| {
                let speed = shape.flops() / t * 1e-9;
                format!("{:8.2} ({speed:6.1}, {:3.0} %)", t * 1e3, 100.0 * speed / peak)
            });
            println!("{:28} {a:>26} {b:>26} {c:>26}", format!("{name} {how}"));
        };
        let how = [Algorithm::Fast, Algorithm::Exact];
        let how = if shape.kernel == [3, 3] && shape.stride == [1, 1] { &how[..] } else { &how[1..] };
        for &how in how {
            let times = [
                best(|| f32::conv(level, how, &shape, &x, &w, &mut y)),
                best(|| f32::conv_input_gradient(level, how, &shape, &dy, &w, &mut dx)),
                best(|| f32::conv_weight_gradient(level, how, &shape, &x, &dy, &mut dw)),
            ];
            print(&format!("{how:?}"), times);
        }
        let how = Algorithm::Exact;
        let (pairs_x, pairs_dy) = (Pairs::of(level, shape.inputs, &x), Pairs::of(level, shape.outputs, &dy));
        let times = [
            best(|| conv::forward_in_bf16(level, how, &shape, &pairs_x, &w, &mut y)),
            best(|| conv::input_gradient_in_bf16(level, how, &shape, &pairs_dy, &w, &mut dx)),
            best(|| conv::weight_gradient_in_bf16(level, how, &shape, &pairs_x, &pairs_dy, &mut dw)),
        ];
        print("bf16", times);
    }
}
