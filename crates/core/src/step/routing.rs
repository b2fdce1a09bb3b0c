//! The matrix W.

use std::collections::BTreeMap;

use super::{Group, LossTerm};
use crate::modality::Modalities;

/// Weight of each row's gradient at each group. Entries that are absent or
/// zero send no gradient at all: the optimizer leaves a parameter alone that
/// nobody sends to, momentum and decay included.
///
/// ```
/// use counterpoint::step::{Group, Routing, LossTerm};
/// use counterpoint::modality::Modality;
/// let audio = Modality(0);
/// let dgl = Routing::default()
///     .with(LossTerm::Fused, Group::Head, 1.0)
///     .with(LossTerm::Unimodal(audio), Group::Encoder(audio), 4.0);
/// assert_eq!(dgl.weight(LossTerm::Fused, Group::Encoder(audio)), 0.0); // the fused loss never reaches an encoder
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routing(BTreeMap<(LossTerm, Group), f64>);

impl Routing {
    /// Sets one entry.
    #[must_use]
    pub fn with(mut self, row: LossTerm, group: Group, weight: f64) -> Self {
        self.set(row, group, weight);
        self
    }

    /// Sets one entry; 0 removes it.
    pub fn set(&mut self, row: LossTerm, group: Group, weight: f64) {
        if weight == 0.0 {
            self.0.remove(&(row, group));
        } else {
            self.0.insert((row, group), weight);
        }
    }

    /// Sets the entries of everything that a row can reach: the encoders it
    /// runs, fusion and head, and for an auxiliary row that modality's head.
    #[must_use]
    pub fn to_all(mut self, row: LossTerm, weight: f64, modalities: &Modalities) -> Self {
        for m in row.present(modalities.len()).iter() {
            self.set(row, Group::Encoder(m), weight);
        }
        self.set(row, Group::Fusion, weight);
        self.set(row, Group::Head, weight);
        if let LossTerm::Auxiliary(m) = row {
            self.set(row, Group::SoloHead(m), weight);
        }
        self
    }

    /// Multiplies the entries of a row; times 0 it sends nothing.
    #[must_use]
    pub fn scaled(mut self, row: LossTerm, factor: f64) -> Self {
        self.0.retain(|(of, _), weight| {
            *weight *= if *of == row { factor } else { 1.0 };
            *weight != 0.0
        });
        self
    }

    /// One entry, 0 if absent.
    pub fn weight(&self, row: LossTerm, group: Group) -> f64 {
        self.0.get(&(row, group)).copied().unwrap_or(0.0)
    }

    /// All entries that are not zero.
    pub fn entries(&self) -> impl Iterator<Item = (LossTerm, Group, f64)> {
        self.0.iter().map(|(&(row, group), &weight)| (row, group, weight))
    }

    /// The rows that reach a group.
    pub fn rows_of(&self, group: Group) -> impl Iterator<Item = (LossTerm, f64)> {
        self.entries().filter(move |(_, g, _)| *g == group).map(|(row, _, weight)| (row, weight))
    }

    /// The matrix as text: one line per row, one column per group.
    pub fn table(&self, groups: &[Group], names: &Modalities) -> String {
        let mut rows: Vec<LossTerm> = self.entries().map(|(row, ..)| row).collect();
        rows.dedup();
        let head: Vec<String> = groups.iter().map(|g| g.label(names)).collect();
        let first = rows.iter().map(|r| r.label(names).len()).max().unwrap_or(0);
        let mut text = format!("{:first$}", "");
        for name in &head {
            text += &format!("  {name}");
        }
        for row in rows {
            text += &format!("\n{:first$}", row.label(names));
            for (group, name) in groups.iter().zip(&head) {
                let cell = match self.weight(row, *group) {
                    0.0 => "-".to_owned(),
                    weight => format!("{weight}"),
                };
                text += &format!("  {cell:>width$}", width = name.len());
            }
        }
        text
    }
}
