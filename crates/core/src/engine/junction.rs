//! Where the gradients of maps that two ways read come together.
//!
//! Burn sums the gradients of such maps in the order of their shape: where
//! channels lie side by side it copies both before the sum, and the operator
//! before copies the sum back.

use std::sync::{Arc, Mutex, PoisonError};

use burn_flex::FlexTensor;

use super::flex;

/// One end of the meeting of two gradients.
#[derive(Clone, Debug, Default)]
pub struct Junction(Arc<Waiting>);

/// The gradient that came first.
#[derive(Debug, Default)]
struct Waiting(Mutex<Option<FlexTensor>>);

impl Junction {
    /// Leaves the first of the two gradients here; returns the sum with the second.
    pub fn arrive(&self, gradient: FlexTensor) -> Option<FlexTensor> {
        let mut waiting = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.take() {
            Some(first) => Some(flex::sum(first, gradient)),
            None => {
                *waiting = Some(gradient);
                None
            }
        }
    }
}

impl Drop for Waiting {
    /// A gradient that nobody fetched would be missing without a trace.
    fn drop(&mut self) {
        let left = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).is_some();
        assert!(!left || std::thread::panicking(), "only one of two ways went back through a fork");
    }
}
