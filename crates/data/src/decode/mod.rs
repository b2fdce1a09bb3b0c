//! From bytes to samples, pixels and numbers; no preparation yet.

pub(crate) mod archive;
mod idx;
pub(crate) mod kind;
mod levels;
pub(crate) mod npy_file;
mod picture;
pub(crate) mod shard;
pub(crate) mod sound;
pub(crate) mod table;
mod text;
mod wave;

pub use idx::IdxImages;
pub use levels::Levels;
pub use picture::Bitmap;
pub(crate) use text::{document, text_of};
pub(crate) use wave::Clip;
pub use wave::Wave;
