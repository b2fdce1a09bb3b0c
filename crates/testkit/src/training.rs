//! Whole training steps of ResNet-18 pairs against PyTorch: the schema of
//! `tests/reference/training/*.json`.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, StepContext};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::{Modalities, Modality};
use counterpoint::model::encoder::{EncoderConfig, ResNet18Config};
use counterpoint::model::fusion::{ConcatConfig, FusionConfig, SumConfig};
use counterpoint::model::{LateFusionConfig, Model, ModelSettings};
use counterpoint::peers::Alone;
use counterpoint::step::Position;
use counterpoint::step::{Gradients, LossTerm};
use counterpoint::task::{Classification, Task};
use counterpoint::train::TrainState;
use counterpoint_batch::{Array, Batch, Input, ModalitySpec, Targets};
use serde::Deserialize;

use crate::fill::{fill_f32, parameter};
use crate::optimizer::sgd;
use crate::report::Report;
use crate::{device, method};

#[derive(Deserialize)]
struct Reference {
    case: Case,
    steps: Vec<Step>,
    r#final: BTreeMap<String, Summary>,
    final_running: BTreeMap<String, f64>,
    eval_logits_full: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Case {
    fusion: String,
    method: String,
    alpha: f64,
    clip: f64,
    classes: usize,
    batch: usize,
    frames: usize,
    audio: [usize; 2],
    visual: [usize; 2],
    lr: f64,
    steps: usize,
}

#[derive(Deserialize)]
struct Step {
    loss_full: f64,
    loss_audio: f64,
    loss_visual: f64,
    grad_norm_before_clip: Option<f64>,
    logits_full: Option<Vec<Vec<f64>>>,
    logits_audio: Option<Vec<Vec<f64>>>,
    logits_visual: Option<Vec<Vec<f64>>>,
    feature_norm_audio: Option<f64>,
    feature_norm_visual: Option<f64>,
    grads: Option<BTreeMap<String, Summary>>,
    #[serde(default)]
    float32_drift: f64,
}

#[derive(Deserialize)]
struct Summary {
    norm: f64,
    first: Vec<f64>,
}

const AUDIO: LossTerm = LossTerm::Unimodal(Modality(0));
const VISUAL: LossTerm = LossTerm::Unimodal(Modality(1));

/// Runs the case of a file and compares everything that it holds.
///
/// # Errors
/// If the text is not of the schema, or the case asks for something unknown.
pub fn check(text: &str) -> Result<Report, String> {
    let reference: Reference = serde_json::from_str(text).map_err(|e| e.to_string())?;
    // In single precision another order of summation flips a ReLU sooner or later.
    device::double()?;
    let case = &reference.case;
    if reference.steps.len() != case.steps {
        return Err(format!("case.steps = {}, but the file has {} steps", case.steps, reference.steps.len()));
    }
    let device = device::device();
    let mut state = build(case, &device)?;
    let task = Classification::new(case.classes);
    let mut report = Report::default();
    let mut drift = 0.0_f64;
    for (s, step) in reference.steps.iter().enumerate() {
        let inputs = Inputs::new(batch(case, &s.to_string(), s), &device);
        drift = drift.max(step.float32_drift);
        compare_rows(&mut report, s, step, &state, &inputs, &task);
        let gradients = one_step(&mut state, &inputs, &task, case, s, step, &mut report)?;
        if let Some(expected) = &step.grads {
            compare_gradients(&mut report, &state, &gradients, expected);
        }
        let model = state.model.clone();
        state.model = state.optimizer.step(model, gradients, &state.groups, 1.0);
    }
    // The reference's text states no tolerance for what is left after the last
    // step; this is the one that it states for most gradient norms.
    let tolerance = (10.0 * drift).max(1e-4);
    state.visit(|p, values| {
        let name = reference_name(&p.name);
        let Some(expected) = reference.r#final.get(&name) else {
            report.holds(format!("final: the file lacks `{name}`"), false);
            return;
        };
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        report.number(format!("final {name} norm"), norm(&values), expected.norm, tolerance * expected.norm);
        for (i, (got, want)) in values.iter().zip(&expected.first).enumerate() {
            report.number(format!("final {name}[{i}]"), *got, *want, tolerance * expected.norm);
        }
    });
    compare_buffers(&mut report, &state, &reference, tolerance);
    let inputs = Inputs::new(batch(case, "eval", 0), &device);
    let terms = [(LossTerm::Fused, (0..case.batch).collect())];
    let scored = state.frozen().forward(&terms, &inputs, &mut ForwardContext::eval(&state.buffers)).remove(0);
    // Nor one for evaluation. Scores there depend on every gradient of every
    // step, so they get the tolerance of gradients, 5e-3 of the largest.
    compare_matrix(
        &mut report,
        "eval logits",
        &doubles(host(scored.scores)),
        &reference.eval_logits_full,
        5e-3,
    );
    Ok(report)
}

