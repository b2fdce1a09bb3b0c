//! From decoded files to the arrays a model sees.

mod audio;
mod category;
mod draft;
mod image;
mod nan;
mod normalise;
mod preparation;
mod raw;
mod scene;
mod steps;
mod text;
mod tokenizer;
mod tokens;
mod vector;

pub use audio::{Align, AudioSteps};
pub use category::{CategoryColumn, CategorySteps};
pub use draft::{Draft, Fit};
pub use image::{ImageSteps, VideoSteps};
pub use nan::NanPolicy;
pub use normalise::Normalise;
pub use preparation::Preparation;
pub use scene::{MapSteps, SceneRole, SceneSteps};
pub use steps::Steps;
pub use text::{TextSteps, Tokens, WordRule};
pub use tokenizer::TokenizerFile;
pub use tokens::TokenSteps;
pub use vector::{Columns, VectorSteps};

pub(crate) use image::{Frames, frames_of_strip};
pub(crate) use raw::Raw;
pub(crate) use scene::AugmentKeys;
pub(crate) use text::TextCounts;
