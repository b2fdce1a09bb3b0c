//! What Burn does differently from what this library promises: each trap has a
//! test that fails if we step into it.

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint::grad::Cut;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{BatchNorm, BufferKey, Buffers, ForwardContext, Init};
use counterpoint::modality::Modalities;
use counterpoint::model::Model;
use counterpoint::step::Position;
use counterpoint::step::{Gradients, Group, LossTerm, Phase, Routing, StepOutputs};
use counterpoint::strategy::Strategy;
use counterpoint::task::Classification;
use counterpoint::train::{OptimizerConfig, TrainState};
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{Named, evaluate, model, parts};
use counterpoint_testkit::parameters::values;
use counterpoint_testkit::problem::Problem;

use crate::fixture::*;

fn problem() -> (Problem, Inputs) {
    let problem = Problem::new(2, 9, 9, 3);
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    (problem, inputs)
}

#[test]
fn trap_1_rows_share_features_and_each_has_its_own_backward() {
    // With one graph for all terms the second backward would panic or find nothing.
    let (model, inputs) = f1();
    let unimodal = |m, term| Routing::default().with(term, Group::Encoder(m), 1.0);
    let task = Classification::new(3);
    let of = |w: Routing| step(&model, &inputs, &task, &mut Fixed(w)).gradients;
    let together = of(unimodal(A, LossTerm::Fused).with(LossTerm::Unimodal(A), Group::Encoder(A), 1.0));
    let [fused, unimodal] = [LossTerm::Fused, LossTerm::Unimodal(A)].map(|term| of(unimodal(A, term)));
    let name = "encoder.audio.shift";
    let sum: Vec<f64> = (0..2).map(|i| f64::from(fused[name][i]) + f64::from(unimodal[name][i])).collect();
    near(&together[name], &sum, 1e-6);
}

/// The parameters before and after a step in which the head is sent nothing,
/// or zeros, once momentum has built up.
fn stepped(optimizer: OptimizerConfig, zeros: bool) -> (Named, Named) {
    let (model, inputs) = f1();
    let mut state = TrainState::new(model, optimizer, Box::new(dgl(1.0)));
    let encoder = Routing::default().with(LossTerm::Fused, Group::Encoder(A), 1.0);
    let both = encoder.clone().with(LossTerm::Fused, Group::Head, 1.0);
    let mut states = Vec::new();
    for (routing, zeros) in [(both, false), (encoder, zeros)] {
        let TrainState { model, groups, .. } = &state;
        let mut gradients = mixed(model, groups, &inputs, &Classification::new(3), &mut Fixed(routing));
        for (i, p) in groups.parameters().iter().enumerate().filter(|_| zeros) {
            if p.group == Group::Head {
                let count: usize = p.shape.iter().product();
                gradients.set(i, Some(Tensor::zeros([count], &Device::flex())));
            }
        }
        state.model = state.optimizer.step(state.model.clone(), gradients, &state.groups, 1.0);
        states.push(values(&state.model, &state.groups));
    }
    let after = states.pop().unwrap();
    (states.pop().unwrap(), after)
}

#[test]
fn trap_2_weight_zero_moves_nothing_a_zero_gradient_does() {
    for optimizer in [sgd(0.1, 0.9, 0.0), sgd(0.1, 0.0, 0.1), adam(0.1, 1.0)] {
        let (before, after) = stepped(optimizer.clone(), false);
        assert_eq!(before["head.weight"], after["head.weight"], "{optimizer:?}");
        assert_ne!(before["encoder.audio.shift"], after["encoder.audio.shift"], "{optimizer:?}");
        let (before, after) = stepped(optimizer.clone(), true);
        assert_ne!(before["head.weight"], after["head.weight"], "{optimizer:?}");
    }
}

/// Looks at everything and trains nothing but one encoder.
struct Looks(Vec<LossTerm>);

impl Strategy for Looks {
    fn phases(&self, _: Position, _: &Modalities) -> Vec<Phase> {
        vec![Phase::of([LossTerm::Unimodal(B)]).probing(self.0.clone())]
    }

    fn route(&mut self, _: &StepOutputs<'_>, _: &Modalities) -> Result<Routing, counterpoint::Error> {
        Ok(Routing::default().with(LossTerm::Unimodal(B), Group::Encoder(B), 1.0))
    }
}

#[test]
fn trap_3_looking_moves_no_statistics() {
    let (problem, inputs) = problem();
    let model = model(problem.modalities(), &parts()[0], false, 3, 1).unwrap();
    let moved = |strategy: &mut dyn Strategy| {
        let mut buffers = Buffers::default();
        let task = Classification::new(3);
        evaluate(&Cut, &model, &inputs, &task, strategy, &mut buffers).unwrap();
        buffers.iter().count()
    };
    // Only the audio encoder has batch norm: two layers.
    assert_eq!(moved(&mut Looks(vec![LossTerm::Fused, LossTerm::Unimodal(A)])), 0);
    assert_eq!(moved(&mut dgl(1.0)), 2);
}

