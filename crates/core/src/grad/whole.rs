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
    let mut all: Vec<Rows> =
        peers.gather(mine.bytes()).iter().map(|message| Rows::read(message, modalities)).collect();
    let samples: Vec<usize> = all.iter().flat_map(|rank| rank.samples.iter().copied()).collect();
    if samples.is_empty() {
        return None;
    }
    let own = own.map(|own| std::iter::once(Some(own.scores)).chain(own.features).collect::<Vectors>());
    let mut tables = (0..=modalities).map(|table| {
        let width = all.iter().find_map(|rank| rank.tables[table].as_ref().map(|(width, _)| *width))?;
        let of = |(rank, rows): (usize, &mut Rows)| {
            let mine = own.as_ref().filter(|_| rank == peers.rank()).and_then(|own| own[table].clone());
            if mine.is_some() {
                return mine;
            }
            // Of a modality that none of a rank's samples has there are zeros, as in a batch of one process.
            let told = rows.tables[table].take().map(|(_, values)| values);
            let values = told.unwrap_or_else(|| vec![0.0; rows.samples.len() * width]);
            let count = values.len() / width;
            let constant = || Tensor::<2>::from_data(TensorData::new(values, [count, width]), device);
            (count > 0).then(|| if trained { Tensor::from_inner(constant()) } else { constant() })
        };
        Some(Tensor::cat(all.iter_mut().enumerate().filter_map(of).collect(), 0))
    });
    let (scores, features) = (tables.next().flatten()?, tables.collect());
    Some(TermOutput { scores, features, targets: roster.targets(&samples), samples })
}

/// From so many numbers on a gradient is added up where it lies; smaller ones go together.
const LARGE: usize = 1 << 16;

/// Adds up gradients over ranks. One that some rank has, all have then: where nothing arrives at a rank, it adds nothing.
pub(super) fn sum(peers: &dyn Peers, mut parts: Vec<&mut Gradients>, groups: &Groups, device: &Device) {
    let places = groups.parameters().len();
    let has = |part: &&mut Gradients| (0..places).map(|place| part.get(place).is_some()).collect::<Vec<_>>();
    let mine: Vec<bool> = parts.iter().flat_map(has).collect();
    let all = peers.gather(&mine.iter().map(|&has| u8::from(has)).collect::<Vec<_>>());
    let some: Vec<usize> = (0..mine.len()).filter(|&at| all.iter().any(|rank| rank[at] != 0)).collect();
    // Taken out, so that what nobody else holds is read without a copy.
    let mut reads = Reads::default();
    for part in &mut parts {
        (0..places).filter_map(|place| part.remove(place)).for_each(|gradient| reads.add(gradient));
    }
    let mut own = reads.fetch().into_iter();
    let zeros = |at: usize| vec![0.0; groups.parameters()[at % places].shape.iter().product()];
    let mut values: Vec<Vec<f32>> =
        some.iter().map(|&at| mine[at].then(|| own.next()).flatten().unwrap_or_else(|| zeros(at))).collect();
    values.iter_mut().filter(|values| values.len() >= LARGE).for_each(|values| peers.sum(values));
    let mut small: Vec<&mut Vec<f32>> = values.iter_mut().filter(|values| values.len() < LARGE).collect();
    let mut together: Vec<f32> = small.iter().flat_map(|values| values.iter().copied()).collect();
    peers.sum(&mut together);
    let mut rest = together.as_slice();
    for values in &mut small {
        let (now, later) = rest.split_at(values.len());
        values.copy_from_slice(now);
        rest = later;
    }
    for (at, values) in some.into_iter().zip(values) {
        let count = values.len();
        parts[at / places]
            .set(at % places, Some(Tensor::from_data(TensorData::new(values, [count]), device)));
    }
}
