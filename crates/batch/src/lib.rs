//! Samples and batches as plain host arrays: the only thing that the data
//! crate and the training crate have to agree on.
//!
//! Nothing here knows tensors, data sets or models, so a data pipeline compiles
//! and runs without a deep-learning library, and a worker thread can build a
//! whole batch without touching a device.
//!
//! Beside batches lies what every crate needs once: random streams that belong
//! to a key ([`random`]), NumPy's arrays ([`npy`]), files that appear whole or not
//! at all ([`file`](mod@file)), and the memory that is free ([`memory`]).
//!
//! ```
//! use counterpoint_batch::{Array, Batch, ModalitySpec, Sample, Target, Targets};
//!
//! let spec = [ModalitySpec::new("audio", [2]), ModalitySpec::new("image", [1])];
//! let full = Sample::new("a", vec![Some(Array::new([2], vec![1.0, 2.0])?), Some(Array::new([1], vec![3.0])?)], Target::Class(0));
//! let deaf = Sample::new("b", vec![None, Some(Array::new([1], vec![4.0])?)], Target::Class(1));
//! let batch = Batch::collate(vec![full, deaf], &spec)?;
//! assert_eq!(batch.inputs[0].array.values(), [1.0, 2.0, 0.0, 0.0]); // absent rows are zero ...
//! assert_eq!(batch.inputs[0].present, [true, false]); // ... and marked, so no loss uses them
//! assert_eq!(batch.targets, Targets::Classes(vec![0, 1]));
//! # Ok::<(), counterpoint_batch::ShapeError>(())
//! ```

mod array;
mod batch;
pub mod file;
mod frequency;
mod in_memory;
pub mod memory;
mod name;
pub mod npy;
pub mod random;
mod sample;
mod source;
mod targets;

pub use array::{Array, ShapeError};
pub use batch::{Batch, Input};
pub use frequency::ClassFrequency;
pub use in_memory::{InMemory, presence};
pub use name::{check_class, check_name};
pub use sample::{ClassMap, ModalitySpec, Sample, Target};
pub use source::{BatchSource, SourceError, share};
pub use targets::{TargetSpec, Targets};
