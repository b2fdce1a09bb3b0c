//! Random assignment of samples to parts: whole groups, classes in even shares,
//! k folds.
//!
//! What moves as one is a unit: a group, or a sample if there are no groups.
//! What it moves into is a bin: train, validation and test with their shares,
//! or one of k equal folds. The same seed gives the same assignment in every
//! version.

use std::collections::BTreeMap;

use counterpoint_batch::random::RngKey;

use crate::config::SplitConfig;
use crate::error::{DataError, ErrorKind};
use crate::record::{Part, Record};

/// Samples that stay together.
struct Unit {
    records: Vec<usize>,
    /// Samples of each class.
    classes: Vec<usize>,
}

impl Unit {
    /// The class of a single sample.
    fn class(&self) -> Option<usize> {
        self.classes.iter().position(|&n| n > 0)
    }
}

/// Divides samples at random into as many bins as there are shares, which sum to 1: every class has
/// its share of every bin, as far as whole groups allow. A sample is its class, counted from 0, and
/// the group that it must stay with, if it has one. The same seed gives the same bins in every version.
///
/// ```
/// let samples: Vec<(usize, Option<&str>)> = (0..20).map(|i| (i % 2, None)).collect();
/// let bins = counterpoint_data::set::divide(&samples, &[0.8, 0.2], 0);
/// let second = |class| samples.iter().zip(&bins).filter(|((c, _), bin)| *c == class && **bin == 1).count();
/// assert_eq!((second(0), second(1)), (2, 2));
/// ```
pub fn divide(samples: &[(usize, Option<&str>)], shares: &[f64], seed: u64) -> Vec<usize> {
    let classes = samples.iter().map(|(class, _)| class + 1).max().unwrap_or(0);
    let mut rng = RngKey::new(seed).rng();
    if samples.iter().all(|(_, group)| group.is_none()) {
        let mut order: Vec<usize> = (0..samples.len()).collect();
        rng.shuffle(&mut order);
        let shuffled: Vec<Option<usize>> = order.iter().map(|&at| Some(samples[at].0)).collect();
        let mut bins = vec![0; samples.len()];
        order.into_iter().zip(deal(&shuffled, classes, shares)).for_each(|(at, bin)| bins[at] = bin);
        return bins;
    }
    let mut groups: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
    for (number, (_, group)) in samples.iter().enumerate() {
        groups.entry(group.map_or(("", number + 1), |group| (group, 0))).or_default().push(number);
    }
    let unit = |records: Vec<usize>| {
        let mut counts = vec![0; classes];
        records.iter().for_each(|&at| counts[samples[at].0] += 1);
        Unit { records, classes: counts }
    };
    let mut units: Vec<Unit> = groups.into_values().map(unit).collect();
    rng.shuffle(&mut units);
    let mut bins = vec![0; samples.len()];
    for (unit, bin) in units.iter().zip(spread(&units, classes, shares)) {
        unit.records.iter().for_each(|&at| bins[at] = bin);
    }
    bins
}

/// Gives every record its part.
///
/// # Errors
/// If there are fewer units than bins, or a sample has no group.
pub fn assign(records: &mut [Record], classes: usize, config: &SplitConfig) -> Result<(), DataError> {
    let shares: Vec<f64> = match config.folds {
        Some(folds) => vec![1.0 / folds as f64; folds],
        None => config.fractions.to_vec(),
    };
    let mut units = units(records, classes, config)?;
    if units.len() < shares.len() {
        let parts = if config.folds.is_some() { "folds" } else { "splits" };
        let number = if config.folds.is_some() { shares.len().to_string() } else { "three".into() };
        let what = match &config.split_by {
            Some(by) => format!("`{by}` names {} groups", units.len()),
            None => format!("there are {} samples", units.len()),
        };
        return Err(DataError::new(
            ErrorKind::Split,
            format!("{what}, {number} {parts} need at least {}", shares.len()),
        ));
    }
    RngKey::new(config.split_seed).rng().shuffle(&mut units);
    let bins = match (config.stratify, &config.split_by) {
        (false, _) => cut(&units, &shares),
        (true, None) => deal(&units.iter().map(Unit::class).collect::<Vec<_>>(), classes, &shares),
        (true, Some(_)) => spread(&units, classes, &shares),
    };
    for (unit, bin) in units.iter().zip(bins) {
        let part = match (config.folds, config.fold) {
            (Some(_), Some(fold)) if bin == fold => Part::Test,
            (Some(folds), Some(fold)) if bin == (fold + 1) % folds => Part::Val,
            (Some(_), _) => Part::Train,
            (None, _) => Part::ALL[bin],
        };
        unit.records.iter().for_each(|&r| records[r].part = part);
    }
    Ok(())
}