#[test]
fn trap_4_statistics_of_a_copy_are_its_own() {
    let (problem, inputs) = problem();
    let model = model(problem.modalities(), &parts()[0], false, 3, 1).unwrap();
    let mut state = TrainState::new(model, sgd(0.1, 0.0, 0.0), Box::new(dgl(1.0)));
    let train = |model: &_, buffers: &mut Buffers| {
        let task = Classification::new(3);
        evaluate(&Cut, model, &inputs, &task, &mut dgl(1.0), buffers).unwrap();
    };
    train(&state.model, &mut state.buffers);
    let means = |buffers: &Buffers| -> Vec<Vec<f32>> {
        buffers.iter().map(|(_, _, running)| host(running.mean.clone())).collect()
    };
    let before = means(&state.buffers);
    let (copy, mut copied) = (state.model.clone(), state.buffers.clone());
    train(&copy, &mut copied);
    assert_eq!(before, means(&state.buffers), "training a copy changed the original");
    assert_ne!(before, means(&copied), "the copy did train");
}

#[test]
fn trap_5_the_clip_is_over_all_parameters_and_momentum_has_no_dampening() {
    let (model, inputs) = f1();
    let groups = model.groups();
    let mut gradients = mixed(&model, &groups, &inputs, &Classification::new(3), &mut dgl(4.0));
    let norms = |g: &Gradients| [g.norm(|i| i == 0), g.norm(|i| i == 1)];
    let [loud, quiet] = norms(&gradients);
    let max = f64::midpoint(loud, quiet);
    gradients.clip(max);
    // Tensor by tensor, only the loud one would shrink.
    let [clipped, also] = norms(&gradients);
    assert!(quiet < max && also < 0.99 * quiet, "{quiet} {also}");
    assert!((clipped / also - loud / quiet).abs() < 1e-3 * loud / quiet);
    assert!(gradients.norm(|_| true) <= max);
    // Two equal gradients: the second step is 1.9 times the first, not 1.8.
    let mut state = TrainState::new(model, sgd(0.1, 0.9, 0.0), Box::new(dgl(1.0)));
    let mut at = vec![values(&state.model, &groups)["head.bias"][0]];
    for _ in 0..2 {
        let same = gradients.clone();
        state.model = state.optimizer.step(state.model.clone(), same, &groups, 1.0);
        at.push(values(&state.model, &groups)["head.bias"][0]);
    }
    assert!(((at[2] - at[1]) / (at[1] - at[0]) - 1.9).abs() < 1e-4, "{at:?}");
}

#[test]
fn trap_6_running_variance_is_unbiased_and_the_mode_is_explicit() {
    let norm = BatchNorm::new(1, &Init::new(0, &Device::flex()));
    // Values 1, 2, 3, 6: mean 3, biased variance 3.5, unbiased 14/3.
    let data = TensorData::new(vec![1.0_f32, 2.0, 3.0, 6.0], [2, 1, 2, 1]);
    let mut buffers = Buffers::default();
    let id = norm.weight.id;
    // A plain input and an autodiff input both train if the pass says so.
    for device in [Device::flex(), Device::flex().autodiff()] {
        let mut buffers = Buffers::default();
        let y =
            norm.forward(Tensor::from_data(data.clone(), &device), &mut ForwardContext::train(&mut buffers));
        let scale = (3.5_f64 + 1e-5).sqrt();
        near(&host(y), &[-2.0, -1.0, 0.0, 3.0].map(|v| v / scale), 1e-5);
        let running = buffers.get(id, BufferKey::Single).unwrap();
        near(&host(running.mean.clone()), &[0.3], 1e-6);
        near(&host(running.variance.clone()), &[0.9 + 0.1 * 14.0 / 3.0], 1e-6);
    }
    norm.forward(Tensor::from_data(data.clone(), &Device::flex()), &mut ForwardContext::train(&mut buffers));
    for device in [Device::flex(), Device::flex().autodiff()] {
        let y = norm.forward(Tensor::from_data(data.clone(), &device), &mut ForwardContext::eval(&buffers));
        let scale = (0.9 + 0.1 * 14.0 / 3.0 + 1e-5_f64).sqrt();
        near(&host(y), &[1.0, 2.0, 3.0, 6.0].map(|v| (v - 0.3) / scale), 1e-5);
    }
    // One pass moves a buffer once; a probe not at all.
    let mut once = Buffers::default();
    let mut pass = ForwardContext::train(&mut once);
    let x = || Tensor::from_data(data.clone(), &Device::flex());
    pass.probe(|pass| norm.forward(x(), pass));
    norm.forward(x(), &mut pass);
    norm.forward(x(), &mut pass);
    near(&host(once.get(id, BufferKey::Single).unwrap().mean.clone()), &[0.3], 1e-6);
}
