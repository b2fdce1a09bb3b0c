//! Files of MLA: one small optimizer step for each modality of each batch.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::modality::Modality;
use counterpoint::step::LossTerm;
use counterpoint::strategy::{Direction, MlaConfig, Projection, StrategyConfig};
use serde::Deserialize;

use super::case::Case;
use super::compare::{self, Tensors, Values, Way};
use crate::report::Report;

#[derive(Deserialize)]
struct File {
    variants: BTreeMap<String, Variant>,
    fusion: Fusion,
}

#[derive(Deserialize)]
struct Variant {
    steps: Vec<Step>,
    r#final: Tensors,
}

#[derive(Deserialize)]
struct Step {
    labels: Vec<usize>,
    small_steps: Vec<SmallStep>,
}

#[derive(Deserialize)]
struct SmallStep {
    modality: usize,
    loss: f64,
    raw_head_gradient: Values,
    head_gradient: Option<Values>,
    #[serde(rename = "P")]
    free: Option<Vec<Vec<f64>>>,
    #[serde(default)]
    encoder_gradients: Tensors,
    head_after: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Fusion {
    fused: Vec<Vec<f64>>,
}

pub(super) fn check(text: &str, case: &Case, device: &Device) -> Result<Report, String> {
    let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut report = Report::default();
    for way in Way::BOTH {
        for (name, variant) in &file.variants {
            run(&mut report, way, name, variant, &file.fusion, case, device)?;
        }
    }
    Ok(report)
}

fn run(
    report: &mut Report,
    way: Way,
    name: &str,
    variant: &Variant,
    fusion: &Fusion,
    case: &Case,
    device: &Device,
) -> Result<(), String> {
    let (projection, direction) = match name {
        "default" => (Projection::Rls, Direction::Current),
        "previous_features" => (Projection::Rls, Direction::Previous),
        "off" => (Projection::Off, Direction::Current),
        other => return Err(format!("unknown variant `{other}` of mla")),
    };
    let build = |projection| {
        let config = StrategyConfig::from(MlaConfig { projection, direction });
        config.build(&case.names()?).map_err(|e| e.to_string())
    };
    let mut state = case.train_state(build(projection)?, device)?;
    let batches = case.need("batches_per_epoch", &case.batches_per_epoch)?;
    for (s, step) in variant.steps.iter().enumerate() {
        let (inputs, labels) = case.batch(&s.to_string(), device);
        compare::labels(report, &labels, &step.labels);
        let (task, at) = (case.task(), compare::position(0, s, batches));
        let phases = state.strategy.phases(at, &case.names()?);
        report.holds("one small step for each modality", phases.len() == step.small_steps.len());
        for (phase, small) in phases.iter().zip(&step.small_steps) {
            let m = Modality(small.modality);
            let what = format!("{way:?} {name} batch {s} modality {}", m.0);
            report.holds(format_args!("{what}: its turn"), phase.terms == [LossTerm::Unimodal(m)]);
            let of_head = state.groups.parameters().iter().position(|p| p.name == "shared_head.weight");
            let of_head = of_head.ok_or("the model lacks a shared head")?;
            let head = |gradients: &counterpoint::step::Gradients| {
                gradients.get(of_head).map_or_else(Vec::new, |g| compare::host64(g.clone()))
            };
            let projecting = std::mem::replace(&mut state.strategy, build(Projection::Off)?);
            let (raw, _) = way.gradients(&mut state, phase, &inputs, &task, at)?;
            compare::tensor(
                report,
                &format!("{what}: raw head"),
                &head(&raw),
                &small.raw_head_gradient.values,
            );
            state.strategy = projecting;
            let (gradients, record) = way.gradients(&mut state, phase, &inputs, &task, at)?;
            compare::loss(report, format!("{what} loss"), record.losses[&LossTerm::Unimodal(m)], small.loss);
            if let Some(expected) = &small.head_gradient {
                compare::tensor(report, &format!("{what}: head"), &head(&gradients), &expected.values);
            }
            for (i, p) in state.groups.parameters().iter().enumerate() {
                let theirs =
                    p.name.starts_with("encoder.") && !p.name.starts_with(&format!("encoder.{}.", m.0));
                report.holds(format_args!("{what}: {} waits", p.name), !theirs || gradients.get(i).is_none());
                if let (Some(want), Some(got)) = (small.encoder_gradients.get(&p.name), gradients.get(i)) {
                    let got = compare::host64(got.clone());
                    compare::tensor(report, &format!("{what}: gradient {}", p.name), &got, &want.values);
                }
            }
            if let Some(expected) = &small.free {
                let free = state.strategy.save();
                let free = free.get("free").map_err(|e| e.to_string())?;
                compare::tensor(report, &format!("{what}: P"), free, &compare::flat(expected));
            }
            compare::step(&mut state, gradients);
            state.visit(|p, values| {
                if let Some(expected) = small.head_after.get(&p.name) {
                    compare::tensor(
                        report,
                        &format!("{what}: {} after", p.name),
                        &compare::doubles(values),
                        expected,
                    );
                }
            });
        }
    }
    compare::parameters(report, &format!("{way:?} {name} final"), &state, &variant.r#final);
    if name == "default" {
        let (inputs, _) = case.batch("eval", device);
        let (_, fused) = compare::forward(&state, LossTerm::Fused, &inputs, &case.task());
        compare::tensor(report, &format!("{way:?} fused by entropy"), &fused, &compare::flat(&fusion.fused));
    }
    Ok(())
}
