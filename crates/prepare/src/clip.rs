//! One clip as its data set names it.

use std::path::PathBuf;

use counterpoint_data::set::Part;

/// The files of a clip, relative to the folder of the raw recordings. Sound and picture may be of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The file whose sound is used.
    pub sound: Option<PathBuf>,
    /// The film whose frames are used.
    pub film: Option<PathBuf>,
    /// A still picture.
    pub image: Option<PathBuf>,
    /// Start and end in milliseconds where sound and film hold more than the clip.
    pub cut: Option<[u32; 2]>,
}

impl Sources {
    /// Sound and picture of one film.
    pub fn of_film(path: PathBuf) -> Self {
        Self { sound: Some(path.clone()), film: Some(path), ..Self::default() }
    }

    /// Every file once.
    pub fn files(&self) -> Vec<&PathBuf> {
        let mut files: Vec<&PathBuf> = [&self.sound, &self.film, &self.image].into_iter().flatten().collect();
        files.dedup();
        files
    }
}

/// One sample before anything is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Its name, which no other clip has.
    pub id: String,
    /// Where sound and picture are.
    pub sources: Sources,
    /// Its class.
    pub label: String,
    /// Who or what it is of: speaker, scene, video.
    pub group: Option<String>,
    /// Its published split, where there is one.
    pub part: Option<Part>,
    /// What further columns of the list hold, such as text and numbers; see [`crate::Listing::columns`].
    pub cells: Vec<String>,
}
