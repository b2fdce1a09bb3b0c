//! Settings that belong to no method.

/// Keys of a configuration that change nothing of what is trained: where the
/// data lie, how they are loaded, what is written beside.
pub const ASIDE: [&str; 10] = [
    "data.root",
    "data.check",
    "data.workers",
    "data.prefetch",
    "data.prefetch_mb",
    "data.cache_mb",
    "data.cache_dir",
    "data.cache_dir_mb",
    "train.checkpoint_steps",
    "train.tensorboard",
];
