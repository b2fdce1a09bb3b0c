//! The fast path: streams run once up to where modalities meet, whatever the terms.
//!
//! Every term gets fresh leaves at the cut and runs the rest forward and
//! backward at once, so that the graphs of terms do not add up in memory. The
//! gradients that arrive at the leaves are mixed by W, and for each stream a surrogate
//! `<z_m, mixed_m>` sends them through it: its gradient is the
//! chain rule's, so nothing is approximated. Streams run side by side, forward and backward. Parameters after the cut, a
//! stream's own among them, are mixed term by term.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Tensor;

use super::arrived::Arrived;
use super::tape::Tape;
use super::term_loss::TermLoss;
use super::{Evaluator, StepContext};
use crate::Error;
use crate::feature::{Feature, Features, PartGradients};
use crate::layer::ForwardContext;
use crate::modality::Present;
use crate::model::{self, Model, Order, Stream};
use crate::step::{Gradients, Group, Groups, LossTerm, Need, Phase, StepOutputs, StepRecord, freeze};
use crate::strategy::Strategy;

/// Serves every model. With late fusion a DGL step costs what a joint step
/// costs, plus one pass through fusion and head for each modality; with dense
/// fusion the streams after the first meeting run once more for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut;

impl<M: Model> Evaluator<M> for Cut {
    fn run(
        &self,
        context: StepContext<'_, M>,
        phase: &Phase,
        strategy: &mut dyn Strategy,
        pass: &mut ForwardContext<'_>,
    ) -> Result<(Gradients, StepRecord), Error> {
        let StepContext { model, groups, inputs, task, at, .. } = context;
        pass.draw(at.seed, at.iteration() as u64);
        let names = model.modalities();
        // Probes run without a graph: one that nobody runs backward would stay in memory.
        let still = (!phase.probes.is_empty()).then(|| Module::valid(model));
        let still = still.as_ref().unwrap_or(model);
        pass.follow(inputs.others(LossTerm::Fused, names.len()));
        let encoded = encode(context, still, phase, pass);
        let plain = each(&encoded, Feature::inner);

        let mut record = StepRecord::default();
        record.encoder_runs = encoded.iter().flatten().count();
        let join = |model: &M, term: LossTerm, features: &Features, pass: &mut ForwardContext<'_>| {
            pass.follow(inputs.others(term, names.len()));
            let parts = context.parts(term).into_iter().map(|(part, samples)| {
                let features = inputs.pick(features, part.present(names.len()), &samples);
                (pass.of_part(part, samples.len(), |pass| model.join(part, &features, pass)), samples)
            });
            context.output(parts.collect())
        };
        for &term in &phase.probes {
            let own = pass.probe(|pass| join(still, term, &plain, pass)).map(|own| own.constant());
            if let Some(output) = context.whole(own, false) {
                record.outputs.insert(term, output);
            }
        }
        let mut terms: BTreeMap<LossTerm, Gradients> = BTreeMap::new();
        let mut arrived: Vec<Arrived> = Vec::new();
        for &term in &phase.terms {
            let leaves = each(&plain, Feature::leaf);
            let trainable_for = trainable_for(model, groups, |group| strategy.receives(term, group));
            let own = join(&trainable_for, term, &leaves, pass);
            let mut tape = match context.lose(term, own, strategy, &mut record) {
                TermLoss::Here(loss) => Tape::of(loss, pass.loss_scale()),
                TermLoss::Elsewhere => {
                    terms.insert(term, Gradients::none(groups));
                    continue;
                }
                TermLoss::Absent => continue,
            };
            for m in term.present(names.len()).iter() {
                let Some(leaf) = &leaves[m.0] else { continue };
                let parts: PartGradients = leaf.rows().map(|part| tape.remove(part)).collect();
                if parts.iter().any(Option::is_some) {
                    record.note_boundary(term, m, &parts);
                    arrived.push((term, m, parts));
                }
            }
            terms.insert(term, tape.take(&trainable_for, groups));
        }
        let arrived = context.everywhere(arrived, &phase.terms, &plain);
        let routing = strategy
            .route(&StepOutputs { at, outputs: &record.outputs, terms: &record.trained, task }, names)?;

        let through = match phase.need {
            Need::Boundary => {
                let mut mixed: Vec<PartGradients> = vec![Vec::new(); names.len()];
                for (term, m, parts) in arrived {
                    let weight = routing.weight(term, Group::Encoder(m));
                    if weight != 0.0 {
                        add(&mut mixed[m.0], parts, weight);
                    }
                }
                record.encoder_runs += mixed.iter().filter(|sent| !sent.is_empty()).count();
                Some(through_streams(context, encoded, mixed, pass.loss_scale()))
            }
            Need::EncoderTerms => {
                record.encoder_runs += separate_terms(context, pass, encoded, arrived, &mut terms);
                None
            }
        };
        if phase.need == Need::EncoderTerms {
            context.sum(terms.values_mut());
        }
        let mut gradients = Gradients::none(groups);
        for (term, group, weight) in routing.entries() {
            if let Some(of_term) = terms.get(&term) {
                gradients.add(of_term, group, weight, groups);
            }
        }
        if let Some(through) = through {
            for m in names.iter() {
                gradients.add(&through, Group::Encoder(m), 1.0, groups);
            }
        }
        match phase.need {
            Need::Boundary => context.sum(std::iter::once(&mut gradients)),
            Need::EncoderTerms => record.terms = terms,
        }
        record.routing = routing;
        strategy.shape(&record, &mut gradients, groups, at);
        Ok((gradients, record))
    }
}

