//! Modalities, and which of them a forward pass may see.

mod per_modality;

pub use per_modality::PerModality;

use counterpoint_batch::check_name;

use crate::Error;

/// One modality, by its position in [`Modalities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Modality(pub usize);

/// Names of a model's modalities, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Modalities(Vec<String>);

impl Modalities {
    /// At most this many modalities fit into one model.
    pub const MAX: usize = 16;

    /// Modalities of the given names.
    ///
    /// # Errors
    /// If there is none, more than [`Self::MAX`], a name occurs twice, or one
    /// would be taken for something else (see [`check_name`]).
    pub fn new<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.is_empty() || names.len() > Self::MAX {
            return Err(Error::config(format!(
                "a model takes 1 to {} modalities, got {}",
                Self::MAX,
                names.len()
            )));
        }
        if let Some(twice) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
            return Err(Error::config(format!("modality `{}` is named twice", twice.1)));
        }
        if let Some((name, why)) = names.iter().find_map(|name| Some((name, check_name(name).err()?))) {
            return Err(Error::config(format!("modality `{}`: {why}", name.escape_debug())));
        }
        Ok(Self(names))
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "never empty by construction")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Modality> + use<> {
        (0..self.0.len()).map(Modality)
    }

    /// The name of one.
    pub fn name(&self, m: Modality) -> &str {
        &self.0[m.0]
    }

    /// All names, in order.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The modality of the given name.
    pub fn find(&self, name: &str) -> Option<Modality> {
        self.0.iter().position(|n| n == name).map(Modality)
    }

    /// All modalities present.
    pub fn all(&self) -> Present {
        Present::all(self.len())
    }
}

/// A set of present modalities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Present(u16);

impl Present {
    /// The first `count` modalities.
    pub fn all(count: usize) -> Self {
        Self(((1u32 << count) - 1) as u16)
    }

    /// A single modality.
    pub fn only(m: Modality) -> Self {
        Self(1 << m.0)
    }

    /// One bit for each member.
    pub(crate) fn bits(self) -> usize {
        self.0.into()
    }

    /// The set that has [`Self::bits`].
    pub(crate) fn of_bits(bits: usize) -> Self {
        Self(bits as u16)
    }

    /// A set from its members.
    pub fn of(members: impl IntoIterator<Item = Modality>) -> Self {
        Self(members.into_iter().fold(0, |bits, m| bits | 1 << m.0))
    }

    /// Whether `m` is in the set.
    pub fn has(self, m: Modality) -> bool {
        self.0 >> m.0 & 1 == 1
    }

    /// The set with `m`.
    #[must_use]
    pub fn with(self, m: Modality) -> Self {
        Self(self.0 | 1 << m.0)
    }

    /// The set without `m`.
    #[must_use]
    pub fn without(self, m: Modality) -> Self {
        Self(self.0 & !(1 << m.0))
    }

    /// How many are present.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether every member is also in `other`.
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The members, in order.
    pub fn iter(self) -> impl Iterator<Item = Modality> {
        (0..16).map(Modality).filter(move |m| self.has(*m))
    }

    /// The only member, if there is exactly one.
    pub fn single(self) -> Option<Modality> {
        (self.count() == 1).then(|| Modality(self.0.trailing_zeros() as usize))
    }

    /// All non-empty subsets, in binary order.
    pub fn subsets(self) -> impl Iterator<Item = Self> {
        (1..=self.0).map(Self).filter(move |s| s.within(self))
    }
}
