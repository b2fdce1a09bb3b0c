//! What an evaluator works on.

use burn::tensor::{Device, Tensor, TensorData};

use super::whole;
use crate::Error;
use crate::host::Reads;
use crate::input::Inputs;
use crate::layer::ForwardContext;
use crate::modality::Present;
use crate::model::{Model, Scored};
use crate::peers::Peers;
use crate::step::Position;
use crate::step::{Gradients, Groups, LossTerm, Phase, StepRecord, TermOutput};
use crate::strategy::Strategy;
use crate::task::Task;

/// One batch in front of one model.
pub struct StepContext<'a, M> {
    /// The model, tracked for gradients.
    pub model: &'a M,
    /// Its parameters.
    pub groups: &'a Groups,
    /// The batch.
    pub inputs: &'a Inputs,
    /// What to predict.
    pub task: &'a dyn Task,
    /// Position in training.
    pub at: Position,
    /// Who trains the same model with other samples of the batch.
    pub peers: &'a dyn Peers,
}

impl<M> Clone for StepContext<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for StepContext<'_, M> {}

impl<M: Model> StepContext<'_, M> {
    /// The result of a term on the samples of all ranks, from that on the samples here; `None` if there is
    /// none. Of other ranks there are numbers only, beside the graph of a `trained` term.
    pub(super) fn whole(&self, own: Option<TermOutput>, trained: bool) -> Option<TermOutput> {
        match self.inputs.roster() {
            Some(roster) => {
                let modalities = self.model.modalities().len();
                whole::gather(self.peers, roster, own, modalities, &self.device(), trained)
            }
            None => own,
        }
    }

    /// Adds up gradients over ranks.
    pub(super) fn sum<'g>(&self, gradients: impl Iterator<Item = &'g mut Gradients>) {
        if self.inputs.roster().is_some() {
            whole::sum(self.peers, gradients.collect(), self.groups, &self.device());
        }
    }

    fn device(&self) -> Device {
        self.model.devices().into_iter().next().expect("a model has parameters").inner()
    }

    /// The samples that can serve a term, by what they have of it.
    pub(super) fn parts(&self, term: LossTerm) -> Vec<(LossTerm, Vec<usize>)> {
        self.inputs.parts(term, self.model.modalities().len())
    }

    /// The modalities that some part of a term shows.
    pub(super) fn shown(&self, term: LossTerm) -> Present {
        let count = self.model.modalities().len();
        let parts = self.inputs.shown(term, count);
        Present::of(parts.iter().flat_map(|part| part.present(count).iter()))
    }

    /// The forward results of a term's parts as one, with its targets, in the
    /// order of the samples; `None` if there is none.
    pub(super) fn output(&self, parts: Vec<(Scored, Vec<usize>)>) -> Option<TermOutput> {
        let whole = |Scored { scores, features }: Scored, samples: Vec<usize>| TermOutput {
            scores,
            features,
            targets: self.inputs.targets_of(&samples),
            samples,
        };
        let (scored, served): (Vec<Scored>, Vec<Vec<usize>>) = parts.into_iter().unzip();
        if scored.len() < 2 {
            return scored.into_iter().zip(served).next().map(|(scored, samples)| whole(scored, samples));
        }
        let order: Vec<usize> = served.concat();
        let mut places: Vec<usize> = (0..order.len()).collect();
        places.sort_by_key(|&place| order[place]);
        let samples: Vec<usize> = places.iter().map(|&place| order[place]).collect();
        let arranged = |terms: Tensor<2>| {
            // Dense prediction has several terms per sample.
            let each = terms.dims()[0] / order.len();
            let index = places.iter().flat_map(|&place| place * each..(place + 1) * each);
            let index: Vec<i64> = index.map(|row| row as i64).collect();
            let count = index.len();
            terms.clone().select(0, Tensor::from_data(TensorData::new(index, [count]), &terms.device()))
        };
        let features = (0..self.model.modalities().len()).map(|m| {
            let width = scored.iter().find_map(|part| part.features[m].as_ref().map(|z| z.dims()[1]))?;
            let of = |(part, samples): (&Scored, &Vec<usize>)| match &part.features[m] {
                Some(z) => z.clone(),
                None => Tensor::zeros([samples.len(), width], &part.scores.device()),
            };
            Some(arranged(Tensor::cat(scored.iter().zip(&served).map(of).collect(), 0)))
        });
        let features = features.collect();
        let scores = arranged(Tensor::cat(scored.into_iter().map(|part| part.scores).collect(), 0));
        Some(whole(Scored { scores, features }, samples))
    }
}

/// A way to compute the gradients of a phase. All ways mean the same.
pub trait Evaluator<M: Model> {
    /// Runs forward, asks the strategy for its matrix, and mixes gradients by it. Losses and
    /// norms are not read yet: see [`StepRecord::read`].
    ///
    /// # Errors
    /// What the strategy's `route` returns.
    fn run(
        &self,
        context: StepContext<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut ForwardContext<'_>,
    ) -> Result<(Gradients, StepRecord), Error>;

    /// As [`Evaluator::run`], with everything read.
    ///
    /// # Errors
    /// What the strategy's `route` returns.
    fn evaluate(
        &self,
        context: StepContext<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut ForwardContext<'_>,
    ) -> Result<(Gradients, StepRecord), Error> {
        let (gradients, mut record) = self.run(context, phase, strategy, pass)?;
        record.read(Reads::default(), context.peers);
        Ok((gradients, record))
    }
}
