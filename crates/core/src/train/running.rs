//! The metric that is followed over the batches of an epoch.

use std::collections::BTreeMap;

use crate::host::Reads;
use crate::peers::{Message, Peers, Reader};
use crate::step::{LossTerm, StepRecord};
use crate::task::Task;

/// The terms of a step whose metric is followed.
pub(super) struct Running(Vec<LossTerm>);

impl Running {
    /// Asks for what the metric needs of the scores here, if the task has one.
    pub fn ask(task: &dyn Task, record: &StepRecord, reads: &mut Reads) -> Self {
        let terms = match task.running() {
            Some(_) => record.trained.iter().copied().collect(),
            None => Vec::new(),
        };
        let all = Self(terms);
        for term in all.here(record) {
            let output = &record.outputs[&term];
            reads.add(task.reduce_on_device(output.scores.clone(), output.targets.len()));
        }
        all
    }

    /// The metric of each term over the samples of all ranks, from what was asked for.
    pub fn values(
        self,
        task: &dyn Task,
        record: &StepRecord,
        asked: Vec<Vec<f32>>,
        peers: &dyn Peers,
    ) -> BTreeMap<LossTerm, f64> {
        let of =
            |(term, asked): (LossTerm, _)| (term, task.reduce_on_host(asked, &record.outputs[&term].targets));
        let mut reduced = self.here(record).zip(asked).map(of).collect();
        let shared: Vec<LossTerm> = self.0.iter().copied().filter(|&term| record.is_shared(term)).collect();
        if !shared.is_empty() {
            gather(peers, &shared, &mut reduced);
        }
        let follow =
            |(term, reduced): (LossTerm, Vec<f32>)| (term, task.follow(&reduced, record.served(term).1));
        reduced.into_iter().map(follow).collect()
    }

    /// Those that some sample here serves: other ranks may have all of them.
    fn here(&self, record: &StepRecord) -> impl Iterator<Item = LossTerm> {
        self.0.iter().copied().filter(|term| record.outputs.contains_key(term))
    }
}

/// Puts together what ranks have of the samples of each term: one rank after another, as the samples are numbered.
fn gather(peers: &dyn Peers, terms: &[LossTerm], reduced: &mut BTreeMap<LossTerm, Vec<f32>>) {
    let mut message = Message::default();
    for term in terms {
        message.floats(&reduced.remove(term).unwrap_or_default());
    }
    for rank in peers.gather(message.bytes()) {
        let mut rank = Reader::new(&rank);
        terms.iter().for_each(|term| reduced.entry(*term).or_default().extend(rank.floats()));
    }
}
