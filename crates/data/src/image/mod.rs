//! Pictures and frames: size, crops, and which frames of a film are used.

pub(crate) mod crop;
pub(crate) mod frames;
pub(crate) mod resize;
mod turn;
pub(crate) mod view;

pub(crate) use crop::WindowRule;
pub use frames::FrameRule;
pub use resize::resize;
pub use view::ViewRule;

pub(crate) use view::{View, hsv, rgb, shift_colours};
