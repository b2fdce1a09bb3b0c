//! Running statistics of batch norm, kept outside the modules.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::ParamId;
use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host::Reads;
use crate::modality::Present;
use crate::peers::{Message, Peers, Reader};

/// Which inputs a running statistic has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BufferKey {
    /// A layer before any fusion sees the same input in every term: one buffer.
    Single,
    /// A layer after a fusion sees other inputs with other modalities present.
    Subset(Present),
}

/// How layers after a fusion keep running statistics, whose input differs
/// between the fused term and a single modality (docs/methods.md, "Running
/// statistics after a fusion").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BnPolicy {
    /// A buffer for every set of present modalities.
    #[default]
    PerSubset,
    /// One buffer, moved by every term in turn, as the released MMTM code does.
    Shared,
    /// One buffer, moved by the fused term only.
    #[serde(alias = "full-only")]
    FusedOnly,
}

/// Mean and unbiased variance of one layer, `[channels]` each.
#[derive(Clone, Debug)]
pub struct Running {
    /// Running mean, 0 at the start.
    pub mean: Tensor<1>,
    /// Running variance, 1 at the start.
    pub variance: Tensor<1>,
}

/// All running statistics of a model, by the id of the layer's scale.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    running: BTreeMap<(u64, BufferKey), Running>,
    /// How often each was moved, where the statistics are the mean over batches.
    moves: Option<BTreeMap<(u64, BufferKey), usize>>,
    /// Those that were moved and not averaged over ranks since.
    moved: BTreeSet<(u64, BufferKey)>,
}

impl Buffers {
    /// PyTorch's `momentum`: the share of the newest batch.
    const SHARE: f64 = 0.1;

    /// Empty statistics that become the mean over the batches to come, each
    /// with the same share, instead of following the newest.
    pub fn averaging() -> Self {
        Self { moves: Some(BTreeMap::new()), ..Self::default() }
    }

    /// The statistics of one layer, if any batch has moved them.
    pub fn get(&self, layer: ParamId, key: BufferKey) -> Option<&Running> {
        self.running.get(&(layer.val(), key))
    }

    /// Forgets the statistics of one layer.
    pub fn remove(&mut self, layer: ParamId, key: BufferKey) {
        self.running.remove(&(layer.val(), key));
    }

    /// Replaces the statistics of one layer.
    pub fn set(&mut self, layer: ParamId, key: BufferKey, running: Running) {
        self.running.insert((layer.val(), key), running);
    }

    /// Everything, in the order of layer ids.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, BufferKey, &Running)> {
        self.running.iter().map(|((id, key), running)| (ParamId::from(*id), *key, running))
    }

    /// Makes each that a step moved the mean over the ranks that moved it: what the layers of one saw is a part of
    /// what all saw. A rank without rows for a layer takes what the others have.
    pub fn average(&mut self, peers: &dyn Peers, device: &Device) {
        let moved = std::mem::take(&mut self.moved);
        if peers.size() == 1 {
            return;
        }
        let moves = |at| self.moves.as_ref().and_then(|moves| moves.get(at).copied()).unwrap_or(0);
        let mut message = Message::default();
        for at in &moved {
            let width = self.running[at].mean.dims()[0];
            let (kind, of) = match at.1 {
                BufferKey::Single => (0, 0),
                BufferKey::Subset(present) => (1, present.bits()),
            };
            message.counts(&[at.0 as usize, kind, of, width, moves(at)]);
        }
        // Of each its width and how often it was moved.
        let mut all: BTreeMap<(u64, BufferKey), (usize, usize)> = BTreeMap::new();
        for rank in peers.gather(message.bytes()) {
            let mut rank = Reader::new(&rank);
            while !rank.is_done() {
                let at = rank.counts();
                let key =
                    if at[1] == 0 { BufferKey::Single } else { BufferKey::Subset(Present::of_bits(at[2])) };
                let (_, count) = all.entry((at[0] as u64, key)).or_insert((at[3], 0));
                *count = at[4].max(*count);
            }
        }
        let mut reads = Reads::default();
        for Running { mean, variance } in moved.iter().map(|at| &self.running[at]) {
            reads.add(mean.clone());
            reads.add(variance.clone());
        }
        let own = reads.fetch();
        let mut own: BTreeMap<_, _> = moved.iter().zip(own.chunks_exact(2).map(<[_]>::concat)).collect();
        // Whether this rank counts, then what it has.
        let mut values: Vec<f32> = all
            .iter()
            .flat_map(|(at, &(width, _))| match own.remove(at) {
                Some(own) => [vec![1.0], own].concat(),
                None => vec![0.0; 1 + 2 * width],
            })
            .collect();
        peers.sum(&mut values);
        let mut rest = values.as_slice();
        for (at, (width, count)) in all {
            let (of, later) = rest.split_at(1 + 2 * width);
            rest = later;
            let tensor = |part: &[f32]| {
                let part: Vec<f32> = part.iter().map(|sum| sum / of[0]).collect();
                Tensor::from_data(TensorData::new(part, [width]), device)
            };
            let (mean, variance) = of[1..].split_at(width);
            self.running.insert(at, Running { mean: tensor(mean), variance: tensor(variance) });
            if let Some(moves) = &mut self.moves {
                moves.insert(at, count);
            }
        }
    }

    /// Moves a buffer towards a batch's statistics; `count` numbers per channel.
    pub(super) fn move_towards(&mut self, layer: ParamId, key: BufferKey, batch: Running, count: usize) {
        // One number has no variance; PyTorch refuses, we leave the buffer alone.
        if count < 2 {
            return;
        }
        let unbiased = batch.variance.mul_scalar(count as f64 / (count - 1) as f64);
        // Behind a fusion, statistics from elsewhere are where every buffer starts.
        let old =
            self.running.remove(&(layer.val(), key)).or_else(|| self.get(layer, BufferKey::Single).cloned());
        let running = match old {
            Some(old) => old,
            None => Running { mean: batch.mean.zeros_like(), variance: unbiased.ones_like() },
        };
        let share = match &mut self.moves {
            None => Self::SHARE,
            Some(moves) => {
                let count = moves.entry((layer.val(), key)).or_default();
                *count += 1;
                1.0 / *count as f64
            }
        };
        let blend = |old: Tensor<1>, new: Tensor<1>| old.mul_scalar(1.0 - share) + new.mul_scalar(share);
        let moved =
            Running { mean: blend(running.mean, batch.mean), variance: blend(running.variance, unbiased) };
        self.running.insert((layer.val(), key), moved);
        self.moved.insert((layer.val(), key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_earlier_versions_is_read() {
        let read = |text: &str| serde_json::from_str::<BnPolicy>(text).unwrap();
        assert_eq!([read("\"full-only\""), read("\"fused-only\"")], [BnPolicy::FusedOnly; 2]);
        assert_eq!(serde_json::to_string(&BnPolicy::FusedOnly).unwrap(), "\"fused-only\"");
    }
}
