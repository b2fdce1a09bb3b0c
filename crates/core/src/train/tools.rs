//! The trainer's side of [`EpochTools`]: measurements between epochs.

use std::collections::{BTreeMap, HashMap};

use burn::module::{Module, ParamId};
use burn::tensor::Tensor;
use counterpoint_batch::{BatchSource, Targets};

use super::optimizer::Optimizer;
use super::trainer::readable;
use super::{Evaluation, TrainState, Trainer};
use crate::grad::StepContext;
use crate::host::{Reads, host, scalar};
use crate::input::Inputs;
use crate::layer::{Buffers, ForwardContext};
use crate::modality::{Modalities, Modality};
use crate::model::{Model, Scored};
use crate::peers::{Message, Reader};
use crate::roster::{read_targets, write_targets};
use crate::step::{Group, Groups, LossTerm, Phase, Routing, StepOutputs, map_parameters};
use crate::step::{Incomplete, Position};
use crate::strategy::{EpochTools, LossCurve, Measured, Split, SplitLoss, Strategy};
use crate::task::TaskKind;
use crate::{Error, ErrorKind};

/// A `TrainState` without its strategy, and the trainer that has the data.
pub(super) struct TrainerTools<'a, M> {
    trainer: &'a Trainer<'a, M>,
    /// The epoch that comes next.
    next: usize,
    names: Modalities,
    model: &'a mut M,
    groups: &'a Groups,
    buffers: &'a mut Buffers,
    optimizer: &'a Optimizer,
    incomplete: Incomplete,
    initial: Option<&'a M>,
    /// Of the model as it is; none once that changed.
    validation: Option<&'a Evaluation>,
}

impl<'a, M: Model> TrainerTools<'a, M> {
    /// Parts a state into its strategy and the tools for it, before the epoch `next`;
    /// with the scores of the validation split where they are there already.
    pub(super) fn new(
        trainer: &'a Trainer<'a, M>,
        state: &'a mut TrainState<M>,
        next: usize,
        validation: Option<&'a Evaluation>,
    ) -> (&'a mut dyn Strategy, Self) {
        let TrainState { model, groups, buffers, optimizer, strategy, incomplete, initial, .. } = state;
        let names = model.modalities().clone();
        let (incomplete, initial) = (*incomplete, initial.as_ref());
        (
            strategy.as_mut(),
            Self { trainer, next, names, model, groups, buffers, optimizer, incomplete, initial, validation },
        )
    }

