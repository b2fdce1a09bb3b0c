//! Settings of the system allocator, chosen by measurement.
//!
//! glibc returns large buffers to the system when they are freed, and the next
//! step faults every page in again. Keeping them costs memory that the next
//! step uses anyway. Measured with `cargo bench -p counterpoint-testkit --bench
//! step` (docs/results/cost.md): the time in the kernel of a ResNet-18 step
//! fell to a quarter. mimalloc spent more there than glibc without settings,
//! jemalloc was slower on the small networks.

/// Tells glibc to keep freed buffers for reuse. Elsewhere does nothing.
pub fn keep_buffers() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEEP: libc::c_int = 1 << 30;
        let settings = [(libc::M_MMAP_MAX, 0), (libc::M_TRIM_THRESHOLD, KEEP), (libc::M_TOP_PAD, 64 << 20)];
        for (setting, value) in settings {
            // SAFETY: mallopt only stores a number; it is called before any thread starts.
            #[expect(unsafe_code, reason = "there is no safe interface to mallopt")]
            unsafe {
                libc::mallopt(setting, value);
            }
        }
    }
}
