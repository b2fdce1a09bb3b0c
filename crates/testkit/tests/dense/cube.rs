//! Sequences: padding, absent modalities, and DGL with three modalities.

use burn::tensor::Device;
use counterpoint::grad::{Cut, PerRow};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::{Modality, Present};
use counterpoint::model::sequence::{GruConfig, LinearStepsConfig, SequenceConfig};
use counterpoint::model::{AnyModel, CubeMlpConfig, Model, ModelConfig};
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Dgl, StrategyConfig};
use counterpoint::task::{Classification, Task};
use counterpoint_batch::{Array, Batch, BatchSource, ModalitySpec, Sample, Target};
use counterpoint_testkit::conformance::{Named, cubes, evaluate, same};
use counterpoint_testkit::finite_difference::{derivative, direction};
use counterpoint_testkit::problem::Problem;

fn build(config: &ModelConfig, data: &[ModalitySpec]) -> AnyModel {
    config.build(data, 3, false, 1, &Device::flex()).unwrap()
}

fn scores(model: &AnyModel, batch: Batch, term: LossTerm) -> Vec<f32> {
    let samples: Vec<usize> = (0..batch.len()).collect();
    let inputs = Inputs::new(batch, &Device::flex());
    let buffers = Buffers::default();
    let scored = model.forward(&[(term, samples)], &inputs, &mut ForwardContext::eval(&buffers)).remove(0);
    host(scored.scores.inner())
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4)
}

/// A sample beside longer ones gives what it gives alone, where nothing is padded.
#[test]
fn a_padded_batch_gives_what_each_sample_gives_alone() {
    let problem = Problem::sequences(3, 7, 7, 3);
    for config in cubes() {
        let model = build(&config, problem.modalities());
        let together = scores(&model, problem.whole(), LossTerm::Fused);
        for i in 0..7 {
            let alone = scores(&model, problem.sample(i), LossTerm::Fused);
            assert!(close(&alone, &together[i * 3..i * 3 + 3]), "{config:?}, sample {i}");
        }
    }
}

/// The same with what stands in the padding changed: nobody looks at it.
#[test]
fn nobody_looks_at_padding() {
    let problem = Problem::sequences(2, 7, 7, 3);
    for config in cubes() {
        let model = build(&config, problem.modalities());
        let clean = scores(&model, problem.whole(), LossTerm::Fused);
        let changed = |real: bool| {
            let mut batch = problem.whole();
            for input in &mut batch.inputs {
                let lengths = input.lengths.clone().unwrap();
                let [_, steps, ..] = *input.array.shape() else { panic!("sequences") };
                let width = input.array.values().len() / (lengths.len() * steps);
                let values = input.array.values().iter().enumerate().map(|(at, v)| {
                    let (sample, step) = (at / width / steps, at / width % steps);
                    if (step < lengths[sample]) == real { v + 1.0 } else { *v }
                });
                input.array = Array::new(input.array.shape().to_vec(), values.collect()).unwrap();
            }
            // Every id stays below the vocabulary's nine.
            let ids = batch.inputs[1].array.values().iter().map(|v| v.min(8.0)).collect();
            batch.inputs[1].array = Array::new(batch.inputs[1].array.shape().to_vec(), ids).unwrap();
            scores(&model, batch, LossTerm::Fused)
        };
        assert!(close(&changed(false), &clean), "{config:?}");
        assert!(!close(&changed(true), &clean), "{config:?}");
    }
}

#[test]
fn absent_modalities_give_finite_scores_whatever_is_present() {
    let problem = Problem::sequences(3, 5, 5, 3);
    for config in cubes() {
        let model = build(&config, problem.modalities());
        for present in Present::all(3).subsets() {
            let scores = scores(&model, problem.whole(), LossTerm::showing(present, 3));
            assert!(scores.iter().all(|v| v.is_finite()), "{config:?}, {present:?}");
        }
    }
}

#[test]
fn permuting_the_batch_permutes_the_scores() {
    let problem = Problem::sequences(3, 5, 5, 3);
    for config in cubes() {
        let model = build(&config, problem.modalities());
        let there = scores(&model, problem.whole(), LossTerm::Fused);
        let back: Vec<f32> =
            (0..5).rev().flat_map(|i| scores(&model, problem.sample(i), LossTerm::Fused)).collect();
        let expected: Vec<f32> = there.chunks(3).rev().flatten().copied().collect();
        assert!(close(&back, &expected), "{config:?}");
        assert!(!close(&there, &expected), "the scores differ from sample to sample");
    }
}

