//! One optimizer step, as a strategy asks for it.

use super::LossTerm;

/// One optimizer step: terms get gradients, probes run forward only.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Rows whose losses may be listened to, in the order they are computed.
    pub terms: Vec<LossTerm>,
    /// Rows that are only looked at; computed before the others.
    pub probes: Vec<LossTerm>,
    /// Which gradients the strategy wants to see.
    pub need: Need,
    /// Whether the optimizer forgets all velocities and moments before this step.
    pub fresh: bool,
}

impl Phase {
    /// A phase with terms only, mixed at the boundary.
    pub fn of(terms: impl Into<Vec<LossTerm>>) -> Self {
        Self { terms: terms.into(), probes: Vec::new(), need: Need::Boundary, fresh: false }
    }

    /// Adds probes.
    #[must_use]
    pub fn probing(mut self, probes: impl Into<Vec<LossTerm>>) -> Self {
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
    /// Every term's own gradient at the encoder's parameters: one backward of
    /// the encoder for each term that reaches it.
    EncoderTerms,
}
