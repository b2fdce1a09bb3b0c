//! Strategies on every task that they admit: both evaluators mean the same.

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, PerRow};
use counterpoint::input::Inputs;
use counterpoint::layer::Buffers;
use counterpoint::modality::Modalities;
use counterpoint::model::esanet::EsaNetConfig;
use counterpoint::model::{Model, ModelSettings};
use counterpoint::strategy::StrategyConfig;
use counterpoint::task::{Multilabel, Regression, RegressionLoss, Segmentation, Task};
use counterpoint_batch::{Array, Batch, BatchSource, ClassMap, ModalitySpec, Sample, Target};
use counterpoint_testkit::conformance::{Evaluated, agree_in_families, evaluate, model, parts};
use counterpoint_testkit::problem::Problem;

/// For every task.
const COMMON: [&str; 7] = [
    r#"{"name": "joint"}"#,
    r#"{"name": "dgl", "alpha": 2.0}"#,
    r#"{"name": "dgl", "truncate_unimodal": false}"#,
    r#"{"name": "gblend", "heads": "shared", "alpha": 0.5}"#,
    r#"{"name": "mmpareto", "heads": "shared"}"#,
    r#"{"name": "agm"}"#,
    r#"{"name": "agm", "detached": true}"#,
];
/// For models with a head for each modality.
const OWN_HEADS: [&str; 2] = [r#"{"name": "gblend"}"#, r#"{"name": "mmpareto"}"#];
/// Where there is a true class.
const CLASSES: [&str; 1] = [r#"{"name": "ogm", "ge": false, "tensors": "all", "scores": "zero-fill"}"#];

fn config(text: &str) -> StrategyConfig {
    serde_json::from_str(text).unwrap()
}

fn by<M: Model>(
    evaluator: &dyn Evaluator<M>,
    model: &M,
    inputs: &Inputs,
    task: &dyn Task,
    strategy: &str,
) -> (Vec<Evaluated>, Buffers) {
    let mut buffers = Buffers::default();
    let mut strategy = config(strategy).build(model.modalities()).unwrap();
    let seen = evaluate(evaluator, model, inputs, task, strategy.as_mut(), &mut buffers).unwrap();
    (seen, buffers)
}

/// What differs between both evaluators, relative to the whole gradient.
fn difference<M: Model>(
    model: &M,
    inputs: &Inputs,
    tasks: [&dyn Task; 2],
    strategy: &str,
) -> Result<(), String> {
    let fast = by(&Cut, model, inputs, tasks[0], strategy);
    let slow = by(&PerRow, model, inputs, tasks[1], strategy);
    agree_in_families((&fast.0, &fast.1), (&slow.0, &slow.1), 1e-5, |_| "")
}

#[test]
fn numbers_and_label_sets_by_both_evaluators() {
    let other: [&dyn Task; 2] = [&Regression::new(RegressionLoss::Absolute), &Multilabel::new(2)];
    let whole = |problem: Problem| {
        let data = problem.modalities().to_vec();
        (Inputs::new(problem.whole(), &Device::flex()), data)
    };
    let (numbers, data) = whole(Problem::new(2, 9, 9, 3).regression());
    let (labels, _) = whole(Problem::new(2, 9, 9, 3).multilabel());
    let (squared, sets) = (Regression::default(), Multilabel::new(2));
    let cases: [(&dyn Task, &Inputs); 2] = [(&squared, &numbers), (&sets, &labels)];
    for (task, inputs) in cases {
        for text in COMMON.iter().chain(&OWN_HEADS) {
            let heads = config(text).wants_solo_heads();
            let model = model(&data, &parts()[0], heads, task.outputs(), 1).unwrap();
            difference(&model, inputs, [task, task], text).unwrap_or_else(|e| panic!("{text} {task:?}: {e}"));
        }
    }
    let model = model(&data, &parts()[0], false, 1, 1).unwrap();
    assert!(
        difference(&model, &numbers, [&squared, other[0]], COMMON[0]).is_err(),
        "another loss is noticed"
    );
}

/// Two scenes of two modalities with three classes and some void.
fn scenes() -> (Inputs, Vec<ModalitySpec>) {
    let spec = vec![ModalitySpec::new("rgb", [3, 32, 32]), ModalitySpec::new("depth", [1, 32, 32])];
    let sample = |i: usize| {
        let input = |m: &ModalitySpec| {
            let count = m.shape.iter().product::<usize>();
            let values = (0..count).map(|at| ((at * 37 + i * 11) % 101) as f32 / 50.0 - 1.0).collect();
            Some(Array::new(m.shape.clone(), values).unwrap())
        };
        let pixels = (0..1024).map(|at| [0, 1, 2, ClassMap::VOID][(at / 9 + i) % 4]).collect();
        let map = ClassMap { height: 32, width: 32, pixels };
        Sample::new(i.to_string(), spec.iter().map(input).collect(), Target::Map(map))
    };
    let batch = Batch::collate(vec![sample(0), sample(1)], &spec).unwrap();
    (Inputs::new(batch, &Device::flex()), spec)
}

#[test]
fn maps_by_both_evaluators() {
    let (inputs, spec) = scenes();
    let task = |weight| Segmentation::new([32, 32], vec![1.0, weight, 2.0], &[1, 8, 16, 32]).unwrap();
    let config = EsaNetConfig {
        width: 4,
        blocks: [1, 1, 1, 1],
        decoder_blocks: 1,
        se_reduction: 4,
        ..EsaNetConfig::default()
    };
    let model = config.build(&spec, 3, false, 1, &Device::flex()).unwrap();
    for text in COMMON.iter().chain(&CLASSES) {
        let (one, other) = (task(0.5), task(0.7));
        difference(&model, &inputs, [&one, &one], text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert!(difference(&model, &inputs, [&one, &other], text).is_err(), "{text}: other class weights");
    }
    let names = Modalities::new(["rgb", "depth"]).unwrap();
    assert_eq!(model.modalities(), &names);
}
