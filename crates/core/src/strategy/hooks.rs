//! The hooks that a strategy and an addition to one have in common.

/// Declares them in a trait: before, between and after epochs, and what is kept. Each does
/// nothing unless it is implemented.
macro_rules! shared_hooks {
    () => {
        /// Looks around before the first epoch; not called when a run continues.
        ///
        /// # Errors
        /// What a measurement returns.
        fn begin(&mut self, _at: Position, _tools: &mut dyn EpochTools) -> Result<(), Error> {
            Ok(())
        }

        /// Measures after an epoch's last step, before its validation: what is
        /// found belongs to the model that is validated.
        ///
        /// # Errors
        /// What a measurement returns.
        fn epoch_end(&mut self, _at: Position, _tools: &mut dyn EpochTools) -> Result<(), Error> {
            Ok(())
        }

        /// Changes the model for the next epoch, after the validation of this one
        /// and after it may have become `best`. The checkpoint `last`, which a
        /// stopped run continues from, has the change.
        ///
        /// # Errors
        /// What a measurement returns.
        fn after_validation(&mut self, _at: Position, _tools: &mut dyn EpochTools) -> Result<(), Error> {
            Ok(())
        }

        /// Refuses models and tasks that the method is not defined for.
        ///
        /// # Errors
        /// If the strategy does not fit; the message names it and what it needs.
        fn check(&self, _facts: &ModelFacts) -> Result<(), Error> {
            Ok(())
        }

        /// Whether [`EpochTools::pull_to_init`] will be used.
        fn needs_initial(&self) -> bool {
            false
        }

        /// Numbers of the last step; a run records their means over each epoch.
        fn stats(&self) -> Vec<Stat> {
            Vec::new()
        }

        /// What the names of its stats mean, in words for an axis.
        fn legend(&self) -> Vec<(&'static str, &'static str)> {
            Vec::new()
        }

        /// What must be kept to continue exactly.
        fn save(&self) -> StrategyState {
            StrategyState::default()
        }

        /// Takes back what [`Self::save`] gave.
        ///
        /// # Errors
        /// If something is missing or of another shape.
        fn restore(&mut self, _state: &StrategyState) -> Result<(), Error> {
            Ok(())
        }
    };
}

pub(super) use shared_hooks;
