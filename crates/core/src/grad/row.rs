//! Losses that a step can compute.

use crate::modality::{Modalities, Modality, Present};

/// A loss, named by what its forward pass sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// All modalities, through fusion and head.
    Full,
    /// One modality alone, through the same fusion and head.
    Solo(Modality),
    /// Some of the modalities, through the same fusion and head.
    Subset(Present),
    /// One modality through something of its own: its solo head, or a loss
    /// that a strategy puts on its features.
    Aux(Modality),
}

impl Row {
    /// The modalities that the row needs.
    pub fn present(self, modalities: usize) -> Present {
        match self {
            Self::Full => Present::all(modalities),
            Self::Solo(m) | Self::Aux(m) => Present::only(m),
            Self::Subset(present) => present,
        }
    }

    /// The row that shows exactly the given modalities through fusion and head.
    pub fn showing(present: Present, modalities: usize) -> Self {
        match present.single() {
            _ if present == Present::all(modalities) => Self::Full,
            Some(m) => Self::Solo(m),
            None => Self::Subset(present),
        }
    }

    /// Name for people and files: `full`, `audio`, `audio+video`, `aux:audio`.
    pub fn label(self, names: &Modalities) -> String {
        match self {
            Self::Full => "full".into(),
            Self::Solo(m) => names.name(m).into(),
            Self::Subset(present) => present.iter().map(|m| names.name(m)).collect::<Vec<_>>().join("+"),
            Self::Aux(m) => format!("aux:{}", names.name(m)),
        }
    }
}

/// One optimizer step: rows get gradients, probes run forward only.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Rows whose losses may be listened to, in the order they are computed.
    pub rows: Vec<Row>,
    /// Rows that are only looked at; computed before the others.
    pub probes: Vec<Row>,
    /// Which gradients the strategy wants to see.
    pub need: Need,
    /// Whether the optimizer forgets all velocities and moments before this step.
    pub fresh: bool,
}

impl Phase {
    /// A phase with rows only, mixed at the boundary.
    pub fn of(rows: impl Into<Vec<Row>>) -> Self {
        Self { rows: rows.into(), probes: Vec::new(), need: Need::Boundary, fresh: false }
    }

    /// Adds probes.
    #[must_use]
    pub fn probing(mut self, probes: impl Into<Vec<Row>>) -> Self {
        self.probes = probes.into();
        self
    }

    /// Asks for the gradients in [`Need`].
    #[must_use]
    pub fn needing(mut self, need: Need) -> Self {
        self.need = need;
        self
    }

    /// Starts from a fresh optimizer if `fresh`.
    #[must_use]
    pub fn freshly(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }
}

/// Gradients that a strategy looks at before they are mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// At the features and in fusion and head: free with the fast evaluator.
    Boundary,
    /// Every row's own gradient at the encoder's parameters: one backward of
    /// the encoder for each row that reaches it.
    EncoderRows,
}
