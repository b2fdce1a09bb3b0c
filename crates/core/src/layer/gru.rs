//! Gated recurrent units (Cho et al. 2014) with PyTorch's gates and names.

use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Int, Tensor, TensorData};

use super::Init;
use crate::engine::{self, Arithmetic};

/// Two bidirectional layers, as `torch.nn.GRU(inputs, width, num_layers=2,
/// bidirectional=True)`, on sequences of different lengths (packed semantics):
/// the backward direction starts at a sequence's own end.
///
/// ```text
/// r = s(W_ir x + b_ir + W_hr h + b_hr)      z = s(W_iz x + b_iz + W_hz h + b_hz)
/// n = tanh(W_in x + b_in + r (W_hn h + b_hn))      h' = (1 - z) n + z h
/// ```
///
/// Rows of the weights: reset, update, new. Recurrent weights start
/// orthogonal, the others Xavier-normal, biases 0.
#[derive(Module, Debug)]
pub struct Gru {
    weight_ih_l0: Param<Tensor<2>>,
    weight_hh_l0: Param<Tensor<2>>,
    bias_ih_l0: Param<Tensor<1>>,
    bias_hh_l0: Param<Tensor<1>>,
    weight_ih_l0_reverse: Param<Tensor<2>>,
    weight_hh_l0_reverse: Param<Tensor<2>>,
    bias_ih_l0_reverse: Param<Tensor<1>>,
    bias_hh_l0_reverse: Param<Tensor<1>>,
    weight_ih_l1: Param<Tensor<2>>,
    weight_hh_l1: Param<Tensor<2>>,
    bias_ih_l1: Param<Tensor<1>>,
    bias_hh_l1: Param<Tensor<1>>,
    weight_ih_l1_reverse: Param<Tensor<2>>,
    weight_hh_l1_reverse: Param<Tensor<2>>,
    bias_ih_l1_reverse: Param<Tensor<1>>,
    bias_hh_l1_reverse: Param<Tensor<1>>,
    #[module(skip)]
    arithmetic: Arithmetic,
}

/// The two directions of one layer, forward and backward.
struct Both<'a> {
    input: [(&'a Param<Tensor<2>>, &'a Param<Tensor<1>>); 2],
    hidden: [(&'a Param<Tensor<2>>, &'a Param<Tensor<1>>); 2],
}

impl Gru {
    /// With `inputs` numbers per step and a state of `width` numbers in each direction.
    pub fn new(inputs: usize, width: usize, init: &Init) -> Self {
        let ih = |name: &str, from: usize| {
            init.normal(name, [3 * width, from], (2.0 / (3 * width + from) as f64).sqrt())
        };
        let hh = |name: &str| init.orthogonal(name, [3 * width, width]);
        let bias = |name: &str| init.constant(name, [3 * width], 0.0);
        Self {
            weight_ih_l0: ih("weight_ih_l0", inputs),
            weight_hh_l0: hh("weight_hh_l0"),
            bias_ih_l0: bias("bias_ih_l0"),
            bias_hh_l0: bias("bias_hh_l0"),
            weight_ih_l0_reverse: ih("weight_ih_l0_reverse", inputs),
            weight_hh_l0_reverse: hh("weight_hh_l0_reverse"),
            bias_ih_l0_reverse: bias("bias_ih_l0_reverse"),
            bias_hh_l0_reverse: bias("bias_hh_l0_reverse"),
            weight_ih_l1: ih("weight_ih_l1", 2 * width),
            weight_hh_l1: hh("weight_hh_l1"),
            bias_ih_l1: bias("bias_ih_l1"),
            bias_hh_l1: bias("bias_hh_l1"),
            weight_ih_l1_reverse: ih("weight_ih_l1_reverse", 2 * width),
            weight_hh_l1_reverse: hh("weight_hh_l1_reverse"),
            bias_ih_l1_reverse: bias("bias_ih_l1_reverse"),
            bias_hh_l1_reverse: bias("bias_hh_l1_reverse"),
            arithmetic: init.arithmetic(),
        }
    }

    /// The states of both directions at every step. What stands after the end
    /// of a sequence has no meaning; the states before it do not depend on it.
    ///
    /// # Shapes
    /// `[batch, length, inputs]` and a true length for each sample, to two of
    /// `[batch, length, width]`, forward and backward.
    pub fn forward(&self, x: Tensor<3>, lengths: &[usize]) -> [Tensor<3>; 2] {
        let turned = Turned::new(x.dims()[1], lengths);
        let first = Both {
            input: [
                (&self.weight_ih_l0, &self.bias_ih_l0),
                (&self.weight_ih_l0_reverse, &self.bias_ih_l0_reverse),
            ],
            hidden: [
                (&self.weight_hh_l0, &self.bias_hh_l0),
                (&self.weight_hh_l0_reverse, &self.bias_hh_l0_reverse),
            ],
        };
        let second = Both {
            input: [
                (&self.weight_ih_l1, &self.bias_ih_l1),
                (&self.weight_ih_l1_reverse, &self.bias_ih_l1_reverse),
            ],
            hidden: [
                (&self.weight_hh_l1, &self.bias_hh_l1),
                (&self.weight_hh_l1_reverse, &self.bias_hh_l1_reverse),
            ],
        };
        let states = first.run(x, &turned, self.arithmetic);
        second.run(Tensor::cat(states.to_vec(), 2), &turned, self.arithmetic)
    }
}