fn each(features: &Features, change: impl Fn(&Feature) -> Feature) -> Features {
    features.iter().map(|z| z.as_ref().map(&change)).collect()
}

/// The model with the parameters of groups that do not listen as constants:
/// their gradients would be computed and thrown away.
fn trainable_for<M: Model>(model: &M, groups: &Groups, receives: impl Fn(Group) -> bool) -> M {
    if groups.groups().into_iter().all(&receives) {
        return model.clone();
    }
    freeze(model.clone(), |id| groups.position(id).is_some_and(|p| !receives(groups.parameters()[p].group)))
}

/// Runs the streams that terms or probes need, each once. A term that no sample
/// can serve needs nothing: its streams' statistics must stay. So must those
/// of a stream that only probes need; `still` is the model without a graph.
fn encode<M: Model>(
    context: StepContext<'_, M>,
    still: &M,
    phase: &Phase,
    pass: &mut ForwardContext<'_>,
) -> Features {
    let names = context.model.modalities();
    let needed_by = |terms: &[LossTerm]| {
        Present::of(terms.iter().flat_map(|term| context.shown(*term).iter().collect::<Vec<_>>()))
    };
    let (trained, probed) = (needed_by(&phase.terms), needed_by(&phase.probes));
    let streams = names.iter().filter_map(|modality| {
        let (model, pass) = match (trained.has(modality), probed.has(modality)) {
            (true, _) => (context.model, pass.beside()),
            (false, true) => (still, pass.measuring()),
            (false, false) => return None,
        };
        Some(Stream { modality, model: model.clone(), input: context.inputs.get(modality)?, pass })
    });
    model::encode(streams.collect(), names.len())
}

/// Adds `weight * parts` to a sum that may be empty.
fn add(sum: &mut PartGradients, parts: PartGradients, weight: f64) {
    sum.resize(parts.len(), None);
    for (sum, part) in sum.iter_mut().zip(parts) {
        let scaled = part.map(|part| part.mul_scalar(weight));
        *sum = match (sum.take(), scaled) {
            (Some(sum), Some(scaled)) => Some(sum + scaled),
            (sum, scaled) => sum.or(scaled),
        };
    }
}

/// One backward through each stream that is sent something, side by side.
fn through_streams<M: Model>(
    context: StepContext<'_, M>,
    encoded: Features,
    sent: Vec<PartGradients>,
    scale: f64,
) -> Gradients {
    let StepContext { model, groups, inputs, .. } = context;
    let surrogate = |(z, sent): (Option<Feature>, PartGradients)| {
        let parts = z.as_ref()?.rows().cloned().zip(sent);
        let products = parts.filter_map(|(z, sent)| Some((z * Tensor::from_inner(sent?)).sum()));
        products.reduce(|sum, term| sum + term)
    };
    let surrogates: Vec<Tensor<1>> = encoded.into_iter().zip(sent).filter_map(surrogate).collect();
    let mut gradients = Gradients::none(groups);
    let Some(device) = surrogates.first().map(Tensor::device) else { return gradients };
    let order = Order::of(&device, inputs.synchronises());
    for mut tape in order.run(surrogates, |surrogate| Tape::of(surrogate, scale)) {
        gradients.merge(tape.take(model, groups));
    }
    gradients
}

/// Every term's own gradient at the streams. Burn consumes a graph when it
/// runs it backward, so each round after the first encodes again; a round
/// serves one term of every modality, which makes two rounds for two terms.
/// Returns how often encoders ran for it.
fn separate_terms<M: Model>(
    context: StepContext<'_, M>,
    pass: &mut ForwardContext<'_>,
    encoded: Features,
    arrived: Vec<Arrived>,
    terms: &mut BTreeMap<LossTerm, Gradients>,
) -> usize {
    let StepContext { model, groups, inputs, .. } = context;
    let names = model.modalities();
    let mut queues: Vec<Vec<(LossTerm, PartGradients)>> = vec![Vec::new(); names.len()];
    for (term, m, parts) in arrived.into_iter().rev() {
        queues[m.0].push((term, parts));
    }
    let (mut fresh, mut runs) = (Some(encoded), 0);
    while queues.iter().any(|q| !q.is_empty()) {
        let round: Vec<Option<(LossTerm, PartGradients)>> = queues.iter_mut().map(Vec::pop).collect();
        let backward = round.iter().flatten().count();
        runs += if fresh.is_some() { backward } else { 2 * backward };
        let features = fresh.take().unwrap_or_else(|| {
            let again = names.iter().zip(&round).filter_map(|(modality, turn)| {
                let input = turn.as_ref().and_then(|_| inputs.get(modality))?;
                Some(Stream { modality, model: model.clone(), input, pass: pass.beside() })
            });
            model::encode(again.collect(), names.len())
        });
        let sent: Vec<PartGradients> = round
            .iter()
            .map(|turn| turn.as_ref().map(|(_, parts)| parts.clone()).unwrap_or_default())
            .collect();
        let of_round = through_streams(context, features, sent, pass.loss_scale());
        for (m, turn) in names.iter().zip(round) {
            if let Some((term, _)) = turn {
                let of_term = terms.entry(term).or_insert_with(|| Gradients::none(groups));
                of_term.add(&of_round, Group::Encoder(m), 1.0, groups);
            }
        }
    }
    runs
}
