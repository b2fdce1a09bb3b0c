//! Gated recurrent units through all steps at once.

use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use counterpoint_kernels::gru::{GruPass, GruShape, SAVED};
use counterpoint_kernels::{Kernels, Level, unwritten};

use super::extension::{Operator, Results, run};
use super::flex::{numbers, plain};

/// The states of one direction, `[samples, steps, width]`, from what enters its gates,
/// `[samples, steps, 3 width]`, recurrent weights `[3 width, width]` and biases. Only
/// where the kernels compute ([`applies`](super::applies)): in Burn it takes a graph for each step.
pub fn gru(entering: Tensor<3>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<3> {
    let tensors = [entering.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
    Tensor::from_dispatch(run(Gru, tensors).swap_remove(0))
}

/// Of what enters, weights and bias.
struct Gru;

/// What the gradients need.
#[derive(Clone, Debug)]
struct Saved {
    weight: FlexTensor,
    states: FlexTensor,
    /// What the kernel saved.
    gates: FlexTensor,
    shape: GruShape,
}

impl Operator<3> for Gru {
    type Saved = Saved;

    fn run(self, [entering, weight, bias]: [FlexTensor; 3]) -> Results<Saved> {
        let [samples, steps, gates] = [0, 1, 2].map(|i| entering.layout().shape()[i]);
        let shape = GruShape { samples, steps, width: gates / 3 };
        let (entering, weight, bias) =
            (entering.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let (mut states, mut gates) = (unwritten(shape.len()), unwritten(SAVED * shape.len()));
        f32::gru(
            Level::best(),
            &shape,
            numbers(&entering),
            numbers(&weight),
            numbers(&bias),
            &mut states,
            &mut gates,
        );
        let states = plain(states, [samples, steps, shape.width]);
        let gates = plain(gates, [samples, steps, SAVED * shape.width]);
        Results::of((states.clone(), Saved { weight, states, gates, shape }))
    }

    fn gradients(saved: Saved, upstream: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Saved { weight, states, gates, shape } = saved;
        let (level, upstream) = (Level::best(), upstream.to_contiguous());
        let pass = GruPass { states: numbers(&states), saved: numbers(&gates), upstream: numbers(&upstream) };
        let (mut of_entering, mut of_recurrent) = (unwritten(3 * shape.len()), unwritten(3 * shape.len()));
        f32::gru_gradient(level, &shape, pass, numbers(&weight), &mut of_entering, &mut of_recurrent);
        let of_weight = wanted[1].then(|| {
            let mut found = unwritten(numbers(&weight).len());
            f32::gru_weight_gradient(level, &shape, numbers(&states), &of_recurrent, &mut found);
            plain(found, [3 * shape.width, shape.width])
        });
        let of_bias = wanted[2]
            .then(|| plain(f32::bias_gradient(level, 3 * shape.width, &of_recurrent), [3 * shape.width]));
        let of_entering =
            wanted[0].then(|| plain(of_entering, [shape.samples, shape.steps, 3 * shape.width]));
        [of_entering, of_weight, of_bias]
    }
}