    fn source(&self, split: Split) -> &'a dyn BatchSource {
        match split {
            Split::Train => self.trainer.train,
            Split::Validation => self.trainer.validation,
        }
    }

    /// Runs one term over this rank's share of a split and gives the results of each batch, by number, to `see`.
    fn over(
        &self,
        (model, buffers): (&M, &Buffers),
        split: Split,
        term: LossTerm,
        mut see: impl FnMut(usize, Scored, Targets),
    ) -> Result<(), Error> {
        let frozen = Module::valid(model);
        let share = self.trainer.share(self.source(split));
        for (number, batch) in share.plain().enumerate() {
            let inputs = Inputs::new(readable(batch)?, self.trainer.device).with_incomplete(self.incomplete);
            let parts = inputs.parts(term, self.names.len());
            let scored = frozen.forward(&parts, &inputs, &mut ForwardContext::eval(buffers));
            scored
                .into_iter()
                .zip(&parts)
                .for_each(|(scored, (_, of))| see(number, scored, inputs.targets_of(of)));
        }
        Ok(())
    }

    fn measure(
        &self,
        split: Split,
        term: LossTerm,
        of: impl Fn(Scored) -> Option<Tensor<2>>,
    ) -> Result<Measured, Error> {
        let mut batches: BTreeMap<usize, Measured> = BTreeMap::new();
        self.over((self.model, self.buffers), split, term, |number, scored, targets| {
            if let Some(numbers) = of(scored) {
                let batch = batches.entry(number).or_default();
                batch.width = numbers.dims()[1];
                batch.values.extend(host(numbers));
                batch.targets.append(targets);
            }
        })?;
        Ok(self.gathered(batches))
    }

    /// The measurements of all ranks, batch by batch.
    fn gathered(&self, own: BTreeMap<usize, Measured>) -> Measured {
        let mut message = Message::default();
        for (number, batch) in &own {
            message.counts(&[*number, batch.width]);
            message.floats(&batch.values);
            write_targets(&mut message, &batch.targets);
        }
        let mut all: Vec<(usize, Measured)> = Vec::new();
        match self.trainer.peers.size() {
            1 => all.extend(own),
            _ => self.trainer.peers.gather(message.bytes()).iter().for_each(|rank| {
                let mut rank = Reader::new(rank);
                while !rank.is_done() {
                    let at = rank.counts();
                    let (values, targets) = (rank.floats(), read_targets(&mut rank));
                    all.push((at[0], Measured { width: at[1], values, targets }));
                }
            }),
        }
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().fold(Measured::default(), |mut whole, (_, batch)| {
            whole.width = batch.width;
            whole.values.extend(batch.values);
            whole.targets.append(batch.targets);
            whole
        })
    }

    /// A sum and a count, over all ranks.
    fn sums(&self, sum: f64, count: f64) -> (f64, f64) {
        let mut message = Message::default();
        message.number(sum);
        message.number(count);
        self.trainer
            .peers
            .gather(message.bytes())
            .iter()
            .map(|rank| Reader::new(rank))
            .fold((0.0, 0.0), |(sum, count), mut rank| (sum + rank.number(), count + rank.number()))
    }

    /// Mean loss over the samples of each split, summed over terms.
    fn losses(&self, model: &M, buffers: &Buffers, terms: &[LossTerm]) -> Result<SplitLoss, Error> {
        let of = |split: Split| {
            let mut total = 0.0;
            for &term in terms {
                let (mut sum, mut count) = (0.0, 0.0);
                self.over((model, buffers), split, term, |_, scored, targets| {
                    sum += scalar(self.trainer.task.losses(scored.scores, &targets).sum());
                    count += targets.len() as f64;
                })?;
                let (sum, count) = self.sums(sum, count);
                total += if count > 0.0 { sum / count } else { 0.0 };
            }
            Ok::<_, Error>(total)
        };
        Ok(SplitLoss { train: of(Split::Train)?, validation: of(Split::Validation)? })
    }
}

