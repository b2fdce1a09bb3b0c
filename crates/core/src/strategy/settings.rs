//! What a method's settings say and build.

use std::sync::Arc;

use counterpoint_catalog::{Catalog, Chosen, Kind, Part, Settings, Takes};

use super::Strategy;
use crate::Error;
use crate::modality::Modalities;
use crate::step::Incomplete;

/// Settings of a method that build it; implemented beside [`Settings`] in the
/// method's own file.
pub trait StrategySettings: Part {
    /// Builds the strategy.
    ///
    /// # Errors
    /// If a value is out of range or the strategy does not fit the modalities.
    fn build(&self, modalities: &Modalities) -> Result<Box<dyn Strategy>, Error>;

    /// The strategy that this one is over, if it is an addition to another.
    /// What follows is then true of this one, too, unless it says otherwise.
    fn over(&self) -> Option<&StrategyConfig> {
        None
    }

    /// Whether the model must have a head for every modality besides the fused one.
    fn wants_unimodal_heads(&self) -> bool {
        self.over().is_some_and(|over| over.wants_unimodal_heads())
    }

    /// The name of the one modality that is trained, if the method trains one
    /// only and the settings name it. The model then needs no other.
    fn only_modality(&self) -> Option<&str> {
        self.over()?.only_modality()
    }

    /// Whether permuting the modalities permutes the run and changes nothing
    /// else. Not so where they take turns in order, or where random numbers
    /// are drawn by name.
    fn is_symmetric(&self) -> bool {
        self.over().is_none_or(|over| over.is_symmetric())
    }

    /// Why the fused loss cannot be had from samples that lack a modality, as
    /// the end of a sentence about the method; `None` if it can.
    fn needs_complete(&self) -> Option<&'static str> {
        None
    }
}

impl dyn StrategySettings {
    /// A name that tells methods over different strategies apart: `relearn` as it
    /// usually is, else `relearn-over-dgl`.
    pub fn label(&self) -> String {
        let usual = Catalog::<Self>::current().find(self.name()).and_then(|entry| entry.defaults());
        let is_usual = |over| usual.as_ref().is_ok_and(|usual| usual.over() == Some(over));
        match self.over().filter(|over| !is_usual(over)) {
            Some(over) => format!("{}-over-{}", self.name(), over.label()),
            None => self.name().into(),
        }
    }

    /// Refuses a choice that the method has no meaning for.
    ///
    /// # Errors
    /// If it has no fused loss, or compares modalities on the samples of it.
    pub fn check_incomplete(&self, incomplete: Incomplete) -> Result<(), Error> {
        self.over().map_or(Ok(()), |over| over.check_incomplete(incomplete))?;
        match self.needs_complete() {
            Some(because) if incomplete == Incomplete::ZeroFill => Err(Error::config(format!(
                "strategy.incomplete = \"zero-fill\" does not fit strategy `{}`, which {because}; leave it out",
                self.name()
            ))),
            _ => Ok(()),
        }
    }
}

/// A strategy as a configuration chose it: `{ name = "dgl", alpha = 4.0 }`.
pub type StrategyConfig = Chosen<dyn StrategySettings>;

impl<S: Settings + StrategySettings> Takes<S> for dyn StrategySettings {
    fn take(settings: S) -> Arc<Self> {
        Arc::new(settings)
    }
}

impl Kind for dyn StrategySettings {
    const NOUN: &'static str = "strategy";

    fn built_in() -> Catalog<Self> {
        super::registry::strategies()
    }
}
