//! Pictures and frames: size, crops, and which frames of a film are used.

pub(crate) mod crop;
pub(crate) mod frames;
pub(crate) mod resize;

pub use frames::FrameRule;
pub use resize::resize;
