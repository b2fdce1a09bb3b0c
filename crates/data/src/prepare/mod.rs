//! From decoded files to the arrays a model sees.

mod audio;
mod image;
mod nan;
mod normalise;
mod preparation;
mod scene;
mod tokens;
mod vector;

pub use audio::{Align, AudioSteps};
pub use image::{ImageSteps, VideoSteps};
pub use nan::NanPolicy;
pub use normalise::Normalise;
pub use preparation::{Preparation, Steps};
pub use scene::{SceneRole, SceneSteps};
pub use tokens::TokenSteps;
pub use vector::VectorSteps;

pub(crate) use image::{Frames, frames_of_strip};
pub(crate) use normalise::{Moments, ROUNDING};
pub(crate) use scene::{Chance, MapSteps};
pub(crate) use vector::Columns;
