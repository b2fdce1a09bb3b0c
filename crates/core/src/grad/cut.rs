//! The fast path for late fusion: encoders run once, whatever the rows.
//!
//! Every row gets fresh leaves at the features and its own backward through
//! fusion and head. The gradients that arrive at the leaves are mixed by W,
//! and one surrogate `sum_m <z_m, mixed_m>` sends them through the encoders:
//! its gradient is the chain rule's, so nothing is approximated.

use burn::module::Module;
use burn::tensor::Tensor;

use super::{Evaluator, Gradients, Group, Groups, Ledger, Need, Phase, Row, Scene, Seen};
use crate::Error;
use crate::host::scalar;
use crate::layer::Pass;
use crate::modality::{Modality, Present};
use crate::model::{Features, LateFusion};
use crate::strategy::Strategy;

/// Serves late fusion. A DGL step costs what a joint step costs, plus one
/// pass through fusion and head for each modality.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut;

/// A row's unweighted gradient at the features of one modality.
type Arrived = (Row, Modality, Tensor<2>);

impl<M: LateFusion> Evaluator<M> for Cut {
    fn evaluate(
        &self,
        scene: Scene<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut Pass<'_>,
    ) -> Result<(Gradients, Ledger), Error> {
        let Scene { model, groups, inputs, task, at } = scene;
        let names = model.modalities();
        // Probes run without a graph: one that nobody runs backward would stay in memory.
        let still = (!phase.probes.is_empty()).then(|| Module::valid(model));
        let still = still.as_ref().unwrap_or(model);
        let encoded = encode(scene, still, phase, pass);
        let plain: Features = encoded.iter().map(|z| z.clone().map(Tensor::inner)).collect();

        let mut ledger = Ledger::default();
        let fuse = |model: &M, row: Row, features: &Features, pass: &mut Pass<'_>| {
            let samples = scene.serving(row)?;
            let features = inputs.pick(features, row.present(names.len()), &samples);
            Some(scene.output(model.fuse(row, &features, pass), features, samples))
        };
        for &row in &phase.probes {
            if let Some(output) = pass.probe(|pass| fuse(still, row, &plain, pass)) {
                ledger.outputs.insert(row, output.constant());
            }
        }
        let mut graphs = Vec::new();
        for &row in &phase.rows {
            let leaf = |z: &Option<Tensor<2>>| z.clone().map(|z| Tensor::from_inner(z).require_grad());
            let leaves: Features = plain.iter().map(leaf).collect();
            let Some(output) = fuse(model, row, &leaves, pass) else { continue };
            let loss = strategy.loss(row, &output, &ledger.outputs, task);
            ledger.losses.insert(row, scalar(loss.clone()));
            ledger.outputs.insert(row, output.constant());
            graphs.push((row, loss, leaves));
        }
        let routing =
            strategy.route(&Seen { at, outputs: &ledger.outputs, losses: &ledger.losses }, names)?;

        let mut gradients = Gradients::none(groups);
        let mut arrived: Vec<Arrived> = Vec::new();
        for (row, loss, leaves) in graphs {
            let mut tape = loss.backward();
            for m in row.present(names.len()).iter() {
                if let Some(at_leaf) = leaves[m.0].as_ref().and_then(|leaf| leaf.grad_remove(&mut tape)) {
                    ledger.boundary_norms.insert((row, m), norm(&at_leaf));
                    arrived.push((row, m, at_leaf));
                }
            }
            let of_row = Gradients::take(model, groups, &mut tape);
            for (_, group, weight) in routing.entries().filter(|(r, g, _)| *r == row && !is_encoder(*g)) {
                gradients.add(&of_row, group, weight, groups);
            }
            if phase.need == Need::EncoderRows {
                ledger.rows.insert(row, of_row);
            }
        }
        match phase.need {
            Need::Boundary => {
                let mut mixed: Features = vec![None; names.len()];
                for (row, m, gradient) in arrived {
                    let weight = routing.weight(row, Group::Encoder(m));
                    if weight != 0.0 {
                        let scaled = gradient.mul_scalar(weight);
                        mixed[m.0] = Some(match mixed[m.0].take() {
                            Some(sum) => sum + scaled,
                            None => scaled,
                        });
                    }
                }
                let of_encoders = through_encoders(model, groups, &encoded, &mixed);
                for m in names.iter() {
                    gradients.add(&of_encoders, Group::Encoder(m), 1.0, groups);
                }
            }
            Need::EncoderRows => {
                separate_rows(scene, pass, encoded, arrived, &mut ledger);
                for (row, group, weight) in routing.entries().filter(|(_, g, _)| is_encoder(*g)) {
                    if let Some(of_row) = ledger.rows.get(&row) {
                        gradients.add(of_row, group, weight, groups);
                    }
                }
            }
        }
        strategy.shape(&ledger, &mut gradients, groups, at);
        Ok((gradients, ledger))
    }
}