/// Three modalities: the fast evaluator is the two-pass procedure, and alpha does not
/// reach the fusion.
#[test]
fn one_backward_is_the_two_pass_procedure_and_alpha_leaves_the_fusion_alone() {
    let problem = Problem::sequences(3, 9, 9, 3);
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    let task = Classification::new(3);
    for config in cubes() {
        let model = build(&config, problem.modalities());
        let gradients = |alpha: f64, fast: bool| -> Named {
            let dgl = StrategyConfig::from(Dgl {
                alpha: alpha.into(),
                truncate_multimodal: true,
                truncate_unimodal: true,
                ..Dgl::default()
            });
            let mut dgl = dgl.build(model.modalities()).unwrap();
            let buffers = &mut Buffers::default();
            let mut seen = match fast {
                true => evaluate(&Cut, &model, &inputs, &task, dgl.as_mut(), buffers),
                false => evaluate(&PerRow, &model, &inputs, &task, dgl.as_mut(), buffers),
            }
            .unwrap();
            seen.remove(0).gradients
        };
        same(&gradients(2.0, true), &gradients(2.0, false), 1e-6).unwrap();
        let (quiet, loud) = (gradients(2.0, true), gradients(4.0, true));
        for (name, values) in &quiet {
            // A vector is a sequence of one step: no recurrent weight sees it, and its attention
            // is 1 whatever queries and keys are.
            let of_several = ["weight_hh", "attention.queries", "attention.keys"];
            let unseen = of_several.iter().any(|w| name.contains(w)) && values.iter().all(|v| *v == 0.0);
            match name.starts_with("encoder.") && !unseen {
                true => assert_ne!(values, &loud[name], "{name}"),
                false => assert_eq!(values, &loud[name], "{name}"),
            }
        }
    }
}

/// Three modalities: finite differences of the losses that the groups listen to. The
/// first layer norm over modalities is nearly a sign function in unimodal terms, so the step
/// is small and only its own numbers are judged at a coarse tolerance.
#[test]
fn gradients_are_finite_differences_of_what_each_group_hears() {
    let problem = Problem::sequences(3, 6, 6, 3);
    let inputs = Inputs::new(problem.whole(), &Device::flex());
    let task = Classification::new(3);
    // No norm over modalities as steep as that: one block, and no dropout, which draws by step.
    let config = ModelConfig::new(CubeMlpConfig {
        encoder: SequenceConfig::new(GruConfig { embedding: None }),
        channels: 4,
        blocks: vec![[3, 3, 4]],
        dropout: 0.0,
        ..CubeMlpConfig::default()
    });
    let model = build(&config, problem.modalities());
    let groups = model.groups();
    let dgl = StrategyConfig::from(Dgl {
        alpha: 2.0.into(),
        truncate_multimodal: true,
        truncate_unimodal: true,
        ..Dgl::default()
    });
    let mut dgl = dgl.build(model.modalities()).unwrap();
    let buffers = &mut Buffers::default();
    let gradients =
        evaluate(&Cut, &model, &inputs, &task, dgl.as_mut(), buffers).unwrap().remove(0).gradients;
    let loss = |model: &AnyModel, term: LossTerm| {
        let all: Vec<usize> = (0..inputs.samples()).collect();
        let mut buffers = Buffers::default();
        let scored = model
            .forward(&[(term, all.clone())], &inputs, &mut ForwardContext::train(&mut buffers))
            .remove(0);
        f64::from(host(task.loss(scored.scores.inner(), &inputs.targets_of(&all)))[0])
    };
    let hears = |name: &str, model: &AnyModel| match name.split('.').nth(1) {
        Some("audio") => 2.0 * loss(model, LossTerm::Unimodal(Modality(0))),
        Some("image") => 2.0 * loss(model, LossTerm::Unimodal(Modality(1))),
        Some("text") => 2.0 * loss(model, LossTerm::Unimodal(Modality(2))),
        _ => loss(model, LossTerm::Fused),
    };
    for name in [
        "encoder.image.embedding.weight",
        "encoder.audio.steps.weight_hh_l0",
        "encoder.text.steps.weight_ih_l1_reverse",
        "fusion.0.length.fc1.weight",
        "fusion.0.modality.residual.weight",
        "head.weight",
    ] {
        let gradient = &gradients[name];
        let along = direction(gradient.len(), 5);
        let expected: f64 = gradient.iter().zip(&along).map(|(g, d)| f64::from(*g) * d).sum();
        let got = derivative(&model, &groups, name, &along, 2e-3, |model| hears(name, model));
        let size = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        assert!((got - expected).abs() < 0.02 * size, "{name}: {got} instead of {expected}, norm {size}");
    }
}

/// A vector is a sequence of one step, whose encoding is repeated over the length: the cube
/// sees the same as of a sequence of equal steps through an encoder that looks at each alone.
#[test]
fn a_vector_is_repeated_over_the_length() {
    let config = ModelConfig::new(CubeMlpConfig {
        encoder: SequenceConfig::new(LinearStepsConfig { embedding: None, norm: true }),
        length: Some(3),
        channels: 4,
        blocks: vec![[2, 2, 3]],
        ..CubeMlpConfig::default()
    });
    let vector = [0.3, -1.0, 2.0];
    let of = |shape: &[usize], values: Vec<f32>| {
        let spec = [ModalitySpec::new("audio", shape.to_vec())];
        let input = Array::new(shape.to_vec(), values).unwrap();
        let sample = Sample::new("0", vec![Some(input)], Target::Class(0));
        scores(&build(&config, &spec), Batch::collate(vec![sample], &spec).unwrap(), LossTerm::Fused)
    };
    let (once, thrice) = (of(&[3], vector.to_vec()), of(&[3, 3], vector.repeat(3)));
    assert!(close(&once, &thrice), "{once:?} {thrice:?}");
    // A sequence that stops after one step is another thing: zeros follow it.
    let stopped = of(&[3, 3], [vector.to_vec(), vec![0.0; 6]].concat());
    assert!(!close(&once, &stopped));
}