fn build(case: &Case, device: &Device) -> Result<TrainState<impl Model + use<>>, String> {
    let fusion = match case.fusion.as_str() {
        "concat" => FusionConfig::new(ConcatConfig {}),
        "sum" => FusionConfig::new(SumConfig {}),
        other => return Err(format!("unknown fusion `{other}`: expected concat or sum")),
    };
    // The released two-pass code must equal the definition.
    let strategy = method::strategy(case.method.trim_end_matches("_released"), case.alpha)?;
    let [h, w] = case.visual;
    let data = [
        ModalitySpec::new("audio", [1, case.audio[0], case.audio[1]]),
        ModalitySpec::new("visual", [3, case.frames, h, w]),
    ];
    let encoder =
        EncoderConfig::new(ResNet18Config { width: 64, stem: 7, pretrained: None, pretrained_prefix: None });
    let config = LateFusionConfig { encoder, fusion, ..LateFusionConfig::default() };
    let model = config.build(&data, case.classes, false, 0, device).map_err(|e| e.to_string())?;
    let names = Modalities::new(["audio", "visual"]).map_err(|e| e.to_string())?;
    let strategy = strategy.build(&names).map_err(|e| e.to_string())?;
    let optimizer = sgd(case.lr, 0.9, 1e-4);
    let mut state = TrainState::new(model, optimizer, strategy);
    state.assign(|p| {
        let values = parameter(&reference_name(&p.name), &p.shape);
        Some(values.into_iter().map(|v| v as f32).collect())
    });
    Ok(state)
}

/// Our names of the same parameters are those of the group they belong to.
fn reference_name(name: &str) -> String {
    name.replace("encoder.audio.", "audio_net.")
        .replace("encoder.visual.", "visual_net.")
        .replace("fusion.layers.0.", "fusion_module.fc_x.")
        .replace("fusion.layers.1.", "fusion_module.fc_y.")
        .replace("head.", "fusion_module.fc_out.")
}

fn batch(case: &Case, step: &str, offset: usize) -> Batch {
    let count = case.batch;
    let [ah, aw] = case.audio;
    let [vh, vw] = case.visual;
    let input = |name: &str, shape: Vec<usize>| {
        let values = fill_f32(&format!("input.{name}.{step}"), shape.iter().product(), 2.0);
        Input {
            array: Array::new(shape, values).expect("sized by its shape"),
            present: vec![true; count],
            lengths: None,
        }
    };
    Batch {
        ids: (0..count).map(|i| i.to_string()).collect(),
        inputs: vec![
            input("audio", vec![count, 1, ah, aw]),
            input("visual", vec![count, 3, case.frames, vh, vw]),
        ],
        targets: Targets::Classes((0..count).map(|i| (3 * i + offset) % case.classes).collect()),
    }
}

