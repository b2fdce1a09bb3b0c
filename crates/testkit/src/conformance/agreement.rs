//! One step of any strategy, by any evaluator, in a form that can be compared.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::Error;
use counterpoint::grad::{Evaluator, StepContext};
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::{Buffers, ForwardContext};
use counterpoint::modality::Modalities;
use counterpoint::model::Model;
use counterpoint::peers::{Alone, Peers};
use counterpoint::step::Position;
use counterpoint::step::{
    Gradients, Group, Groups, LossTerm, Phase, Routing, StepOutputs, StepRecord, TermOutput,
};
use counterpoint::strategy::Strategy;
use counterpoint::task::Task;

use super::{Named, same, same_in_families};

/// The start of a run.
pub fn position() -> Position {
    Position { epoch: 0, epochs: 4, batch: 0, batches: 2, seed: 7 }
}

/// All that one phase did.
#[derive(Debug)]
pub struct Evaluated {
    /// The mixed gradients that exist.
    pub gradients: Named,
    /// Loss of each term.
    pub losses: BTreeMap<LossTerm, f64>,
    /// The matrix.
    pub routing: Routing,
    /// Norm of each term's gradient at each modality's features, if the evaluator knows it.
    pub record: StepRecord,
}

/// Runs the phases of one batch, without optimizer steps in between.
///
/// # Errors
/// What the strategy says.
pub fn evaluate<M: Model>(
    evaluator: &dyn Evaluator<M>,
    model: &M,
    inputs: &Inputs,
    task: &dyn Task,
    strategy: &mut dyn Strategy,
    buffers: &mut Buffers,
) -> Result<Vec<Evaluated>, Error> {
    evaluate_among(&Alone, evaluator, model, inputs, task, strategy, buffers)
}

/// The same as one of several ranks; `inputs` are its share.
///
/// # Errors
/// What the strategy says.
pub fn evaluate_among<M: Model>(
    peers: &dyn Peers,
    evaluator: &dyn Evaluator<M>,
    model: &M,
    inputs: &Inputs,
    task: &dyn Task,
    strategy: &mut dyn Strategy,
    buffers: &mut Buffers,
) -> Result<Vec<Evaluated>, Error> {
    let groups = model.groups();
    let mut results = Vec::new();
    for phase in strategy.phases(position(), model.modalities()) {
        let context = StepContext { model, groups: &groups, inputs, task, at: position(), peers };
        let mut spy = Spy { inner: &mut *strategy, routing: Routing::default() };
        let mut pass = ForwardContext::train(buffers);
        let (gradients, record) = evaluator.evaluate(context, &phase, &mut spy, &mut pass)?;
        buffers.average(peers, &Device::flex());
        let named = groups.parameters().iter().enumerate();
        let gradients = named.filter_map(|(i, p)| Some((p.name.clone(), host(gradients.get(i)?.clone()))));
        let routing = spy.routing;
        results.push(Evaluated {
            gradients: gradients.collect(),
            losses: record.losses.clone(),
            routing,
            record,
        });
    }
    Ok(results)
}

/// Passes everything on and remembers the matrix.
struct Spy<'a> {
    inner: &'a mut dyn Strategy,
    routing: Routing,
}

impl Strategy for Spy<'_> {
    fn phases(&self, at: Position, modalities: &Modalities) -> Vec<Phase> {
        self.inner.phases(at, modalities)
    }

    fn loss(
        &self,
        term: LossTerm,
        output: &TermOutput,
        earlier: &BTreeMap<LossTerm, TermOutput>,
        task: &dyn Task,
    ) -> burn::tensor::Tensor<1> {
        self.inner.loss(term, output, earlier, task)
    }

    fn receives(&self, term: LossTerm, group: Group) -> bool {
        self.inner.receives(term, group)
    }

    fn reads_outputs(&self) -> bool {
        self.inner.reads_outputs()
    }

    fn route(&mut self, outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        self.routing = self.inner.route(outputs, modalities)?;
        Ok(self.routing.clone())
    }

    fn shape(&mut self, record: &StepRecord, gradients: &mut Gradients, groups: &Groups, at: Position) {
        self.inner.shape(record, gradients, groups, at);
    }
}

/// Whether two evaluators did the same: gradients, losses, and the running
/// statistics that they left behind.
///
/// # Errors
/// What differs by more than the tolerance, relative to the part's norm.
pub fn agree(
    (is, buffers): (&[Evaluated], &Buffers),
    (should, expected): (&[Evaluated], &Buffers),
    tolerance: f64,
) -> Result<(), String> {
    agree_in_families((is, buffers), (should, expected), tolerance, part)
}

/// As [`agree`], gradients relative to the norm over a family of parameters.
///
/// # Errors
/// What differs by more than the tolerance, relative.
pub fn agree_in_families(
    (is, buffers): (&[Evaluated], &Buffers),
    (should, expected): (&[Evaluated], &Buffers),
    tolerance: f64,
    family: fn(&str) -> &str,
) -> Result<(), String> {
    if is.len() != should.len() {
        return Err(format!("{} phases instead of {}", is.len(), should.len()));
    }
    for (is, should) in is.iter().zip(should) {
        same_in_families(&is.gradients, &should.gradients, tolerance, family)?;
        same(&losses(is), &losses(should), tolerance)?;
    }
    same(&statistics(buffers), &statistics(expected), tolerance)
}

/// The part that a parameter or an entry about it belongs to: the name up to
/// the second dot, `encoder.audio`.
pub fn part(name: &str) -> &str {
    name.match_indices('.').nth(1).map_or(name, |(end, _)| &name[..end])
}

fn losses(of: &Evaluated) -> Named {
    of.losses.iter().map(|(term, loss)| (format!("loss of {term:?}"), vec![*loss as f32])).collect()
}

fn statistics(buffers: &Buffers) -> Named {
    let both = |(id, key, running): (burn::module::ParamId, _, &counterpoint::layer::Running)| {
        let values = [host(running.mean.clone()), host(running.variance.clone())].concat();
        (format!("statistics of {} {key:?}", id.val()), values)
    };
    buffers.iter().map(both).collect()
}

/// Whether only those parameters have a gradient whose group the matrix sends
/// something from a term that some sample could serve, and every such group has.
///
/// # Errors
/// The first parameter or group for which it is not so.
pub fn receives(evaluated: &Evaluated, groups: &Groups) -> Result<(), String> {
    let sent = |group: Group| {
        evaluated.routing.terms_of(group).any(|(term, _)| evaluated.losses.contains_key(&term))
    };
    let has = |name: &str| evaluated.gradients.contains_key(name);
    if let Some(p) = groups.parameters().iter().find(|p| has(&p.name) && !sent(p.group)) {
        return Err(format!("`{}` has a gradient under {:?}", p.name, evaluated.routing));
    }
    // An auxiliary term may bypass fusion and head: what it is allowed to reach it need not reach.
    let surely = |group: Group| {
        let terms = evaluated.routing.terms_of(group).map(|(term, _)| term);
        terms.filter(|term| evaluated.losses.contains_key(term)).any(|term| {
            !matches!(term, LossTerm::Auxiliary(_))
                || matches!(group, Group::Encoder(_) | Group::UnimodalHead(_))
        })
    };
    for group in groups.groups().into_iter().filter(|g| surely(*g)) {
        if !groups.parameters().iter().any(|p| p.group == group && has(&p.name)) {
            return Err(format!("{group:?} has no gradient under {:?}", evaluated.routing));
        }
    }
    Ok(())
}
