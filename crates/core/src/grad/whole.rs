//! The results of all ranks as those of one batch.
//!
//! A rank computes the loss of the whole batch from its own rows, which have a graph, and from
//! the numbers of the others, which have none. Its gradient is then what its own rows
//! contribute, and the sum over ranks is the gradient of one process, whatever the loss
//! makes of the batch: a mean, a ratio of modalities, weights that add up to one.

use burn::tensor::{Device, Tensor, TensorData};

use crate::feature::Vectors;
use crate::host::Reads;
use crate::peers::{Message, Peers, Reader};
use crate::roster::Roster;
use crate::step::{Gradients, Groups, TermOutput};

/// What one rank tells of a term.
struct Rows {
    samples: Vec<usize>,
    /// Scores and then each modality's features: numbers of a row, and rows.
    tables: Vec<Option<(usize, Vec<f32>)>>,
}

impl Rows {
    fn of(own: Option<&TermOutput>, modalities: usize, start: usize) -> Self {
        let Some(own) = own else { return Self { samples: Vec::new(), tables: vec![None; modalities + 1] } };
        let plain = own.constant();
        let tables: Vec<Option<Tensor<2>>> =
            std::iter::once(Some(plain.scores)).chain(plain.features).collect();
        let widths: Vec<Option<usize>> = tables.iter().map(|t| t.as_ref().map(|t| t.dims()[1])).collect();
        let mut reads = Reads::default();
        tables.into_iter().flatten().for_each(|table| reads.add(table));
        let mut values = reads.fetch().into_iter();
        let tables = widths.into_iter().map(|width| width.and_then(|width| Some((width, values.next()?))));
        Self { samples: own.samples.iter().map(|i| start + i).collect(), tables: tables.collect() }
    }

    fn write(&self) -> Message {
        let mut message = Message::default();
        message.counts(&self.samples);
        for table in &self.tables {
            let (width, values) = table.as_ref().map_or((0, &[][..]), |(width, values)| (*width, values));
            message.count(width);
            message.floats(values);
        }
        message
    }

    fn read(message: &[u8], modalities: usize) -> Self {
        let mut message = Reader::new(message);
        let samples = message.counts();
        let mut table = |_| {
            let width = message.count();
            Some((width, message.floats())).filter(|_| width > 0)
        };
        Self { samples, tables: (0..=modalities).map(&mut table).collect() }
    }
}

/// The results of a term on the samples of all ranks; `None` if it serves none of them. The rows of other ranks
/// are constants, beside a graph if the term is `trained`.
pub(super) fn gather(
    peers: &dyn Peers,
    roster: &Roster,
    own: Option<TermOutput>,
    modalities: usize,
    device: &Device,
    trained: bool,
) -> Option<TermOutput> {
    let mine = Rows::of(own.as_ref(), modalities, roster.start()).write();
    let all: Vec<Rows> =
        peers.gather(mine.bytes()).iter().map(|message| Rows::read(message, modalities)).collect();
    let samples: Vec<usize> = all.iter().flat_map(|rank| rank.samples.iter().copied()).collect();
    if samples.is_empty() {
        return None;
    }
    let own = own.map(|own| std::iter::once(Some(own.scores)).chain(own.features).collect::<Vectors>());
    let mut tables = (0..=modalities).map(|table| {
        let width = all.iter().find_map(|rank| rank.tables[table].as_ref().map(|(width, _)| *width))?;
        let of = |(rank, rows): (usize, &Rows)| {
            let mine = own.as_ref().filter(|_| rank == peers.rank()).and_then(|own| own[table].clone());
            if mine.is_some() {
                return mine;
            }
            // Of a modality that none of a rank's samples has there are zeros, as in a batch of one process.
            let absent = || vec![0.0; rows.samples.len() * width];
            let values = rows.tables[table].as_ref().map_or_else(absent, |(_, values)| values.clone());
            let count = values.len() / width;
            let constant = || Tensor::<2>::from_data(TensorData::new(values, [count, width]), device);
            (count > 0).then(|| if trained { Tensor::from_inner(constant()) } else { constant() })
        };
        Some(Tensor::cat(all.iter().enumerate().filter_map(of).collect(), 0))
    });
    let (scores, features) = (tables.next().flatten()?, tables.collect());
    Some(TermOutput { scores, features, targets: roster.targets(&samples), samples })
}

/// Adds up gradients over ranks, all in one message. One that some rank has, all have then: where nothing
/// arrives at a rank, it adds nothing.
pub(super) fn sum(peers: &dyn Peers, parts: Vec<&mut Gradients>, groups: &Groups, device: &Device) {
    let places = groups.parameters().len();
    let mine: Vec<u8> =
        parts.iter().flat_map(|part| (0..places).map(|place| u8::from(part.get(place).is_some()))).collect();
    let all = peers.gather(&mine);
    let some = |at: usize| all.iter().any(|rank| rank[at] != 0);
    let mut reads = Reads::default();
    for part in &parts {
        (0..places).filter_map(|place| part.get(place)).for_each(|gradient| reads.add(gradient.clone()));
    }
    let mut own = reads.fetch().into_iter();
    let sizes: Vec<usize> = groups.parameters().iter().map(|p| p.shape.iter().product()).collect();
    let mut values = Vec::new();
    for at in (0..mine.len()).filter(|&at| some(at)) {
        let gradient = own.by_ref().take(usize::from(mine[at])).next();
        values.extend(gradient.unwrap_or_else(|| vec![0.0; sizes[at % places]]));
    }
    peers.sum(&mut values);
    let mut rest = values.as_slice();
    for (part, gradients) in parts.into_iter().enumerate() {
        for place in (0..places).filter(|place| some(part * places + place)) {
            let (now, later) = rest.split_at(sizes[place]);
            rest = later;
            let gradient = Tensor::from_data(TensorData::new(now.to_vec(), [now.len()]), device);
            gradients.set(place, Some(gradient));
        }
    }
}
