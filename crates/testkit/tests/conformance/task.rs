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
use counterpoint_testkit::conformance::{Evaluated, agree_in_families, evaluate, model, parts, told};
use counterpoint_testkit::problem::Problem;
use libtest_mimic::Trial;

use crate::{named, trial};

/// For every task.
pub const COMMON: [&str; 7] = [
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
pub const CLASSES: [&str; 1] = [r#"{"name": "ogm", "ge": false, "tensors": "all", "scores": "zero-fill"}"#];

pub fn config(text: &str) -> StrategyConfig {
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

/// Every strategy on every task that it admits.
pub fn trials() -> Vec<Trial> {
    let on = |task: &str, text: &'static str, check: fn(&str) -> Result<(), String>| {
        trial(&format!("evaluators agree on {task}"), told(&config(text)), move |_| check(text))
    };
    let mut trials = named![another_loss_is_noticed];
    for text in COMMON.into_iter().chain(OWN_HEADS) {
        trials.push(on("numbers", text, numbers));
        trials.push(on("label sets", text, label_sets));
    }
    trials.extend(COMMON.into_iter().chain(CLASSES).map(|text| on("maps", text, maps)));
    trials
}

fn numbers(text: &str) -> Result<(), String> {
    on_vectors(&Problem::new(2, 9, 9, 3).regression(), [&Regression::default(); 2], text)
}

fn label_sets(text: &str) -> Result<(), String> {
    on_vectors(&Problem::new(2, 9, 9, 3).multilabel(), [&Multilabel::new(2); 2], text)
}

fn on_vectors(problem: &Problem, tasks: [&dyn Task; 2], text: &str) -> Result<(), String> {
    let heads = config(text).wants_unimodal_heads();
    let model = model(problem.modalities(), &parts()[0], heads, tasks[0].outputs(), 1).unwrap();
    difference(&model, &Inputs::new(problem.whole(), &Device::flex()), tasks, text)
}

fn another_loss_is_noticed() {
    let tasks: [&dyn Task; 2] = [&Regression::default(), &Regression::new(RegressionLoss::Absolute)];
    on_vectors(&Problem::new(2, 9, 9, 3).regression(), tasks, COMMON[0]).unwrap_err();
}

/// Scenes of two modalities with three classes and some void.
pub fn scenes(count: usize) -> (Batch, Vec<ModalitySpec>) {
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
    (Batch::collate((0..count).map(sample).collect(), &spec).unwrap(), spec)
}

/// A small network for them.
pub fn network(spec: &[ModalitySpec]) -> impl Model + use<> {
    let config = EsaNetConfig {
        width: 4,
        blocks: [1, 1, 1, 1],
        decoder_blocks: 1,
        se_reduction: 4,
        ..EsaNetConfig::default()
    };
    config.build(spec, 3, false, 1, &Device::flex()).unwrap()
}

/// What is asked about them.
pub fn segmentation(weight: f64) -> Segmentation {
    Segmentation::new([32, 32], vec![1.0, weight, 2.0], &[1, 8, 16, 32]).unwrap()
}

fn maps(text: &str) -> Result<(), String> {
    let (batch, spec) = scenes(2);
    let inputs = Inputs::new(batch, &Device::flex());
    let model = network(&spec);
    assert_eq!(model.modalities(), &Modalities::new(["rgb", "depth"]).unwrap());
    let (one, other) = (segmentation(0.5), segmentation(0.7));
    difference(&model, &inputs, [&one, &one], text)?;
    match difference(&model, &inputs, [&one, &other], text) {
        Ok(()) => Err("other class weights are not noticed".into()),
        Err(_) => Ok(()),
    }
}
