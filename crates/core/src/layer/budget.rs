//! What the parameters of a model take, held against the memory there is.

use std::sync::Mutex;

use counterpoint_batch::memory;

use crate::Error;

/// Bytes that training holds for a number: itself, its gradient, what the
/// optimizer remembers, and the copy that a checkpoint is written from.
const BYTES: u64 = 16;

/// A count over all parts of one model.
#[derive(Debug)]
pub(super) struct Budget {
    /// Numbers that fit; no limit where the system does not tell.
    most: Option<u64>,
    asked: Mutex<Asked>,
}

#[derive(Debug, Default)]
struct Asked {
    numbers: u64,
    /// The largest parameter, in words.
    largest: (u64, String),
}

impl Budget {
    /// The memory that is free now.
    pub fn new() -> Self {
        Self { most: memory::free().map(|bytes| bytes / BYTES), asked: Mutex::default() }
    }

    /// Takes room for a parameter; `false` if there is none.
    pub fn room(&self, name: impl FnOnce() -> String, shape: &[usize]) -> bool {
        let numbers = shape.iter().fold(1, |n: u64, &side| n.saturating_mul(side as u64));
        let mut asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        asked.numbers = asked.numbers.saturating_add(numbers);
        if numbers > asked.largest.0 {
            asked.largest = (numbers, format!("`{}` of shape {shape:?}", name()));
        }
        self.most.is_none_or(|most| asked.numbers <= most)
    }

    /// Refuses a model that asked for more than there is.
    pub fn check(&self) -> Result<(), Error> {
        let asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(most) = self.most.filter(|most| asked.numbers > *most) else { return Ok(()) };
        Err(Error::config(format!(
            "training this model needs about {}, {} are free; its largest parameter is {}: lower the width, rank or \
             hidden size that it comes from",
            memory::shown(asked.numbers.saturating_mul(BYTES)),
            memory::shown(most.saturating_mul(BYTES)),
            asked.largest.1
        )))
    }
}
