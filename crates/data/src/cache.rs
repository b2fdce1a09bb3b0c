//! Decoded samples kept in memory up to a budget.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Write-once places, filled by whoever comes first until the budget is spent.
///
/// Only results that do not depend on chance are kept, so a hit and a miss
/// give the same bits and which samples found room does not matter.
#[derive(Debug)]
pub struct Cache<T> {
    slots: Vec<OnceLock<T>>,
}

/// Bytes that caches which share it may still take.
#[derive(Debug)]
pub struct Budget {
    left: AtomicUsize,
}

impl Budget {
    /// A budget in bytes.
    pub fn new(bytes: usize) -> Self {
        Self { left: AtomicUsize::new(bytes) }
    }

    fn take(&self, bytes: usize) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl<T> Cache<T> {
    /// Empty places.
    pub fn new(slots: usize) -> Self {
        Self { slots: (0..slots).map(|_| OnceLock::new()).collect() }
    }

    /// What is kept at a place.
    pub fn get(&self, slot: usize) -> Option<&T> {
        self.slots.get(slot).and_then(OnceLock::get)
    }

    /// Keeps a value if the budget allows and the place is still empty.
    pub fn put(&self, slot: usize, bytes: usize, budget: &Budget, value: impl FnOnce() -> T) {
        let Some(place) = self.slots.get(slot).filter(|place| place.get().is_none()) else { return };
        if budget.take(bytes) && place.set(value()).is_err() {
            budget.give_back(bytes); // another thread was faster
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_never_exceeded() {
        let (cache, budget) = (Cache::new(3), Budget::new(10));
        cache.put(0, 6, &budget, || "a");
        cache.put(1, 6, &budget, || "b");
        cache.put(2, 4, &budget, || "c");
        cache.put(0, 0, &budget, || "again");
        assert_eq!(
            (cache.get(0), cache.get(1), cache.get(2), cache.get(9)),
            (Some(&"a"), None, Some(&"c"), None)
        );
    }
}
