//! The matrix W.

use std::collections::BTreeMap;

use super::{Group, LossTerm};
use crate::modality::Modalities;

/// Weight of each term's gradient at each group. Entries that are absent or
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
    pub fn with(mut self, term: LossTerm, group: Group, weight: f64) -> Self {
        self.set(term, group, weight);
        self
    }

    /// Sets one entry; 0 removes it.
    pub fn set(&mut self, term: LossTerm, group: Group, weight: f64) {
        if weight == 0.0 {
            self.0.remove(&(term, group));
        } else {
            self.0.insert((term, group), weight);
        }
    }

    /// Sets the entries of everything that a term can reach: the encoders it
    /// runs, fusion and head, and for an auxiliary term that modality's head.
    #[must_use]
    pub fn to_all(mut self, term: LossTerm, weight: f64, modalities: &Modalities) -> Self {
        for m in term.present(modalities.len()).iter() {
            self.set(term, Group::Encoder(m), weight);
        }
        self.set(term, Group::Fusion, weight);
        self.set(term, Group::Head, weight);
        if let LossTerm::Auxiliary(m) = term {
            self.set(term, Group::UnimodalHead(m), weight);
        }
        self
    }

    /// Multiplies the entries of a term; times 0 it sends nothing.
    #[must_use]
    pub fn scaled(mut self, term: LossTerm, factor: f64) -> Self {
        self.0.retain(|(of, _), weight| {
            *weight *= if *of == term { factor } else { 1.0 };
            *weight != 0.0
        });
        self
    }

    /// One entry, 0 if absent.
    pub fn weight(&self, term: LossTerm, group: Group) -> f64 {
        self.0.get(&(term, group)).copied().unwrap_or(0.0)
    }

    /// All entries that are not zero.
    pub fn entries(&self) -> impl Iterator<Item = (LossTerm, Group, f64)> {
        self.0.iter().map(|(&(term, group), &weight)| (term, group, weight))
    }

    /// The terms that reach a group.
    pub fn terms_of(&self, group: Group) -> impl Iterator<Item = (LossTerm, f64)> {
        self.entries().filter(move |(_, g, _)| *g == group).map(|(term, _, weight)| (term, weight))
    }

    /// The matrix as text: one line per term, one column per group.
    pub fn table(&self, groups: &[Group], names: &Modalities) -> String {
        let mut terms: Vec<LossTerm> = self.entries().map(|(term, ..)| term).collect();
        terms.dedup();
        let head: Vec<String> = groups.iter().map(|g| g.label(names)).collect();
        let first = terms.iter().map(|r| r.label(names).len()).max().unwrap_or(0);
        let mut text = format!("{:first$}", "");
        for name in &head {
            text += &format!("  {name}");
        }
        for term in terms {
            text += &format!("\n{:first$}", term.label(names));
            for (group, name) in groups.iter().zip(&head) {
                let cell = match self.weight(term, *group) {
                    0.0 => "-".to_owned(),
                    weight => format!("{weight}"),
                };
                text += &format!("  {cell:>width$}", width = name.len());
            }
        }
        text
    }
}
