//! A scale of losses, which gradients in f16 need, is seen by nobody: what evaluators hand on is divided by it.

use counterpoint::grad::{Cut, Evaluator, PerRow, StepContext};
use counterpoint::host::host;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::model::Model;
use counterpoint::peers::Alone;
use counterpoint::strategy::{Dgl, MmParetoConfig, StrategyConfig};
use counterpoint::task::Classification;
use counterpoint_testkit::conformance::position;

use crate::fixture::*;

/// Boundary norms and gradients of one step whose losses are multiplied by `scale`.
fn scaled<M: Model>(evaluator: &dyn Evaluator<M>, model: &M, pareto: bool, scale: f64) -> Vec<Vec<f32>> {
    let (_, inputs) = f1();
    let task = Classification::new(3);
    let mut strategy = match pareto {
        true => StrategyConfig::from(MmParetoConfig::default()).build(&names(2)).unwrap(),
        false => Box::new(Dgl::default()),
    };
    let groups = model.groups();
    let context =
        StepContext { model, groups: &groups, inputs: &inputs, task: &task, at: position(), peers: &Alone };
    let phase = strategy.phases(context.at, model.modalities()).remove(0);
    let mut buffers = Buffers::default();
    let pass = &mut ForwardContext::train(&mut buffers).scaled(scale);
    let (gradients, record) = evaluator.evaluate(context, &phase, strategy.as_mut(), pass).unwrap();
    let norms = record.boundary_norms.values().map(|&norm| norm as f32).collect();
    let all = (0..groups.parameters().len()).filter_map(|i| Some(host(gradients.get(i)?.clone())));
    std::iter::once(norms).chain(all).collect()
}

#[test]
fn no_result_of_an_evaluator_is_scaled() {
    let (model, _) = f1();
    for pareto in [false, true] {
        // A power of two changes no bit.
        for scale in [1024.0, 0.25] {
            assert_eq!(scaled(&Cut, &model, pareto, scale), scaled(&Cut, &model, pareto, 1.0));
            assert_eq!(scaled(&PerRow, &model, pareto, scale), scaled(&PerRow, &model, pareto, 1.0));
        }
    }
}