/// Runs the encoders that rows or probes need, each once. A row that no sample
/// can serve needs nothing: its encoders' statistics must stay. So must those
/// of an encoder that only probes need; `still` is the model without a graph.
fn encode<M: LateFusion>(scene: Scene<'_, M>, still: &M, phase: &Phase, pass: &mut Pass<'_>) -> Features {
    let names = scene.model.modalities();
    let needed_by = |rows: &[Row]| {
        let served = rows.iter().filter(|row| scene.serving(**row).is_some());
        Present::of(served.flat_map(|row| row.present(names.len()).iter().collect::<Vec<_>>()))
    };
    let (trained, probed) = (needed_by(&phase.rows), needed_by(&phase.probes));
    let run = |model: &M, m: Modality, pass: &mut Pass<'_>| Some(model.encode(m, scene.inputs.get(m)?, pass));
    let each = |m: Modality| match (trained.has(m), probed.has(m)) {
        (true, _) => run(scene.model, m, pass),
        (false, true) => pass.probe(|pass| run(still, m, pass)),
        (false, false) => None,
    };
    names.iter().map(each).collect()
}

fn is_encoder(group: Group) -> bool {
    matches!(group, Group::Encoder(_))
}

/// One backward through all encoders that are sent something.
fn through_encoders<M: LateFusion>(
    model: &M,
    groups: &Groups,
    encoded: &Features,
    sent: &Features,
) -> Gradients {
    let surrogate = encoded
        .iter()
        .zip(sent)
        .filter_map(|(z, mixed)| Some((z.clone()? * Tensor::from_inner(mixed.clone()?)).sum()))
        .reduce(|sum, term| sum + term);
    match surrogate {
        Some(surrogate) => Gradients::take(model, groups, &mut surrogate.backward()),
        None => Gradients::none(groups),
    }
}

/// Every row's own gradient at the encoders. Burn consumes a graph when it
/// runs it backward, so each round after the first encodes again; a round
/// serves one row of every modality, which makes two rounds for two rows.
fn separate_rows<M: LateFusion>(
    scene: Scene<'_, M>,
    pass: &mut Pass<'_>,
    encoded: Features,
    arrived: Vec<Arrived>,
    ledger: &mut Ledger,
) {
    let Scene { model, groups, inputs, .. } = scene;
    let names = model.modalities();
    let mut queues: Vec<Vec<(Row, Tensor<2>)>> = vec![Vec::new(); names.len()];
    for (row, m, gradient) in arrived.into_iter().rev() {
        queues[m.0].push((row, gradient));
    }
    let mut fresh = Some(encoded);
    while queues.iter().any(|q| !q.is_empty()) {
        let round: Vec<Option<(Row, Tensor<2>)>> = queues.iter_mut().map(Vec::pop).collect();
        let features = fresh.take().unwrap_or_else(|| {
            let again = |(m, turn): (Modality, &Option<_>)| {
                turn.as_ref().and_then(|_| Some(model.encode(m, inputs.get(m)?, pass)))
            };
            names.iter().zip(&round).map(again).collect()
        });
        let sent: Features = round.iter().map(|turn| turn.as_ref().map(|(_, g)| g.clone())).collect();
        let of_round = through_encoders(model, groups, &features, &sent);
        for (m, turn) in names.iter().zip(round) {
            if let Some((row, _)) = turn {
                let of_row = ledger.rows.entry(row).or_insert_with(|| Gradients::none(groups));
                of_row.add(&of_round, Group::Encoder(m), 1.0, groups);
            }
        }
    }
}

fn norm(x: &Tensor<2>) -> f64 {
    scalar((x.clone() * x.clone()).sum()).sqrt()
}
