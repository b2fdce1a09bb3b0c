//! Files of ReconBoost: every stage from the initial parameters, one step of
//! the learner on batch 0, one step of the ensemble on batch 1.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::math::probability::log_softmax;
use counterpoint::modality::Modality;
use counterpoint::step::LossTerm;
use counterpoint::strategy::{BoostStart, ReconBoostConfig, StrategyConfig};
use serde::Deserialize;

use super::case::Case;
use super::compare::{self, Tensors, Way};
use crate::report::Report;

#[derive(Deserialize)]
struct File {
    stages: Vec<Stage>,
}

#[derive(Deserialize)]
struct Stage {
    stage: usize,
    modality: usize,
    phase1: Phase1,
    phase2: Phase2,
}

#[derive(Deserialize)]
struct Phase1 {
    labels: Vec<usize>,
    loss: f64,
    q_y: Vec<f64>,
    scores_learner: Vec<Vec<f64>>,
    scores_others: Vec<Vec<f64>>,
    grads: Tensors,
    after: Tensors,
}

#[derive(Deserialize)]
struct Phase2 {
    labels: Vec<usize>,
    loss: f64,
    scores: Vec<Vec<f64>>,
    grads: Tensors,
    after: BTreeMap<String, f64>,
}

pub(super) fn check(text: &str, case: &Case, device: &Device) -> Result<Report, String> {
    let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut report = Report::default();
    for way in Way::BOTH {
        for stage in &file.stages {
            run(&mut report, way, stage, case, device)?;
        }
    }
    Ok(report)
}

fn run(report: &mut Report, way: Way, stage: &Stage, case: &Case, device: &Device) -> Result<(), String> {
    let config = ReconBoostConfig {
        w1: case.need("w1", &case.w1)?,
        w2: case.need("w2", &case.w2)?,
        // The files ask the untrained others in stage 0 too.
        start: BoostStart::Full,
        ..ReconBoostConfig::default()
    };
    let strategy = StrategyConfig::from(config).build(&case.names()?).map_err(|e| e.to_string())?;
    let mut train_state = case.train_state(strategy, device)?;
    let (m, task) = (Modality(stage.modality), case.task());
    let what = format!("{way:?} stage {} train_state", stage.stage);

    let (inputs, labels) = case.batch("0", device);
    compare::labels(report, &labels, &stage.phase1.labels);
    let at = compare::position(2 * stage.stage, 0, 1);
    let phase = train_state.strategy.phases(at, &case.names()?).remove(0);
    report.holds(format_args!("{what}: a fresh optimizer"), phase.fresh);
    let (gradients, record) = way.gradients(&mut train_state, &phase, &inputs, &task, at)?;
    let expected = &stage.phase1;
    match record.losses.get(&LossTerm::Auxiliary(m)) {
        Some(&loss) => compare::loss(report, format!("{what} loss"), loss, expected.loss),
        None => report.holds(format_args!("{what}: modality {}", m.0), false),
    }
    for (term, output) in &record.outputs {
        let (name, want) = match term {
            LossTerm::Auxiliary(_) => ("learner", &expected.scores_learner),
            _ => ("others", &expected.scores_others),
        };
        let got = compare::host64(output.scores.clone());
        compare::tensor(report, &format!("{what}: scores of {name}"), &got, &compare::flat(want));
        if name == "others" {
            let rows = got.chunks_exact(case.classes).zip(&labels);
            let q: Vec<f64> = rows.map(|(row, &label)| log_softmax(row)[label].exp()).collect();
            compare::tensor(report, &format!("{what}: q_y"), &q, &expected.q_y);
        }
    }
    compare::gradients(report, &what, &train_state, &gradients, &expected.grads);
    compare::step(&mut train_state, gradients);
    compare::parameters(report, &format!("{what} after"), &train_state, &expected.after);

    let what = format!("{way:?} stage {} ensemble", stage.stage);
    let expected = &stage.phase2;
    let (inputs, labels) = case.batch("1", device);
    compare::labels(report, &labels, &expected.labels);
    let at = compare::position(2 * stage.stage + 1, 0, 1);
    let phase = train_state.strategy.phases(at, &case.names()?).remove(0);
    report.holds(format_args!("{what}: a fresh optimizer"), phase.fresh);
    train_state.optimizer.forget();
    let (gradients, record) = way.gradients(&mut train_state, &phase, &inputs, &task, at)?;
    compare::loss(report, format!("{what} loss"), record.losses[&LossTerm::Fused], expected.loss);
    let got = compare::host64(record.outputs[&LossTerm::Fused].scores.clone());
    compare::tensor(report, &format!("{what}: scores"), &got, &compare::flat(&expected.scores));
    compare::gradients(report, &what, &train_state, &gradients, &expected.grads);
    compare::step(&mut train_state, gradients);
    train_state.visit(|p, values| match expected.after.get(&p.name) {
        Some(&norm) => {
            let got = compare::doubles(values).iter().map(|v| v * v).sum::<f64>().sqrt();
            compare::number(report, format!("{what}: norm of {} after", p.name), got, norm);
        }
        None => report.holds(format_args!("{what}: the file has {}", p.name), false),
    });
    Ok(())
}
