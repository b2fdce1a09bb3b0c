//! What arrives where streams end.

use std::collections::BTreeMap;

use burn::tensor::Tensor;

use super::StepContext;
use crate::feature::{Features, PartGradients};
use crate::modality::Modality;
use crate::model::Model;
use crate::peers::{Message, Reader};
use crate::step::LossTerm;

/// A term's unweighted gradient at the cut of one modality.
pub(super) type Arrived = (LossTerm, Modality, PartGradients);

impl<M: Model> StepContext<'_, M> {
    /// Where layers compute statistics with other ranks, all of them run backward: one that a term sends nothing
    /// here, but something on another rank, is sent zeros. `features` are what the streams ended in, without a graph.
    pub(super) fn everywhere(
        &self,
        arrived: Vec<Arrived>,
        terms: &[LossTerm],
        features: &Features,
    ) -> Vec<Arrived> {
        if !self.inputs.synchronises() {
            return arrived;
        }
        let mut message = Message::default();
        for (term, m, parts) in &arrived {
            let some = parts.iter().enumerate().filter(|(_, part)| part.is_some()).map(|(i, _)| i);
            message.counts(&[term.code().as_slice(), &[m.0]].concat());
            message.counts(&some.collect::<Vec<_>>());
        }
        let mut told: BTreeMap<(LossTerm, Modality), Vec<usize>> = BTreeMap::new();
        for rank in self.peers.gather(message.bytes()) {
            let mut rank = Reader::new(&rank);
            while !rank.is_done() {
                let at = rank.counts();
                let at = (LossTerm::of_code([at[0], at[1]]), Modality(at[2]));
                told.entry(at).or_default().extend(rank.counts());
            }
        }
        let mut own: BTreeMap<(LossTerm, Modality), PartGradients> =
            arrived.into_iter().map(|(term, m, parts)| ((term, m), parts)).collect();
        let at = terms.iter().flat_map(|&term| self.model.modalities().iter().map(move |m| (term, m)));
        at.filter_map(|at| {
            let (some, feature) = (told.get(&at)?, features[at.1.0].as_ref()?);
            let mut own = own.remove(&at).unwrap_or_default().into_iter();
            let part = |(i, rows): (usize, &Tensor<2>)| {
                let zeros = || Tensor::zeros(rows.dims(), &rows.device());
                own.next().flatten().or_else(|| some.contains(&i).then(zeros))
            };
            Some((at.0, at.1, feature.rows().enumerate().map(part).collect()))
        })
        .collect()
    }
}
