//! The specification: one forward and one backward for each term.

use super::tape::Tape;
use super::term_loss::TermLoss;
use super::{Evaluator, StepContext};
use crate::Error;
use crate::layer::ForwardContext;
use crate::model::Model;
use crate::step::{Gradients, LossTerm, Need, Phase, StepOutputs, StepRecord, TermOutput};
use crate::strategy::Strategy;

/// Costs as many passes through the encoders as there are terms that see them;
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
        let StepContext { model, groups, inputs, task, at, .. } = context;
        if inputs.synchronises() {
            // Its one backward for each term visits streams in an order that depends on what samples have.
            return Err(Error::config("PerRow cannot synchronise batch norm over ranks; use Cut"));
        }
        pass.draw(at.seed, at.iteration() as u64);
        let forward = |term: LossTerm, pass: &mut ForwardContext<'_>| -> Option<TermOutput> {
            let asked = context.parts(term);
            pass.follow(inputs.others(term, model.modalities().len()));
            let scored = model.forward(&asked, inputs, pass).into_iter();
            context.output(scored.zip(asked.into_iter().map(|(_, samples)| samples)).collect())
        };
        let mut record = StepRecord::default();
        let encoders = |term: LossTerm| context.shown(term).count();
        for &term in &phase.probes {
            let own = pass.probe(|pass| forward(term, pass)).map(|own| own.constant());
            if let Some(output) = context.whole(own, false) {
                record.encoder_runs += encoders(term);
                record.outputs.insert(term, output);
            }
        }
        for &term in &phase.terms {
            let own = forward(term, pass);
            let gradients = match context.lose(term, own, strategy, &mut record) {
                TermLoss::Here(loss) => Tape::of(loss, pass.loss_scale()).take(model, groups),
                TermLoss::Elsewhere => Gradients::none(groups),
                TermLoss::Absent => continue,
            };
            record.encoder_runs += 2 * encoders(term);
            record.terms.insert(term, gradients);
        }
        let outputs = StepOutputs { at, outputs: &record.outputs, terms: &record.trained, task };
        let routing = strategy.route(&outputs, model.modalities())?;
        context.sum(record.terms.values_mut());
        let mut gradients = Gradients::none(groups);
        for (term, group, weight) in routing.entries() {
            if let Some(of_term) = record.terms.get(&term) {
                gradients.add(of_term, group, weight, groups);
            }
        }
        record.routing = routing;
        strategy.shape(&record, &mut gradients, groups, at);
        if phase.need == Need::Boundary {
            record.terms.clear();
        }
        Ok((gradients, record))
    }
}
