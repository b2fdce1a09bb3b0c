//! The loss of a term on the samples of all ranks.

use burn::tensor::Tensor;

use super::StepContext;
use crate::model::Model;
use crate::step::{LossTerm, StepRecord, TermOutput};
use crate::strategy::Strategy;
use crate::task::Additive;

/// What this rank has of a term's loss.
#[allow(clippy::large_enum_variant, reason = "there is one of it at a time")]
pub(super) enum TermLoss {
    /// No sample of any rank serves the term.
    Absent,
    /// Other ranks have all samples that serve it.
    Elsewhere,
    /// `[1]`, with a graph.
    Here(Tensor<1>),
}

impl<M: Model> StepContext<'_, M> {
    /// The loss of a term from the results of the samples here. The record learns of it.
    pub(super) fn lose(
        &self,
        term: LossTerm,
        own: Option<TermOutput>,
        strategy: &dyn Strategy,
        record: &mut StepRecord,
    ) -> TermLoss {
        if let (true, Some(task), false) =
            (self.inputs.is_shared(), self.task.additive(), strategy.reads_outputs())
        {
            return self.share(term, own, task, record);
        }
        let here = own.is_some();
        let Some(output) = self.whole(own, true) else { return TermLoss::Absent };
        let loss = strategy.loss(term, &output, &record.outputs, self.task);
        record.note_loss(term, loss.clone());
        record.outputs.insert(term, output.constant());
        if here { TermLoss::Here(loss) } else { TermLoss::Elsewhere }
    }

    /// The same of a loss that is a sum over samples, for a strategy that asks for nothing else: no
    /// scores are told, which of dense prediction would be those of every pixel.
    fn share(
        &self,
        term: LossTerm,
        own: Option<TermOutput>,
        task: &dyn Additive,
        record: &mut StepRecord,
    ) -> TermLoss {
        let Some((samples, targets)) = self.inputs.of_all_ranks(term, self.model.modalities().len()) else {
            return TermLoss::Absent;
        };
        let share = own.as_ref().map(|own| task.share(own.scores.clone(), &own.targets, &targets));
        record.note_share(term, share.clone(), (samples, targets));
        if let Some(own) = own {
            record.outputs.insert(term, own.constant());
        }
        share.map_or(TermLoss::Elsewhere, TermLoss::Here)
    }
}
