//! Buffers for results.

use crate::isa::Real;

/// A buffer that a kernel is about to fill: its content is arbitrary, and every
/// kernel with an output writes all of it (tests hand them marked buffers).
/// Zeros first would be a pass over memory for nothing.
pub fn unwritten<S: Real>(len: usize) -> Vec<S> {
    let mut buffer = Vec::with_capacity(len);
    // SAFETY: `Real` is `f32` or `f64`, for which every pattern of bits is a
    // number, and nobody reads one before a kernel has written it.
    #[allow(clippy::uninit_vec, reason = "as above")]
    unsafe {
        buffer.set_len(len);
    }
    buffer
}
