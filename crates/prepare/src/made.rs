//! What was made of a clip, or why nothing was.

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::error::PrepareError;
use crate::problem::Problem;

/// What was made of a clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its sound, relative to the target.
    pub sound: Option<Content>,
    /// Its frames in order, each relative to the target.
    pub frames: Vec<Content>,
    /// Its still picture, relative to the target.
    pub image: Option<Content>,
    /// Seconds of the sound that was written.
    pub seconds: Option<f64>,
    /// What is to be told of it.
    pub remarks: Vec<Problem>,
}

impl Made {
    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &Content> {
        self.sound.iter().chain(&self.frames).chain(&self.image)
    }
}

/// Why a clip has not become part of the set.
pub enum Failed {
    /// Something about the clip: it is left out.
    Clip(Box<Problem>),
    /// Something about the target: nothing can go on.
    Target(PrepareError),
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Clip(Box::new(problem))
    }
}
