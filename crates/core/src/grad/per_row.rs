//! The specification: one forward and one backward for each row.

use super::{Evaluator, StepContext};
use crate::Error;
use crate::layer::ForwardContext;
use crate::model::Model;
use crate::step::{Gradients, LossTerm, Need, Phase, StepOutputs, StepRecord, TermOutput};
use crate::strategy::Strategy;

/// Costs as many passes through the encoders as there are rows that see them;
/// [`Cut`](super::Cut) computes the same with one.
#[derive(Clone, Copy, Debug, Default)]
pub struct PerRow;

impl<M: Model> Evaluator<M> for PerRow {
    fn run(
        &self,
        context: StepContext<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut ForwardContext<'_>,
    ) -> Result<(Gradients, StepRecord), Error> {
        let StepContext { model, groups, inputs, task, at } = context;
        pass.draw(at.seed, at.iteration() as u64);
        let forward = |row: LossTerm, pass: &mut ForwardContext<'_>| -> Option<TermOutput> {
            let asked = context.parts(row);
            let scored = model.forward(&asked, inputs, pass).into_iter();
            context.output(scored.zip(asked.into_iter().map(|(_, samples)| samples)).collect())
        };
        let mut record = StepRecord::default();
        let encoders = |row: LossTerm| context.shown(row).count();
        for &row in &phase.probes {
            if let Some(output) = pass.probe(|pass| forward(row, pass)) {
                record.encoder_runs += encoders(row);
                record.outputs.insert(row, output.constant());
            }
        }
        for &row in &phase.rows {
            let Some(output) = forward(row, pass) else { continue };
            record.encoder_runs += 2 * encoders(row);
            let loss = strategy.loss(row, &output, &record.outputs, task);
            record.note_loss(row, loss.clone());
            record.rows.insert(row, Gradients::take(model, groups, &mut loss.backward()));
            record.outputs.insert(row, output.constant());
        }
        let seen = StepOutputs { at, outputs: &record.outputs, rows: &record.trained, task };
        let routing = strategy.route(&seen, model.modalities())?;
        let mut gradients = Gradients::none(groups);
        for (row, group, weight) in routing.entries() {
            if let Some(of_row) = record.rows.get(&row) {
                gradients.add(of_row, group, weight, groups);
            }
        }
        record.routing = routing;
        strategy.shape(&record, &mut gradients, groups, at);
        if phase.need == Need::Boundary {
            record.rows.clear();
        }
        Ok((gradients, record))
    }
}
