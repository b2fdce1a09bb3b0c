//! Pictures as the data set `rgbd` reads them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint_data::set::Part;

use crate::clip::Clip;
use crate::collection::content::{Made, Maker};
use crate::error::PrepareError;
use crate::names;
use crate::place::place;
use crate::problem::Problem;
use crate::sheet::Sheet;

/// One scene, each picture as the content of a file.
pub struct Scene {
    /// PNG or JPEG.
    pub colour: Vec<u8>,
    /// PNG of 16 bits, millimetres, 0 where nothing was measured.
    pub depth: Vec<u8>,
    /// PNG of class ids.
    pub labels: Vec<u8>,
    /// What is to be told of it.
    pub remarks: Vec<Problem>,
}

/// Scenes by their numbers.
pub trait Scenes {
    /// A scene; the inner error says why it alone is left out.
    ///
    /// # Errors
    /// If the source as a whole is damaged.
    fn get(&mut self, number: usize) -> Result<Result<Scene, Problem>, PrepareError>;
}

/// Writes the scenes.
pub struct PictureMaker {
    /// Where they come from.
    pub scenes: Box<dyn Scenes>,
    /// Names of the classes by id.
    pub classes: Vec<String>,
}

impl Maker for PictureMaker {
    fn unit(&self) -> &'static str {
        "scenes"
    }

    fn steps(&self, samples: &[Clip]) -> Vec<String> {
        samples.iter().map(|sample| sample.id.clone()).collect()
    }

    fn make(&mut self, step: usize, samples: &[Clip], to: &Path) -> Result<Made, PrepareError> {
        let scene = match self.scenes.get(step)? {
            Ok(scene) => scene,
            Err(problem) => return Ok(Made::LeftOut(step, problem)),
        };
        let name = file_name(&samples[step].id);
        let ending = if scene.colour.starts_with(b"\x89PNG") { "png" } else { "jpg" };
        let mut files = Vec::new();
        for (folder, ending, bytes) in [
            ("rgb", ending, &scene.colour),
            ("depth", "png", &scene.depth),
            ("label40", "png", &scene.labels),
        ] {
            files.push(place(to, PathBuf::from(folder).join(format!("{name}.{ending}")), bytes)?);
        }
        Ok(Made::Files(files, scene.remarks))
    }

    fn lists(&self, samples: &[Clip], used: &[(usize, Part)]) -> Vec<(String, Vec<u8>)> {
        let grouped = samples.iter().all(|sample| sample.group.is_some());
        let mut index = Sheet::new(if grouped { &["id", "split", "group"] } else { &["id", "split"] });
        for &(at, part) in used {
            let name = file_name(&samples[at].id);
            match samples[at].group.as_deref().filter(|_| grouped) {
                Some(group) => index.row(&[name.as_str(), part.name(), group]),
                None => index.row(&[name.as_str(), part.name()]),
            }
        }
        let mut classes = Sheet::new(&["id", "name"]);
        for (id, name) in self.classes.iter().enumerate() {
            classes.row(&[&id.to_string(), name]);
        }
        vec![("index.csv".into(), index.bytes()), ("classes.csv".into(), classes.bytes())]
    }

    fn modalities(&self, used: usize) -> BTreeMap<String, usize> {
        BTreeMap::from([("depth".into(), used), ("rgb".into(), used)])
    }

    fn classes(&self, _: &[Clip]) -> usize {
        self.classes.len()
    }

    fn config(&self) -> String {
        "# What `counterpoint prepare nyuv2` made. A small network on small pictures, to see soon whether it can be\n\
         # learned; configs/nyuv2-480.toml of the project has the size of the papers.\n\n\
         [data]\nname = \"rgbd\"\nroot = \".\"\nsize = [96, 128]\nbatch_size = 8\naugment = true\ndepth_missing = 0\n\n\
         [model]\nname = \"esanet\"\nwidth = 16\nblocks = [1, 1, 1, 1]\ndecoder_blocks = 1\n\n\
         [strategy]\nname = \"dgl\"\nalpha = 1.0\n\n\
         [optimizer]\nname = \"sgd\"\nlr = 0.01\nmomentum = 0.9\nweight_decay = 1e-4\n\n\
         [train]\nepochs = 3\nseed = 0\n"
            .into()
    }
}

/// A name that every system takes.
fn file_name(id: &str) -> String {
    names::of(std::iter::once(id)).remove(id).unwrap_or_default()
}
