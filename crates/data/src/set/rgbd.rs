//! `rgbd`: colour and depth pictures with a class for every pixel.
//!
//! The folder holds `index.csv` (columns id, split), `classes.csv` (columns id
//! from 0, name), `rgb/<id>.jpg` (or .png), `depth/<id>.png` and
//! `label40/<id>.png` (or `label/`): grey values or palette indices are class ids,
//! 255 means no label. Depth and class ids are numbers and never pass a decoder made
//! for display. The pictures of one sample have one size.

use std::path::{Path, PathBuf};

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DataSet, Request};
use crate::augment::Jitter;
use crate::config::JitterConfig;
use crate::decode::table::Table;
use crate::error::{DataError, ErrorKind};
use crate::image::ViewRule;
use crate::plan::Plan;
use crate::prepare::{Draft, Fit, MapSteps, Normalise, Preparation, SceneRole, SceneSteps, Steps};
use crate::record::Record;
use crate::source::Source;
use crate::truth::{Labelling, Truth};

/// Settings of the data set `rgbd`; `root` is the folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RgbdConfig {
    /// Height and width of what the model sees and predicts, in pixels.
    pub size: [usize; 2],
    /// With `augment`: the largest factor by which a scene is enlarged.
    #[schemars(range(min = 1.0, max = 16.0))]
    pub zoom: f64,
    /// With `augment`: whether half of the scenes are mirrored.
    pub flip: bool,
    /// With `augment`: how far from 1 the factors may be by which hue, saturation and value are
    /// multiplied; below 1.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1))]
    pub colour: f64,
    /// With `augment`: random changes of colours after those of `colour`; depth keeps its numbers.
    #[serde(skip_serializing_if = "JitterConfig::is_none")]
    pub jitter: JitterConfig,
    /// Name of the folder of label maps below `root`.
    pub labels: String,
    /// Factor of the numbers in depth files. With this or `depth_offset` the model sees
    /// number x scale + offset; without, depth by mean and deviation of the training split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_scale: Option<f64>,
    /// Added to the numbers in depth files after `depth_scale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_offset: Option<f64>,
    /// The number in depth files that means "no measurement"; it becomes 0 and does not count for
    /// mean and deviation. By default all numbers are measurements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth_missing: Option<u16>,
}

impl Default for RgbdConfig {
    fn default() -> Self {
        Self {
            size: [120, 160],
            zoom: 1.4,
            flip: true,
            colour: 0.1,
            jitter: JitterConfig::default(),
            labels: "label40".into(),
            depth_scale: None,
            depth_offset: None,
            depth_missing: None,
        }
    }
}

impl Settings for RgbdConfig {
    const NAME: &'static str = "rgbd";
    const SUMMARY: &'static str = "colour and depth pictures with a class for every pixel, as NYUv2";
}

impl DataSet for RgbdConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let modalities = request.modalities(&["rgb", "depth"])?;
        let root = request.root("the folder with index.csv, classes.csv, rgb/, depth/ and label40/")?;
        let classes = classes(&root.join("classes.csv"))?;
        let table = Table::read(&root.join("index.csv"))?;
        let (id, parts) = (table.column("id")?, request.parts(&table)?);
        let group = request.split.split_by.as_ref().map(|by| table.column(by)).transpose()?;
        let view = ViewRule { zoom: self.zoom, flip: self.flip };
        let draft = |name: &String| {
            let (role, normalise, fit) = match name.as_str() {
                "rgb" => (SceneRole::Colour, Normalise::imagenet(), Fit::Nothing),
                _ => self.depth()?,
            };
            let jitter = match role {
                SceneRole::Colour => self.jitter.limits(),
                SceneRole::Measured | SceneRole::Depth => Jitter::default(),
            };
            let steps = Steps::Scene(SceneSteps { role, size: self.size, view, colour: self.colour, jitter });
            let preparation = Preparation { modality: name.clone(), steps, normalise };
            preparation.check().map(|()| Draft { preparation, fit })
        };
        let drafts: Vec<Draft> = modalities.iter().map(draft).collect::<Result<_, _>>()?;
        let mut records = Vec::new();
        for (row, part) in table.rows().zip(parts) {
            let name = row.text(id);
            if name.is_empty() {
                return Err(DataError::format(format!("{}: `id` is empty", row.place())));
            }
            let source = |(modality, draft): (&String, &Draft)| {
                let path = picture(&root.join(modality), name);
                match &draft.preparation.steps {
                    Steps::Scene(steps) => Some(steps.source(path)),
                    _ => None,
                }
            };
            records.push(Record {
                id: name.to_owned(),
                group: group.map(|column| row.text(column).to_owned()),
                part,
                truth: Truth::Map(Source::Levels { path: picture(&root.join(&self.labels), name) }),
                sources: modalities.iter().zip(&drafts).map(source).collect(),
            });
        }
        let steps = MapSteps { size: self.size, classes: classes.len(), view };
        Ok(Plan { classes, labelling: Labelling::Maps(steps), drafts, records, notes: Vec::new() })
    }
}

impl RgbdConfig {
    /// How depth is read and normalised.
    fn depth(&self) -> Result<(SceneRole, Normalise, Fit), DataError> {
        let missing = self.depth_missing;
        if self.depth_scale.is_none() && self.depth_offset.is_none() {
            return Ok((SceneRole::Measured, Normalise::None, Fit::Measured { missing }));
        }
        let (scale, offset) = (self.depth_scale.unwrap_or(1.0), self.depth_offset.unwrap_or(0.0));
        // number x scale + offset, written as (number - mean) / std.
        let normalise = Normalise::Measured { mean: -offset / scale, std: 1.0 / scale, missing };
        if !normalise.fits(1) {
            return Err(DataError::config(format!(
                "`depth_scale` and `depth_offset` must be finite and the scale not 0, got {scale} and {offset}"
            )));
        }
        Ok((SceneRole::Measured, normalise, Fit::Nothing))
    }
}

/// `<id>.png`, or `<id>.jpg` if there is none.
fn picture(folder: &Path, id: &str) -> PathBuf {
    let endings = ["png", "jpg", "jpeg"].map(|ending| folder.join(format!("{id}.{ending}")));
    let [png, ..] = &endings;
    endings.iter().find(|path| path.exists()).unwrap_or(png).clone()
}

/// Names of the classes by id, which must count up from 0.
fn classes(path: &Path) -> Result<Vec<String>, DataError> {
    let table = Table::read(path)?;
    let (id, name) = (table.column("id")?, table.column("name")?);
    let mut names = Vec::new();
    for row in table.rows() {
        let number: usize = row.number(id)?;
        if number != names.len() {
            return Err(DataError::new(
                ErrorKind::Label,
                format!("{}: class id {number}, expected {}: ids count up from 0", row.place(), names.len()),
            ));
        }
        names.push(row.text(name).to_owned());
    }
    if names.len() > 255 {
        let message =
            format!("`{}` lists {} classes, up to 255 fit a label picture", path.display(), names.len());
        return Err(DataError::new(ErrorKind::Label, message));
    }
    Ok(names)
}
