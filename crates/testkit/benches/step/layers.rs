//! What each kind of layer of ResNet-18, and ESANet's upsampling, costs, forward and backward.

use std::time::Instant;

use burn::tensor::activation::relu;
use burn::tensor::{Tensor, TensorData};
use counterpoint::engine::{self, Window};
use counterpoint::layer::{BatchNorm, Buffers, Conv2d, ForwardContext, Init, LearnedUpsample, Linear};
use counterpoint_testkit::device::device;
use counterpoint_testkit::fill::fill_f32;

/// Prints the median milliseconds of each layer at the sizes that a picture of 224 x 224 has there.
#[expect(clippy::print_stdout, reason = "a command")]
pub fn time(batch: usize, rounds: usize) {
    let init = Init::new(0, &device());
    println!("layers of ResNet-18, batch {batch}, {rounds} rounds");
    let conv = |name: &str, [from, to]: [usize; 2], kernel, stride, side| {
        let layer = Conv2d::new([from, to], kernel, stride, kernel / 2, &init.part(name));
        report(name, rounds, [batch, from, side, side], |x| layer.forward(x));
    };
    conv("conv 7x7, 3 to 64, 224", [3, 64], 7, 2, 224);
    conv("conv 3x3, 64 to 64, 56", [64, 64], 3, 1, 56);
    conv("conv 3x3, 64 to 128, 56", [64, 128], 3, 2, 56);
    conv("conv 1x1, 64 to 128, 56", [64, 128], 1, 2, 56);
    conv("conv 3x3, 128 to 128, 28", [128, 128], 3, 1, 28);
    conv("conv 3x3, 256 to 256, 14", [256, 256], 3, 1, 14);
    conv("conv 3x3, 512 to 512, 7", [512, 512], 3, 1, 7);
    for (channels, side) in [(64, 112), (64, 56), (128, 28), (256, 14), (512, 7)] {
        let layer = BatchNorm::new(channels, &init.part(channels));
        let name = format!("batch norm, {channels}, {side}");
        report(&name, rounds, [batch, channels, side, side], |x| {
            layer.forward(x, &mut ForwardContext::train(&mut Buffers::default()))
        });
    }
    let pool = |x| {
        let window = Window { stride: [2, 2], padding: [1, 1] };
        engine::max_pool(x, [3, 3], window, init.arithmetic())
    };
    report("relu, 64, 112", rounds, [batch, 64, 112, 112], relu);
    report("max pool, 64, 112", rounds, [batch, 64, 112, 112], pool);
    let upsample = LearnedUpsample::new(128, &init.part("upsample"));
    report("upsample, 128, 30", rounds, [batch, 128, 30, 30], |x| upsample.forward(x, [60, 60]));
    report("sum of two, 64, 56", rounds, [batch, 64, 56, 56], |x| x.clone() + x);
    let linear = Linear::new(1024, 10, &init.part("head"));
    report("linear, 1024 to 10", rounds, [batch, 1024, 1, 1], |x| {
        linear.forward(x.reshape([batch, 1024])).reshape([batch, 10, 1, 1])
    });
}

#[expect(clippy::print_stdout, reason = "a command")]
fn report(name: &str, rounds: usize, shape: [usize; 4], layer: impl Fn(Tensor<4>) -> Tensor<4>) {
    let place = device().autodiff();
    let values = fill_f32("layers", shape.iter().product(), 1.0);
    let x = Tensor::<4>::from_data(TensorData::new(values, shape), &place).require_grad();
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    for round in 0..rounds + 2 {
        wait();
        let begun = Instant::now();
        let y = layer(x.clone());
        wait();
        let middle = Instant::now();
        let tape = (y.clone() * y.detach()).sum().backward();
        wait();
        drop(tape);
        // The first rounds compile kernels.
        if round >= 2 {
            forward.push((middle - begun).as_secs_f64() * 1e3);
            backward.push(middle.elapsed().as_secs_f64() * 1e3);
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    println!(
        "{name:>26}: {:8.3} ms forward, {:8.3} ms backward",
        median(&mut forward),
        median(&mut backward)
    );
}

fn wait() {
    device().sync().expect("the device finishes");
}
