//! How often encoders run in a batch.

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, PerRow};
use counterpoint::input::Inputs;
use counterpoint::layer::Buffers;
use counterpoint::model::Model;
use counterpoint::strategy::{Dgl, Joint, MmParetoConfig, Strategy, StrategyConfig};
use counterpoint::task::Classification;
use counterpoint_batch::BatchSource;
use counterpoint_testkit::conformance::{evaluate, model, parts};
use counterpoint_testkit::problem::Problem;

/// Forward and backward runs of encoders in the phases of one batch.
fn runs<M: Model>(
    evaluator: &dyn Evaluator<M>,
    model: &M,
    inputs: &Inputs,
    strategy: &mut dyn Strategy,
) -> usize {
    let buffers = &mut Buffers::default();
    let seen = evaluate(evaluator, model, inputs, &Classification::new(3), strategy, buffers).unwrap();
    seen.iter().map(|phase| phase.record.encoder_runs).sum()
}

#[test]
fn dgl_runs_encoders_as_often_as_joint_training_and_rows_apart_more_often() {
    let problem = Problem::new(2, 6, 6, 3);
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    let model = model(problem.modalities(), &parts()[0], true, 3, 1).unwrap();
    let dgl =
        || Dgl { alpha: 2.0.into(), truncate_multimodal: true, truncate_unimodal: true, ..Dgl::default() };
    let pareto = StrategyConfig::from(MmParetoConfig::default());
    let mut pareto = pareto.build(model.modalities()).unwrap();
    // Two encoders, each forward and backward.
    assert_eq!(runs(&Cut, &model, &inputs, &mut Joint {}), 4);
    assert_eq!(runs(&Cut, &model, &inputs, &mut dgl()), 4);
    // The fused row and one of each modality, whose gradients stay apart.
    assert_eq!(runs(&Cut, &model, &inputs, pareto.as_mut()), 8);
    assert_eq!(runs(&PerRow, &model, &inputs, &mut Joint {}), 4);
    assert_eq!(runs(&PerRow, &model, &inputs, &mut dgl()), 8);
}
