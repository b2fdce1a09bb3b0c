//! Maps multiplied by a number per sample and channel.

use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use counterpoint_kernels::{Kernels, Level, unwritten};

use super::extension::{Operator, Results, run};
use super::flex::{Kept, dims, maps, numbers, plain, side_by_side, there};
use super::{Arithmetic, Precision, Products, applies, or_empty};

/// `x * gates + added`: `x` is `[samples * frames, channels, h, w]` with the frames
/// of a sample side by side, `gates` `[samples, channels]`.
pub fn gate(x: Tensor<4>, gates: Tensor<2>, added: Option<Tensor<4>>, how: Arithmetic) -> Tensor<4> {
    let Some(Products { precision, .. }) = applies(&x, how) else {
        let ([images, channels, h, w], [samples, _]) = (x.dims(), gates.dims());
        let frames = x.reshape([samples, images / samples, channels, h * w]);
        let y = (frames * gates.reshape([samples, 1, channels, 1])).reshape([images, channels, h, w]);
        return match added {
            Some(added) => y + added,
            None => y,
        };
    };
    let device = x.device();
    let added = or_empty(added, &device).into_dispatch();
    Tensor::from_dispatch(
        run(Gate(precision), [x.into_dispatch(), gates.into_dispatch(), added]).swap_remove(0),
    )
}

/// Of maps, gates and what is added.
struct Gate(Precision);

/// What the gradients need.
#[derive(Clone, Debug)]
struct Saved {
    x: Kept,
    gates: FlexTensor,
    dims: [usize; 4],
}

impl Operator<3> for Gate {
    type Saved = Saved;

    fn run(self, [x, gates, added]: [FlexTensor; 3]) -> Results<Saved> {
        let dims = dims(&x);
        let (x, gates, added) = (side_by_side(x), gates.to_contiguous(), there(added).map(side_by_side));
        let mut y = unwritten(dims.iter().product());
        let more = added.as_ref().map(numbers);
        f32::gate(Level::best(), dims[1], numbers(&x), numbers(&gates), more, &mut y);
        let x = Kept::new(self.0, dims[1], x);
        Results::of((maps(y, dims), Saved { x, gates, dims }))
    }

    fn gradients(saved: Saved, upstream: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Saved { x, gates, dims } = saved;
        let dy = side_by_side(upstream);
        let (values, up, channels) = (&*x.numbers(), numbers(&dy), dims[1]);
        let mut dx = wanted[0].then(|| unwritten(up.len()));
        let of_gates = wanted[1].then(|| {
            let mut found = unwritten(numbers(&gates).len());
            let dx = dx.as_deref_mut();
            f32::gate_gradients(Level::best(), channels, values, numbers(&gates), up, dx, &mut found);
            let samples = found.len() / channels;
            plain(found, [samples, channels])
        });
        if let (Some(dx), None) = (&mut dx, &of_gates) {
            f32::gate(Level::best(), channels, up, numbers(&gates), None, dx);
        }
        [dx.map(|dx| maps(dx, dims)), of_gates, wanted[2].then(|| dy.permute(&[0, 3, 1, 2]))]
    }
}
