//! Losses that a step can compute.

use crate::modality::{Modalities, Modality, Present};

/// A loss, named by what its forward pass sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossTerm {
    /// All modalities, through fusion and head.
    Fused,
    /// A single modality, through the same fusion and head.
    Unimodal(Modality),
    /// Some of the modalities, through the same fusion and head.
    Subset(Present),
    /// One modality through something of its own: its unimodal head, or a loss
    /// that a strategy puts on its features.
    Auxiliary(Modality),
}

impl LossTerm {
    /// The modalities that the term needs.
    pub fn present(self, modalities: usize) -> Present {
        match self {
            Self::Fused => Present::all(modalities),
            Self::Unimodal(m) | Self::Auxiliary(m) => Present::only(m),
            Self::Subset(present) => present,
        }
    }

    /// The term that shows exactly the given modalities through fusion and head.
    pub fn showing(present: Present, modalities: usize) -> Self {
        match present.single() {
            _ if present == Present::all(modalities) => Self::Fused,
            Some(m) => Self::Unimodal(m),
            None => Self::Subset(present),
        }
    }

    /// The term as two numbers, for messages.
    pub(crate) fn code(self) -> [usize; 2] {
        match self {
            Self::Fused => [0, 0],
            Self::Unimodal(m) => [1, m.0],
            Self::Subset(present) => [2, present.bits()],
            Self::Auxiliary(m) => [3, m.0],
        }
    }

    /// What [`Self::code`] gave.
    pub(crate) fn of_code([kind, of]: [usize; 2]) -> Self {
        match kind {
            0 => Self::Fused,
            1 => Self::Unimodal(Modality(of)),
            2 => Self::Subset(Present::of_bits(of)),
            _ => Self::Auxiliary(Modality(of)),
        }
    }

    /// Name for people and files: `fused`, `audio`, `audio+video`, `aux:audio`.
    pub fn label(self, names: &Modalities) -> String {
        match self {
            Self::Fused => "fused".into(),
            Self::Unimodal(m) => names.name(m).into(),
            Self::Subset(present) => present.iter().map(|m| names.name(m)).collect::<Vec<_>>().join("+"),
            Self::Auxiliary(m) => format!("aux:{}", names.name(m)),
        }
    }
}