/// Groups in the order of their names, or samples in their own.
fn units(records: &[Record], classes: usize, config: &SplitConfig) -> Result<Vec<Unit>, DataError> {
    let mut groups: BTreeMap<(&str, usize), Vec<usize>> = BTreeMap::new();
    for (number, record) in records.iter().enumerate() {
        let key = match (&config.split_by, record.group.as_deref()) {
            (None, _) => ("", number),
            (Some(_), Some(group)) => (group, 0),
            (Some(by), None) => {
                return Err(DataError::new(
                    ErrorKind::Split,
                    format!("sample `{}` has no `{by}`, which split_by = \"{by}\" needs", record.id),
                ));
            }
        };
        groups.entry(key).or_default().push(number);
    }
    let unit = |members: Vec<usize>| {
        let mut counts = vec![0; classes];
        members.iter().filter_map(|&r| records[r].truth.class()).for_each(|class| counts[class] += 1);
        Unit { records: members, classes: counts }
    };
    Ok(groups.into_values().map(unit).collect())
}

/// Cuts the row of units at the shares; the outer units keep no bin empty.
fn cut(units: &[Unit], shares: &[f64]) -> Vec<usize> {
    let total: usize = units.iter().map(|unit| unit.records.len()).sum();
    let ends: Vec<f64> = shares
        .iter()
        .scan(0.0, |sum, share| {
            Some({
                *sum += share;
                *sum
            })
        })
        .collect();
    let (mut before, mut open) = (0, 0);
    let bin = |(number, unit): (usize, &Unit)| {
        // By the middle of the unit.
        let middle = (before as f64 + unit.records.len() as f64 / 2.0) / total as f64;
        before += unit.records.len();
        let wanted = ends.iter().take(shares.len() - 1).filter(|end| middle >= **end).count();
        let left = units.len() - number;
        // `open` bins have a unit; those left must do for the others.
        let (low, high) = (open.max(1).max((shares.len() + 1).saturating_sub(left)) - 1, open);
        let bin = wanted.clamp(low.min(high), high.min(shares.len() - 1));
        open = open.max(bin + 1);
        bin
    };
    units.iter().enumerate().map(bin).collect()
}

/// Deals the samples of each class out by the shares: every bin has the whole
/// part of its share, and what remains goes where the sizes of the bins lack most.
fn deal(samples: &[Option<usize>], classes: usize, shares: &[f64]) -> Vec<usize> {
    let mut bins = vec![0; samples.len()];
    let mut lack = vec![0.0; shares.len()];
    for class in 0..classes {
        let members: Vec<usize> = (0..samples.len()).filter(|&u| samples[u] == Some(class)).collect();
        let exact: Vec<f64> = shares.iter().map(|share| share * members.len() as f64).collect();
        // A third of three samples is one, whatever rounding says.
        let mut counts: Vec<usize> = exact.iter().map(|x| (x + 1e-9).floor() as usize).collect();
        for (lack, (exact, count)) in lack.iter_mut().zip(exact.iter().zip(&counts)) {
            *lack += exact - *count as f64;
        }
        let mut open: Vec<usize> =
            (0..shares.len()).filter(|&b| exact[b] - counts[b] as f64 > 1e-9).collect();
        open.sort_by(|&a, &b| lack[b].total_cmp(&lack[a]).then(a.cmp(&b)));
        let remain = members.len() - counts.iter().sum::<usize>();
        for &bin in open.iter().take(remain) {
            counts[bin] += 1;
            lack[bin] -= 1.0;
        }
        let order = counts.iter().enumerate().flat_map(|(bin, &n)| std::iter::repeat_n(bin, n));
        members.into_iter().zip(order).for_each(|(unit, bin)| bins[unit] = bin);
    }
    bins
}

/// Puts whole groups, the most uneven ones first, where the classes then lie
/// nearest to the shares (as scikit-learn's `StratifiedGroupKFold`, with shares).
fn spread(units: &[Unit], classes: usize, shares: &[f64]) -> Vec<usize> {
    let all: Vec<f64> = (0..classes).map(|c| units.iter().map(|u| u.classes[c] as f64).sum()).collect();
    let unevenness = |unit: &Unit| {
        let mean = unit.records.len() as f64 / classes as f64;
        unit.classes.iter().map(|&n| (n as f64 - mean).powi(2)).sum::<f64>()
    };
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.sort_by(|&a, &b| unevenness(&units[b]).total_cmp(&unevenness(&units[a])));
    let mut held = vec![vec![0.0; classes]; shares.len()];
    let mut members = vec![0_usize; shares.len()];
    let mut bins = vec![0; units.len()];
    for (number, &unit) in order.iter().enumerate() {
        let empty = members.iter().filter(|n| **n == 0).count();
        let last_chance = units.len() - number <= empty;
        // How much farther from its shares a bin would be.
        let cost = |bin: usize| -> f64 {
            let of_class = |class: usize| {
                let (n, target) = (all[class], shares[bin] * all[class]);
                let (now, more) = (held[bin][class], units[unit].classes[class] as f64);
                if n == 0.0 {
                    0.0
                } else {
                    ((now + more - target).powi(2) - (now - target).powi(2)) / (n * target)
                }
            };
            (0..classes).map(of_class).sum()
        };
        let bin = (0..shares.len())
            .filter(|&bin| !last_chance || members[bin] == 0)
            .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(0);
        members[bin] += 1;
        for (held, &more) in held[bin].iter_mut().zip(&units[unit].classes) {
            *held += more as f64;
        }
        bins[unit] = bin;
    }
    bins
}
