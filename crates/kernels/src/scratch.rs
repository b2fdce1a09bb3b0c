//! Buffers that a thread uses again for every piece of work.

use std::any::Any;
use std::cell::RefCell;

use crate::isa::Real;

/// Bytes of a cache line.
const LINE: usize = 64;

thread_local! {
    static FREE: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Lends `f` a buffer of at least `len` numbers with any content. A task that
/// runs inside another on the same thread gets another buffer.
pub fn with<S: Real, R>(len: usize, f: impl FnOnce(&mut [S]) -> R) -> R {
    let found = FREE.with_borrow_mut(|free| {
        // The largest that there is: it fits, or the fewest buffers grow.
        let sizes = free.iter().enumerate().filter_map(|(i, b)| Some((b.downcast_ref::<Vec<S>>()?.len(), i)));
        sizes.max().map(|(_, i)| free.swap_remove(i))
    });
    let mut buffer = found.and_then(|b| b.downcast::<Vec<S>>().ok()).unwrap_or_default();
    // A vector that crosses a cache line is read twice.
    let spare = LINE / size_of::<S>();
    if buffer.len() < len + spare {
        buffer.resize(len + spare, S::default());
    }
    let start = buffer.as_ptr().align_offset(LINE).min(spare);
    let result = f(&mut buffer[start..start + len]);
    FREE.with_borrow_mut(|free| free.push(buffer));
    result
}
