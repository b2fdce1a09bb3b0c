//! The specification: one forward and one backward for each row.

use super::{Evaluator, Scene};
use crate::Error;
use crate::layer::Pass;
use crate::model::Model;
use crate::step::{Gradients, Ledger, Need, Phase, Row, RowOutput, Seen};
use crate::strategy::Strategy;

/// Costs as many passes through the encoders as there are rows that see them;
/// [`Cut`](super::Cut) computes the same with one.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerRow;

impl<M: Model> Evaluator<M> for PerRow {
    fn run(
        &self,
        scene: Scene<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut Pass<'_>,
    ) -> Result<(Gradients, Ledger), Error> {
        let Scene { model, groups, inputs, task, at } = scene;
        pass.draw(at.seed, at.iteration() as u64);
        let forward = |row: Row, pass: &mut Pass<'_>| -> Option<RowOutput> {
            let asked = scene.parts(row);
            let scored = model.forward(&asked, inputs, pass).into_iter();
            scene.output(scored.zip(asked.into_iter().map(|(_, samples)| samples)).collect())
        };
        let mut ledger = Ledger::default();
        let encoders = |row: Row| scene.shown(row).count();
        for &row in &phase.probes {
            if let Some(output) = pass.probe(|pass| forward(row, pass)) {
                ledger.encoder_runs += encoders(row);
                ledger.outputs.insert(row, output.constant());
            }
        }
        for &row in &phase.rows {
            let Some(output) = forward(row, pass) else { continue };
            ledger.encoder_runs += 2 * encoders(row);
            let loss = strategy.loss(row, &output, &ledger.outputs, task);
            ledger.note_loss(row, loss.clone());
            ledger.rows.insert(row, Gradients::take(model, groups, &mut loss.backward()));
            ledger.outputs.insert(row, output.constant());
        }
        let seen = Seen { at, outputs: &ledger.outputs, rows: &ledger.trained, task };
        let routing = strategy.route(&seen, model.modalities())?;
        let mut gradients = Gradients::none(groups);
        for (row, group, weight) in routing.entries() {
            if let Some(of_row) = ledger.rows.get(&row) {
                gradients.add(of_row, group, weight, groups);
            }
        }
        ledger.routing = routing;
        strategy.shape(&ledger, &mut gradients, groups, at);
        if phase.need == Need::Boundary {
            ledger.rows.clear();
        }
        Ok((gradients, ledger))
    }
}