impl<M: Model> EpochTools for TrainerTools<'_, M> {
    fn modalities(&self) -> &Modalities {
        &self.names
    }

    fn features(&mut self, split: Split, m: Modality) -> Result<Measured, Error> {
        self.measure(split, LossTerm::Unimodal(m), |mut scored| scored.features[m.0].take())
    }

    fn targets(&mut self, split: Split) -> Result<Targets, Error> {
        let targets = self.source(split).targets();
        targets.map_err(|e| Error::new(ErrorKind::Data, "cannot read the targets").because(e))
    }

    fn scores(&mut self, split: Split, term: LossTerm) -> Result<Measured, Error> {
        if let (Split::Validation, LossTerm::Unimodal(_), Some(known)) = (split, term, self.validation)
            && self.trainer.task.kind() != TaskKind::Segmentation
            && self.trainer.task.reduced_width() == self.trainer.task.outputs()
        {
            let (of, values) = known.reduced.get(&term).cloned().unwrap_or_default();
            let width = self.trainer.task.outputs();
            return Ok(Measured { width, values, targets: known.targets.pick(&of) });
        }
        self.measure(split, term, |scored| Some(scored.scores))
    }

    fn trial(&mut self, terms: &[LossTerm], epochs: usize) -> Result<LossCurve, Error> {
        let Trainer { config, evaluator, task, device, peers, .. } = *self.trainer;
        let train = self.trainer.share(self.trainer.train);
        let start = self.losses(self.model, self.buffers, terms)?;
        // A clone shares its tensors until a step replaces them.
        let (mut model, mut buffers) = (self.model.clone(), self.buffers.clone());
        let mut optimizer = self.optimizer.clone();
        let mut everything = Everything { terms: terms.to_vec() };
        let phase = Phase::of(terms);
        for epoch in self.next..self.next + epochs {
            let factor = config.schedule.factor(epoch, config.epochs);
            for (batch, data) in train.epoch(epoch, 0).enumerate() {
                if self.trainer.stopped() {
                    return Err(Error::new(ErrorKind::Interrupted, "interrupted during a trial"));
                }
                let inputs =
                    Inputs::new(readable(data)?, device).with_incomplete(self.incomplete).shared(peers);
                let at = self.trainer.position(epoch, batch);
                let context =
                    StepContext { model: &model, groups: self.groups, inputs: &inputs, task, at, peers };
                let pass = &mut ForwardContext::train(&mut buffers).scaled(optimizer.loss_scale());
                let (mut gradients, mut record) = evaluator.run(context, &phase, &mut everything, pass)?;
                buffers.average(peers, device);
                if optimizer.scale.is_some() {
                    let mut reads = Reads::default();
                    gradients.ask(&mut reads);
                    optimizer.admits(&reads.fetch(), &mut gradients, &mut record)?;
                }
                if let Some(max) = config.clip {
                    gradients.clip(max);
                }
                model = optimizer.step(model, gradients, self.groups, factor);
            }
        }
        Ok(LossCurve { start, end: self.losses(&model, &buffers, terms)? })
    }

    fn pull_to_init(&mut self, group: Group, amount: f64) -> Result<(), Error> {
        if amount == 0.0 {
            return Ok(());
        }
        let initial = self.initial.ok_or_else(|| {
            Error::config("a strategy that pulls to initial weights must say so in `needs_initial`")
        })?;
        self.validation = None;
        let mut values: HashMap<ParamId, Tensor<1>> = HashMap::new();
        let _ = map_parameters(initial.clone(), |id, value| {
            values.insert(id, value);
            None
        });
        *self.model = map_parameters(self.model.clone(), |id, value| {
            let parameter = &self.groups.parameters()[self.groups.position(id)?];
            let initial = (parameter.group == group).then(|| values.remove(&id)).flatten()?;
            Some(initial.mul_scalar(amount) + value.mul_scalar(1.0 - amount))
        });
        Ok(())
    }

    fn rebuild_statistics(&mut self) -> Result<(), Error> {
        if self.buffers.iter().next().is_none() {
            return Ok(());
        }
        self.validation = None;
        let Trainer { device, peers, .. } = *self.trainer;
        let train = self.trainer.share(self.trainer.train);
        let frozen = Module::valid(&*self.model);
        let mut means = Buffers::averaging();
        for (batch, data) in train.epoch(self.next, 0).enumerate() {
            let inputs = Inputs::new(readable(data)?, device).with_incomplete(self.incomplete).shared(peers);
            let at = self.trainer.position(self.next, batch);
            let mut pass = ForwardContext::train(&mut means);
            pass.draw(at.seed, at.iteration() as u64);
            pass.follow(inputs.others(LossTerm::Fused, self.names.len()));
            let _ = frozen.forward(&inputs.parts(LossTerm::Fused, self.names.len()), &inputs, &mut pass);
            means.average(peers, device);
        }
        for (layer, key, running) in means.iter() {
            self.buffers.set(layer, key, running.clone());
        }
        Ok(())
    }
}

/// The sum of some terms, with everything listening to each of them.
struct Everything {
    terms: Vec<LossTerm>,
}

impl Strategy for Everything {
    fn phases(&self, _at: Position, _modalities: &Modalities) -> Vec<Phase> {
        vec![Phase::of(self.terms.as_slice())]
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        Ok(self.terms.iter().fold(Routing::default(), |w, &term| w.to_all(term, 1.0, modalities)))
    }
}