impl Both<'_> {
    fn run(&self, x: Tensor<3>, turned: &Turned, how: Arithmetic) -> [Tensor<3>; 2] {
        let direction = |x: Tensor<3>, i: usize| {
            let [batch, length, inputs] = x.dims();
            let (weight, bias) = (self.input[i].0.val(), self.input[i].1.val());
            let gates = bias.dims()[0];
            let entering =
                engine::linear(x.reshape([batch * length, inputs]), weight, Some(bias), false, how);
            let (weight, bias) = (self.hidden[i].0.val(), self.hidden[i].1.val());
            engine::gru(entering.reshape([batch, length, gates]), weight, bias)
        };
        match engine::applies(&x, how) {
            Some(_) => {
                let backward = direction(turned.turn(x.clone()), 1);
                [direction(x, 0), turned.turn(backward)]
            }
            None => self.composed(x, turned, how),
        }
    }

    /// Both directions side by side: one graph of half as many nodes.
    fn composed(&self, x: Tensor<3>, turned: &Turned, how: Arithmetic) -> [Tensor<3>; 2] {
        let [batch, length, inputs] = x.dims();
        let width = self.hidden[0].0.dims()[1];
        // What enters the gates, of all steps at once.
        let backward = turned.turn(x.clone());
        let x = Tensor::<3>::stack::<4>(vec![x, backward], 0).reshape([2, batch * length, inputs]);
        let (weight, bias) = stacked(&self.input);
        let entering = (engine::product(x, weight, how) + bias).reshape([2, batch, length, 3 * width]);
        let steps = split(entering.permute([2, 0, 1, 3])); // length of [1, 2, batch, 3 width]

        let (weight, bias) = stacked(&self.hidden);
        let mut state = Tensor::<3>::zeros([2, batch, width], &weight.device());
        let mut states = Vec::with_capacity(length);
        for step in steps {
            let step = step.reshape([2, batch, 3 * width]);
            let recurrent = engine::product(state.clone(), weight.clone(), how) + bias.clone();
            let gates =
                sigmoid(step.clone().narrow(2, 0, 2 * width) + recurrent.clone().narrow(2, 0, 2 * width));
            let (reset, update) = (gates.clone().narrow(2, 0, width), gates.narrow(2, width, width));
            let new = tanh(step.narrow(2, 2 * width, width) + reset * recurrent.narrow(2, 2 * width, width));
            state = new.clone() + update * (state - new);
            states.push(state.clone());
        }
        let states = Tensor::<3>::stack::<4>(states, 2); // [2, batch, length, width]
        let direction = |i: usize| states.clone().narrow(0, i, 1).reshape([batch, length, width]);
        [direction(0), turned.turn(direction(1))]
    }
}

/// Weights and biases of two directions for a batched product: `[2, in, out]`, `[2, 1, out]`.
fn stacked(of: &[(&Param<Tensor<2>>, &Param<Tensor<1>>); 2]) -> (Tensor<3>, Tensor<3>) {
    let weight = Tensor::stack::<3>(of.iter().map(|(w, _)| w.val()).collect(), 0).swap_dims(1, 2);
    let bias = Tensor::stack::<2>(of.iter().map(|(_, b)| b.val()).collect(), 0);
    let [_, outputs] = bias.dims();
    (weight, bias.reshape([2, 1, outputs]))
}

/// The entries along the first axis. Halving again and again instead of
/// cutting each entry from the whole: the gradient of a cut is as large as
/// what it was cut from, so a sequence would cost the square of its length.
fn split(x: Tensor<4>) -> Vec<Tensor<4>> {
    match x.dims()[0] {
        1 => vec![x],
        length => {
            let half = length / 2;
            let mut entries = split(x.clone().narrow(0, 0, half));
            entries.extend(split(x.narrow(0, half, length - half)));
            entries
        }
    }
}

/// The order of steps in which every sequence runs backward from its own end
/// and padding stays where it is. Turning twice changes nothing.
struct Turned {
    index: Vec<i64>,
}

impl Turned {
    fn new(length: usize, lengths: &[usize]) -> Self {
        let step = |(sample, &end): (usize, &usize)| {
            let turned = move |i: usize| if i < end { end - 1 - i } else { i };
            (0..length).map(move |i| (sample * length + turned(i)) as i64)
        };
        Self { index: lengths.iter().enumerate().flat_map(step).collect() }
    }