/// Losses and logits of all three terms before the step, with batch statistics
/// and without moving a buffer: the file has them for every method.
fn compare_rows<M: Model>(
    report: &mut Report,
    s: usize,
    step: &Step,
    state: &TrainState<M>,
    inputs: &Inputs,
    task: &Classification,
) {
    let all: Vec<usize> = (0..inputs.samples()).collect();
    let terms = [LossTerm::Fused, AUDIO, VISUAL].map(|term| (term, all.clone()));
    let mut scratch = Buffers::default();
    let scored = state.model.forward(&terms, inputs, &mut ForwardContext::train(&mut scratch));
    let expected = [
        ("full", step.loss_full, &step.logits_full),
        ("audio", step.loss_audio, &step.logits_audio),
        ("visual", step.loss_visual, &step.logits_visual),
    ];
    let tolerance = (10.0 * step.float32_drift).max(1e-5);
    for (scored, (name, loss, logits)) in scored.iter().zip(expected) {
        let got = host(task.loss(scored.scores.clone(), &inputs.targets_of(&all)))[0];
        report.number(format_args!("step {s} loss {name}"), f64::from(got), loss, tolerance * loss.abs());
        if let Some(logits) = logits {
            let got = doubles(host(scored.scores.clone()));
            compare_matrix(report, &format!("step {s} logits {name}"), &got, logits, tolerance.max(1e-4));
        }
    }
    for (m, expected) in [step.feature_norm_audio, step.feature_norm_visual].into_iter().enumerate() {
        if let Some(expected) = expected {
            let features = scored[0].features[m].clone().expect("the fused term has both");
            let got = norm(&doubles(host(features)));
            report.number(format_args!("step {s} feature norm {m}"), got, expected, 1e-4 * expected);
        }
    }
}

fn one_step<M: Model>(
    state: &mut TrainState<M>,
    inputs: &Inputs,
    task: &Classification,
    case: &Case,
    s: usize,
    step: &Step,
    report: &mut Report,
) -> Result<Gradients, String> {
    let at = Position { epoch: 0, epochs: 1, batch: s, batches: case.steps, seed: 0 };
    let phases = state.strategy.phases(at, state.model.modalities());
    let mut pass = ForwardContext::train(&mut state.buffers);
    let context = StepContext { model: &state.model, groups: &state.groups, inputs, task, at, peers: &Alone };
    let (mut gradients, _) =
        Cut.evaluate(context, &phases[0], state.strategy.as_mut(), &mut pass).map_err(|e| e.to_string())?;
    let before = gradients.norm(|_| true);
    if let Some(expected) = step.grad_norm_before_clip {
        report.number(format_args!("step {s} gradient norm"), before, expected, 5e-3 * expected);
    }
    if case.clip > 0.0 {
        gradients.clip(case.clip);
    }
    Ok(gradients)
}

fn compare_gradients<M: Model>(
    report: &mut Report,
    state: &TrainState<M>,
    gradients: &Gradients,
    expected: &BTreeMap<String, Summary>,
) {
    let parameters = state.groups.parameters();
    report.holds("number of gradients", parameters.len() == expected.len());
    for (position, p) in parameters.iter().enumerate() {
        let name = reference_name(&p.name);
        let (Some(got), Some(want)) = (gradients.get(position), expected.get(&name)) else {
            report.holds(format_args!("gradient of `{name}` on both sides"), false);
            continue;
        };
        let got = doubles(host(got.clone()));
        report.number(format_args!("gradient {name} norm"), norm(&got), want.norm, 5e-3 * want.norm);
        for (i, (g, w)) in got.iter().zip(&want.first).enumerate() {
            report.number(format_args!("gradient {name}[{i}]"), *g, *w, 5e-3 * want.norm);
        }
    }
}

fn compare_buffers<M: Model>(
    report: &mut Report,
    state: &TrainState<M>,
    reference: &Reference,
    tolerance: f64,
) {
    let mut seen = 0;
    for (id, _, running) in state.buffers.iter() {
        let Some(position) = state.groups.position(id) else { continue };
        let weight = reference_name(&state.groups.parameters()[position].name);
        let layer = weight.trim_end_matches(".weight");
        for (what, value) in [("running_mean", &running.mean), ("running_var", &running.variance)] {
            let name = format!("{layer}.{what}");
            let Some(&expected) = reference.final_running.get(&name) else {
                report.holds(format_args!("the file lacks `{name}`"), false);
                continue;
            };
            let got = norm(&doubles(host(value.clone())));
            report.number(&name, got, expected, tolerance * expected);
            seen += 1;
        }
    }
    report.holds("number of running statistics", seen == reference.final_running.len());
}

fn compare_matrix(report: &mut Report, what: &str, got: &[f64], expected: &[Vec<f64>], share: f64) {
    let expected: Vec<f64> = expected.iter().flatten().copied().collect();
    let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    report.numbers(what, got, &expected, share * largest);
}

fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
