//! One evaluation out of the shares of several ranks.

use super::evaluation::{Evaluation, Reduced};
use crate::modality::{Modality, Present};
use crate::peers::{Message, Peers, Reader};
use crate::roster::{read_targets, write_targets};
use crate::step::LossTerm;

/// The evaluation of the whole split, from a share of each of its batches; `sizes` are those of the shares. Samples
/// are in the order of the split, whoever scored them.
pub(super) fn gather(peers: &dyn Peers, own: &Evaluation, sizes: &[usize]) -> Evaluation {
    let mut message = Message::default();
    write(&mut message, own, sizes);
    let (sizes, parts): (Vec<Vec<usize>>, Vec<Evaluation>) =
        peers.gather(message.bytes()).iter().map(|rank| read(&mut Reader::new(rank))).unzip();
    // For each rank the number that each of its samples has in the split.
    let mut numbers: Vec<Vec<usize>> = vec![Vec::new(); parts.len()];
    let mut next = 0;
    for batch in 0..sizes[0].len() {
        for (numbers, sizes) in numbers.iter_mut().zip(&sizes) {
            numbers.extend(next..next + sizes[batch]);
            next += sizes[batch];
        }
    }
    // For each sample of the split where it is among those of all ranks, one after another.
    let mut order = vec![0; next];
    numbers.concat().into_iter().enumerate().for_each(|(place, number)| order[number] = place);
    let mut whole = Evaluation::default();
    let ids: Vec<&String> = parts.iter().flat_map(|part| &part.ids).collect();
    let present: Vec<Present> = parts.iter().flat_map(|part| part.present.iter().copied()).collect();
    parts.iter().for_each(|part| whole.targets.append(part.targets.clone()));
    whole.targets = whole.targets.pick(&order);
    whole.ids = order.iter().map(|&place| ids[place].clone()).collect();
    whole.present = order.iter().map(|&place| present[place]).collect();
    for (part, numbers) in parts.into_iter().zip(&numbers) {
        let renumbered =
            |(of, values): Reduced| (of.into_iter().map(|i| numbers[i]).collect::<Vec<_>>(), values);
        let add = |to: &mut Reduced, from: Reduced| {
            let (of, values) = renumbered(from);
            to.0.extend(of);
            to.1.extend(values);
        };
        part.reduced.into_iter().for_each(|(term, part)| add(whole.reduced.entry(term).or_default(), part));
        part.native.into_iter().for_each(|(m, part)| add(whole.native.entry(m).or_default(), part));
        part.subsets.into_iter().for_each(|(set, part)| add(whole.subsets.entry(set).or_default(), part));
        part.features.into_iter().for_each(|(m, part)| add(whole.features.entry(m).or_default(), part));
        part.plain.into_iter().for_each(|part| add(whole.plain.get_or_insert_default(), part));
    }
    let tables =
        whole.reduced.values_mut().chain(whole.native.values_mut()).chain(whole.subsets.values_mut());
    tables.chain(whole.features.values_mut()).chain(&mut whole.plain).for_each(sort);
    whole
}

/// Puts rows in the order of their samples.
fn sort((of, values): &mut Reduced) {
    let width = values.len() / of.len().max(1);
    let mut places: Vec<usize> = (0..of.len()).collect();
    places.sort_by_key(|&place| of[place]);
    *values = places.iter().flat_map(|place| &values[place * width..][..width]).copied().collect();
    of.sort_unstable();
}

fn write(message: &mut Message, own: &Evaluation, sizes: &[usize]) {
    message.counts(sizes);
    own.ids.iter().for_each(|id| message.text(id));
    message.counts(&own.present.iter().map(|p| p.bits()).collect::<Vec<_>>());
    write_targets(message, &own.targets);
    let mut table = |kind: usize, of: [usize; 2], (samples, values): &Reduced| {
        message.counts(&[kind, of[0], of[1]]);
        message.counts(samples);
        message.floats(values);
    };
    own.reduced.iter().for_each(|(term, part)| table(0, term.code(), part));
    own.native.iter().for_each(|(m, part)| table(1, [m.0, 0], part));
    own.subsets.iter().for_each(|(set, part)| table(2, [set.bits(), 0], part));
    own.features.iter().for_each(|(m, part)| table(3, [m.0, 0], part));
    own.plain.iter().for_each(|part| table(4, [0, 0], part));
}

fn read(message: &mut Reader<'_>) -> (Vec<usize>, Evaluation) {
    let sizes = message.counts();
    let ids = (0..sizes.iter().sum()).map(|_| message.text()).collect();
    let present = message.counts().into_iter().map(Present::of_bits).collect();
    let mut part = Evaluation { ids, present, targets: read_targets(message), ..Evaluation::default() };
    while !message.is_done() {
        let at = message.counts();
        let reduced = (message.counts(), message.floats());
        match at[0] {
            0 => drop(part.reduced.insert(LossTerm::of_code([at[1], at[2]]), reduced)),
            1 => drop(part.native.insert(Modality(at[1]), reduced)),
            2 => drop(part.subsets.insert(Present::of_bits(at[1]), reduced)),
            3 => drop(part.features.insert(Modality(at[1]), reduced)),
            _ => part.plain = Some(reduced),
        }
    }
    (sizes, part)
}