    fn turn(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, length, width] = x.dims();
        let index = TensorData::new(self.index.clone(), [self.index.len()]);
        let index = Tensor::<1, Int>::from_data(index, &x.device());
        x.reshape([batch * length, width]).select(0, index).reshape([batch, length, width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Convolution;
    use crate::host::host;
    use burn::tensor::Device;

    fn sequence(batch: usize, length: usize, width: usize) -> Tensor<3> {
        let values: Vec<f32> = (0..batch * length * width).map(|i| (i as f32 * 0.7).sin()).collect();
        Tensor::from_data(TensorData::new(values, [batch, length, width]), &Device::flex())
    }

    /// Scalar weights: every gate sees `0.5 x + 0.25 h`, biases zero, one layer by hand.
    #[test]
    fn one_direction_of_one_layer_by_hand() {
        let device = Device::flex();
        let w = |v: f32| Param::from_tensor(Tensor::<2>::full([3, 1], v, &device));
        let b = || Param::from_tensor(Tensor::<1>::zeros([3], &device));
        let (ih, hh, bias) = (w(0.5), w(0.25), b());
        let both = Both { input: [(&ih, &bias); 2], hidden: [(&hh, &bias); 2] };
        let x = Tensor::<3>::from_data([[[1.0], [-2.0]]], &device);
        let runs = [
            both.run(x.clone(), &Turned::new(2, &[2]), Convolution::Fast.into()),
            both.composed(x, &Turned::new(2, &[2]), Convolution::Burn.into()),
        ];
        let s = |v: f32| 1.0 / (1.0 + (-v).exp());
        let step = |x: f32, h: f32| {
            let gate = s(0.5 * x + 0.25 * h);
            let new = (0.5 * x + gate * 0.25 * h).tanh();
            (1.0 - gate) * new + gate * h
        };
        let h1 = step(1.0, 0.0);
        let b2 = step(-2.0, 0.0);
        let expected = [h1, step(-2.0, h1), step(1.0, b2), b2];
        for [forward, backward] in runs {
            let got = [host(forward), host(backward)].concat();
            assert!(got.iter().zip(expected).all(|(g, e)| (g - e).abs() < 1e-6), "{got:?} {expected:?}");
        }
    }

    /// States of both directions, then gradients of the input and of some of every kind of weight.
    fn with_gradients(gru: &Gru, x: &Tensor<3>, lengths: &[usize]) -> Vec<Vec<f32>> {
        let x = x.clone().require_grad();
        let [forward, backward] = gru.forward(x.clone(), lengths);
        let weigh = |states: Tensor<3>, shift: f64| (states.clone() * states.add_scalar(shift)).sum();
        let mut tape = (weigh(forward.clone(), 0.3) + weigh(backward.clone(), -0.7)).backward();
        let mut all = vec![host(forward), host(backward), host(x.grad(&tape).unwrap())];
        for weight in [&gru.weight_ih_l0, &gru.weight_hh_l0_reverse, &gru.weight_hh_l1] {
            all.push(host(weight.val().grad_remove(&mut tape).unwrap()));
        }
        for bias in [&gru.bias_hh_l0, &gru.bias_ih_l0_reverse, &gru.bias_hh_l1_reverse] {
            all.push(host(bias.val().grad_remove(&mut tape).unwrap()));
        }
        all
    }

    #[test]
    fn the_kernels_compute_what_burn_composes() {
        let device = Device::flex().autodiff();
        let gru = Gru { arithmetic: Convolution::Fast.into(), ..Gru::new(3, 5, &Init::new(5, &device)) };
        let composed = Gru { arithmetic: Convolution::Burn.into(), ..gru.clone() };
        let x = Tensor::from_data(sequence(4, 6, 3).into_data(), &device);
        let run = |gru: &Gru| with_gradients(gru, &x, &[6, 1, 4, 5]);
        for (part, (found, expected)) in run(&gru).iter().zip(run(&composed)).enumerate() {
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-5 * (1.0 + b.abs()), "part {part}: {a} instead of {b}");
            }
        }
    }

    #[test]
    fn padding_does_not_reach_what_is_real() {
        let gru = Gru::new(3, 4, &Init::new(5, &Device::flex()));
        let x = sequence(1, 5, 3);
        let run = |x: Tensor<3>, end| {
            let real = |y: Tensor<3>| host(y.inner().narrow(1, 0, 3));
            gru.forward(x, &[end]).map(real)
        };
        let short = run(x.clone().narrow(1, 0, 3), 3);
        let padded = run(x.clone(), 3);
        for (a, b) in short.iter().flatten().zip(padded.iter().flatten()) {
            assert!((a - b).abs() < 1e-6);
        }
        // The backward direction of the longer sequence has seen more.
        assert_ne!(run(x, 5)[1], padded[1]);
    }

    #[test]
    fn splitting_keeps_the_order() {
        let x = sequence(1, 7, 2).swap_dims(0, 1).reshape([7, 1, 1, 2]);
        let whole = host(x.clone());
        assert_eq!(split(x).into_iter().flat_map(host).collect::<Vec<_>>(), whole);
    }
}
