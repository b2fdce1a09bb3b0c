//! Files with one optimizer step per batch.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::host::host;
use counterpoint::model::Model;
use counterpoint::step::{Gradients, LossTerm, Parameter, Phase};
use counterpoint::strategy::{
    AgmConfig, GBlendConfig, Joint, MmParetoConfig, OgmConfig, PmrConfig, Pull, Rescale, Scores, Strategy,
    StrategyConfig, StrategyState, Tensors as Select, Weights, noise_size,
};
use counterpoint::train::TrainState;
use serde::Deserialize;
use serde_json::Value;

use super::case::Case;
use super::compare::{Tensors, Way};
use super::{compare, stats};
use crate::fill::fill;
use crate::method;
use crate::report::Report;

#[derive(Deserialize)]
struct File {
    steps: Vec<Step>,
    r#final: Tensors,
}

#[derive(Deserialize)]
struct Step {
    labels: Vec<usize>,
    losses: BTreeMap<String, f64>,
    grad_norm: f64,
    #[serde(default)]
    grads: BTreeMap<String, Tensors>,
    #[serde(default)]
    no_gradient: Vec<String>,
    /// Intermediate numbers, as the method has them.
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

pub(super) fn check(text: &str, case: &Case, device: &Device) -> Result<Report, String> {
    let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let Some(first) = file.steps.first().filter(|_| file.steps.len() == case.steps) else {
        return Err(format!("case.steps = {}, but the file has {}", case.steps, file.steps.len()));
    };
    let mut report = Report::default();
    for way in Way::BOTH {
        for (variant, expected) in &first.grads {
            let mut train_state = case.train_state(strategy(case, variant)?, device)?;
            let gradients = one(&mut report, way, variant, &mut train_state, case, first, 0, device)?;
            let what = format!("{way:?} {variant}");
            compare::gradients(&mut report, &what, &train_state, &gradients, expected);
            for name in &first.no_gradient {
                let silent = |(i, p): (usize, &Parameter)| p.name != *name || gradients.get(i).is_none();
                let holds = train_state.groups.parameters().iter().enumerate().all(silent);
                report.holds(format_args!("{what}: {name} has no gradient"), holds);
            }
        }
        let mut train_state = case.train_state(strategy(case, "default")?, device)?;
        for (s, step) in file.steps.iter().enumerate() {
            let gradients = one(&mut report, way, "default", &mut train_state, case, step, s, device)?;
            let norm = gradients.norm(|_| true);
            compare::number(&mut report, format!("{way:?} step {s} gradient norm"), norm, step.grad_norm);
            compare::step(&mut train_state, gradients);
        }
        compare::parameters(&mut report, &format!("{way:?} final"), &train_state, &file.r#final);
    }
    if let Some(expected) = first.more.get("aux").and_then(|aux| aux.get("noise_sigma")) {
        compare_noise(&mut report, case, expected, device)?;
    }
    Ok(report)
}

/// The size of OGM-GE's noise for each tensor, from the joint gradient.
fn compare_noise(report: &mut Report, case: &Case, expected: &Value, device: &Device) -> Result<(), String> {
    let expected: BTreeMap<String, f64> =
        serde_json::from_value(expected.clone()).map_err(|e| e.to_string())?;
    let joint = StrategyConfig::from(Joint {}).build(&case.names()?).map_err(|e| e.to_string())?;
    let mut train_state = case.train_state(joint, device)?;
    let (inputs, _) = case.batch("0", device);
    let phase = Phase::of([LossTerm::Fused]);
    let at = compare::position(0, 0, case.steps);
    let (gradients, _) = Way::Cut.gradients(&mut train_state, &phase, &inputs, &case.task(), at)?;
    for (name, expected) in expected {
        let position = train_state.groups.parameters().iter().position(|p| p.name == name);
        let gradient = position.and_then(|i| gradients.get(i)).ok_or(format!("no gradient of {name}"))?;
        let size = noise_size(&host(gradient.clone()));
        compare::number(report, format!("noise of {name}"), size, expected);
    }
    Ok(())
}

/// The strategy of a method's variant, in the state that the file starts from.
fn strategy(case: &Case, variant: &str) -> Result<Box<dyn Strategy>, String> {
    let alpha = || case.need("alpha", &case.alpha);
    let ogm = |tensors, scores| {
        let config = OgmConfig { alpha: alpha()?, ge: false, tensors, scores, ..OgmConfig::default() };
        Ok(StrategyConfig::from(config))
    };
    let pareto = |weights, rescale, gamma| {
        Ok(StrategyConfig::from(MmParetoConfig { gamma, weights, rescale, ..MmParetoConfig::default() }))
    };
    let config: Result<StrategyConfig, String> = match (case.method.as_str(), variant) {
        ("joint" | "mmcosine", "default") => method::strategy("joint", 0.0),
        ("uniloss" | "mt" | "ut" | "dgl", "default") => method::strategy(&case.method, alpha()?),
        ("gblend_fixed", "default") => {
            Ok(StrategyConfig::from(GBlendConfig { alpha: alpha()?.into(), ..GBlendConfig::default() }))
        }
        ("gblend_fixed", "weights") => {
            let weights = Some(case.need("weights", &case.weights)?);
            Ok(StrategyConfig::from(GBlendConfig { weights, ..GBlendConfig::default() }))
        }
        ("ogm", "default") => ogm(Select::Convolutions, Scores::HalfBias),
        ("ogm", "weights_only") => ogm(Select::Weights, Scores::HalfBias),
        ("ogm", "all_encoder_tensors") => ogm(Select::All, Scores::HalfBias),
        ("ogm", "zero_fill_all_encoder_tensors") => ogm(Select::All, Scores::ZeroFill),
        ("agm", "default" | "no_grad_passes") => {
            let detached = variant == "no_grad_passes";
            Ok(StrategyConfig::from(AgmConfig { alpha: alpha()?, until: None, detached }))
        }
        ("pmr", "default" | "soft") => {
            let pull = if variant == "soft" { Pull::Soft } else { Pull::Hard };
            Ok(StrategyConfig::from(PmrConfig { alpha: alpha()?, pull, ..PmrConfig::default() }))
        }
        ("mmpareto", _) => {
            let gamma = case.need("gamma", &case.gamma)?;
            match variant {
                "default" => pareto(Weights::MinNorm, Rescale::Tensor, gamma),
                "per_encoder" => pareto(Weights::MinNorm, Rescale::Encoder, gamma),
                "uniform" => pareto(Weights::Equal, Rescale::Tensor, 1.0),
                "uniform_gamma" => pareto(Weights::Equal, Rescale::Tensor, gamma),
                other => Err(format!("unknown variant `{other}` of mmpareto")),
            }
        }
        (method, variant) => Err(format!("unknown method `{method}` or variant `{variant}` of it")),
    };
    let mut strategy = config?.build(&case.names()?).map_err(|e| e.to_string())?;
    if let Some(state) = state(case)? {
        strategy.restore(&state).map_err(|e| e.to_string())?;
    }
    Ok(strategy)
}

/// What the file says a strategy remembers before step 0.
fn state(case: &Case) -> Result<Option<StrategyState>, String> {
    let state = StrategyState::default();
    Ok(match case.method.as_str() {
        "agm" => {
            let running = case.need("running", &case.running)?;
            // The file counts the step that is being made.
            let steps = case.need("iteration", &case.iteration)? as f64 - 1.0;
            Some(state.with("running", [running.len()], running).with("steps", [1], vec![steps]))
        }
        "pmr" => {
            let (k, d) = (case.classes, case.features);
            let state = state.with("epoch", [1], vec![0.0]);
            Some((0..case.modalities).fold(state, |state, m| {
                let values = fill(&format!("{}prototype.{m}", case.salt), k * d, 0.8);
                state.with(format!("prototypes.{m}"), [k, d], values).with(
                    format!("known.{m}"),
                    [k],
                    vec![1.0; k],
                )
            }))
        }
        _ => None,
    })
}

/// Gradients of one step, with its losses and intermediate numbers compared.
#[expect(clippy::too_many_arguments, reason = "everything that names one step")]
fn one<M: Model>(
    report: &mut Report,
    way: Way,
    variant: &str,
    train_state: &mut TrainState<M>,
    case: &Case,
    step: &Step,
    s: usize,
    device: &Device,
) -> Result<Gradients, String> {
    let (inputs, labels) = case.batch(&s.to_string(), device);
    compare::labels(report, &labels, &step.labels);
    let (task, at) = (case.task(), compare::position(0, s, case.steps));
    let phase = train_state.strategy.phases(at, train_state.model.modalities()).remove(0);
    let (gradients, record) = way.gradients(train_state, &phase, &inputs, &task, at)?;
    let what = format!("{way:?} {variant} step {s}");
    for (name, expected) in &step.losses {
        let term = compare::term(name)?;
        let got = match record.losses.get(&term) {
            Some(loss) => *loss,
            None => compare::forward(train_state, term, &inputs, &task).0,
        };
        compare::loss(report, format!("{what} loss {name}"), got, *expected);
    }
    if let Some(scores) = step.more.get("aux").and_then(|aux| aux.get("scores")) {
        let scores: BTreeMap<String, Vec<Vec<f64>>> =
            serde_json::from_value(scores.clone()).map_err(|e| e.to_string())?;
        for (name, expected) in scores {
            let (_, got) = compare::forward(train_state, compare::term(&name)?, &inputs, &task);
            compare::tensor(report, &format!("{what} scores {name}"), &got, &compare::flat(&expected));
        }
    }
    let more = Value::Object(step.more.clone());
    stats::check(report, &what, case, variant, train_state.strategy.as_ref(), &more)?;
    Ok(gradients)
}
