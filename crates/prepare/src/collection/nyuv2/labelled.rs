//! The official file of MATLAB 7.3, with the split and the mapping of its 894 labels beside it.

use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};

use counterpoint_batch::npy::{NpyArray, Values};
use counterpoint_data::set::Part;
use counterpoint_formats::FormatError;
use counterpoint_formats::hdf5::{Address, Dataset, Hdf5};
use counterpoint_formats::mat::{self, Value};
use png::{BitDepth, ColorType};

use super::classes::{FORTY, VOID};
use super::maker::{PictureMaker, Scene, Scenes};
use super::pictures::{deep, encode, grey};
use super::shown;
use crate::clip::{Clip, Sources};
use crate::collection::content::Opened;
use crate::content::look;
use crate::error::PrepareError;
use crate::folder::Folder;
use crate::problem::{Finding, Problem};

/// Scenes that are unpacked together, at most.
const TOGETHER: usize = 64;

/// Opens the official file.
pub fn open(folder: &Folder, name: &Path) -> Result<Opened, PrepareError> {
    let place = shown(folder.root(), name);
    let wrong = |error: FormatError| PrepareError::data(format!("{place} {error}"));
    let path = folder.root().join(name);
    look(&path).map_err(|finding| PrepareError::data(format!("{place}: {}", finding.words())))?;
    let file = File::open(&path).map_err(|cause| wrong(cause.into()))?;
    let mut file = Hdf5::open(file).map_err(wrong)?;
    let mut set = |name: &str, axes: usize| {
        let at = file.find(file.root(), name).map_err(wrong)?;
        let set = file.dataset(at).map_err(|e| wrong(FormatError(format!("in `{name}` {e}"))))?;
        if set.shape.len() != axes {
            return Err(wrong(FormatError(format!(
                "in `{name}` has shape {:?}, expected {axes} axes",
                set.shape
            ))));
        }
        Ok(set)
    };
    // MATLAB's first axis runs fastest, so axes are in the reverse order here.
    let (images, depths, labels) = (set("images", 4)?, set("depths", 3)?, set("labels", 3)?);
    let &[count, channels, width, height] = images.shape.as_slice() else { unreachable!("four axes") };
    if channels != 3 || depths.shape != [count, width, height] || labels.shape != [count, width, height] {
        return Err(wrong(FormatError(format!(
            "holds images of shape {:?}, depths of {:?} and labels of {:?}, expected [n, 3, w, h] and [n, w, h] twice",
            images.shape, depths.shape, labels.shape
        ))));
    }
    let scenes = scenes(&mut file, count).map_err(wrong)?;
    let mut sources = vec![name.to_owned()];
    let mut notes = Vec::new();
    let parts = match folder.find("splits.mat") {
        Some(list) => {
            let parts = parts(folder, &list, count)?;
            sources.push(list);
            parts
        }
        None => {
            notes.push("splits.mat is not there: the split is not the official one".to_owned());
            vec![None; count]
        }
    };
    let list = folder.find("classMapping40.mat").ok_or_else(|| {
        PrepareError::data(format!(
            "`{}` holds no classMapping40.mat, which says to which of 40 classes each of the 894 labels belongs (it comes \
             with the code of Gupta et al., CVPR 2013); put it beside the official file",
            folder.root().display()
        ))
    })?;
    let (mapping, classes) = mapping(folder, &list)?;
    sources.push(list);
    let (mut samples, mut problems) = (Vec::new(), Vec::new());
    let listed = parts.iter().any(Option::is_some);
    let mut numbers = Vec::new();
    for (number, part) in parts.into_iter().enumerate() {
        let id = format!("{:04}", number + 1);
        if listed && part.is_none() {
            problems.push(Problem::left_out(&id, name, Finding::Unlisted));
            continue;
        }
        let group = scenes.as_ref().map(|scenes| scenes[number].clone());
        samples.push(Clip {
            id,
            sources: Sources::default(),
            label: "scene".into(),
            group,
            part,
            cells: Vec::new(),
        });
        numbers.push(number);
    }
    let scenes = Labelled {
        place,
        source: name.to_owned(),
        file,
        sets: [images, depths, labels],
        held: Default::default(),
        numbers,
        mapping,
    };
    Ok(Opened {
        samples,
        problems,
        notes,
        sources,
        maker: Box::new(PictureMaker { scenes: Box::new(scenes), classes }),
    })
}

/// The scene of each picture: a cell of texts, where the file has it.
fn scenes(file: &mut Hdf5<File>, count: usize) -> Result<Option<Vec<String>>, FormatError> {
    if !file.members(file.root())?.iter().any(|(name, _)| name == "scenes") {
        return Ok(None);
    }
    let at = file.find(file.root(), "scenes")?;
    let set = file.dataset(at)?;
    let Values::Whole(references) = file.values(&set)?.values else { return Ok(None) };
    if references.len() != count {
        return Err(format!("names {} scenes of {count} pictures", references.len()).into());
    }
    let text = |reference: &i64| {
        let set = file.dataset(Address(reference.cast_unsigned()))?;
        let Values::Whole(units) = file.values(&set)?.values else {
            return Err(FormatError("has a scene that is no text".into()));
        };
        Ok(units.iter().filter_map(|unit| char::from_u32(u32::try_from(*unit).ok()?)).collect())
    };
    references.iter().map(text).collect::<Result<_, _>>().map(Some)
}

/// The variables of a small file of MATLAB.
fn variables(folder: &Folder, list: &Path) -> Result<Vec<(String, Value)>, PrepareError> {
    let path = folder.root().join(list);
    look(&path).map_err(|finding| {
        PrepareError::data(format!("{}: {}", shown(folder.root(), list), finding.words()))
    })?;
    let wrong =
        |error: &dyn std::fmt::Display| PrepareError::data(format!("{} {error}", shown(folder.root(), list)));
    let bytes = fs::read(&path).map_err(|cause| wrong(&format!("cannot be read: {cause}")))?;
    mat::read(&bytes).map_err(|error| wrong(&error))
}

/// The official split, whose numbers count from 1.
fn parts(folder: &Folder, list: &Path, count: usize) -> Result<Vec<Option<Part>>, PrepareError> {
    let variables = variables(folder, list)?;
    let mut parts = vec![None; count];
    for (name, part) in [("trainNdxs", Part::Train), ("testNdxs", Part::Test)] {
        let wrong =
            |what: String| PrepareError::data(format!("`{name}` in {} {what}", shown(folder.root(), list)));
        let Some((_, Value::Numbers(numbers))) = variables.iter().find(|(of, _)| of == name) else {
            return Err(wrong("is absent, expected the numbers of pictures".into()));
        };
        for number in numbers.doubles().unwrap_or_default() {
            let at = (number as usize).checked_sub(1).filter(|at| *at < count && number.fract() == 0.0);
            let at =
                at.ok_or_else(|| wrong(format!("holds {number}, expected numbers from 1 to {count}")))?;
            if parts[at].replace(part).is_some() {
                return Err(wrong(format!("names picture {number} a second time")));
            }
        }
    }
    Ok(parts)
}

/// The class of each label, counted from 1 (0: none), and the names of the classes.
fn mapping(folder: &Folder, list: &Path) -> Result<(Vec<u8>, Vec<String>), PrepareError> {
    let variables = variables(folder, list)?;
    let wrong = |what: String| PrepareError::data(format!("{} {what}", shown(folder.root(), list)));
    let Some((_, Value::Numbers(numbers))) = variables.iter().find(|(of, _)| of == "mapClass") else {
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        return Err(wrong(format!("has no numbers `mapClass`; there are: {}", names.join(", "))));
    };
    let class = |class: f64| {
        let whole = class.fract() == 0.0 && (0.0..255.0).contains(&class);
        if whole {
            Ok(class as u8)
        } else {
            Err(wrong(format!("maps to the class {class}, expected 0 to 254")))
        }
    };
    let mapping: Vec<u8> =
        numbers.doubles().unwrap_or_default().into_iter().map(class).collect::<Result<_, _>>()?;
    let count = usize::from(mapping.iter().copied().max().unwrap_or(0));
    let texts = |value: &Value| match value {
        Value::Cell(cells) if cells.len() == count => cells
            .iter()
            .map(|cell| if let Value::Text(name) = cell { Some(name.clone()) } else { None })
            .collect::<Option<Vec<String>>>(),
        _ => None,
    };
    let named = variables.iter().find_map(|(_, value)| texts(value));
    let names = match named {
        Some(names) => names,
        None if count == FORTY.len() => FORTY.map(str::to_owned).to_vec(),
        None => (1..=count).map(|class| class.to_string()).collect(),
    };
    Ok((mapping, names))
}

struct Labelled {
    place: String,
    source: PathBuf,
    file: Hdf5<File>,
    /// Images, depths, labels.
    sets: [Dataset; 3],
    /// What was unpacked last of each.
    held: [Option<(Range<usize>, NpyArray)>; 3],
    /// Number in the file of each sample.
    numbers: Vec<usize>,
    mapping: Vec<u8>,
}

impl Labelled {
    /// The numbers of one picture, column by column.
    fn picture(&mut self, set: usize, number: usize) -> Result<Vec<f64>, PrepareError> {
        let of = &self.sets[set];
        let step = of.step().min(TOGETHER);
        let range = number / step * step..(number / step * step + step).min(of.shape[0]);
        if self.held[set].as_ref().is_none_or(|(held, _)| *held != range) {
            let values = self.file.rows(of, range.clone()).map_err(|error| {
                let name = ["images", "depths", "labels"][set];
                PrepareError::data(format!("{} in `{name}` {error}", self.place))
            })?;
            self.held[set] = Some((range.clone(), values));
        }
        let size: usize = of.shape[1..].iter().product();
        let from = (number - range.start) * size;
        let held = self.held[set].as_ref().map(|(_, values)| values);
        let values = (from..from + size).map(|at| held.and_then(|values| values.get(at)));
        values
            .collect::<Option<_>>()
            .ok_or_else(|| PrepareError::data(format!("{} holds texts instead of pictures", self.place)))
    }
}

impl Scenes for Labelled {
    fn get(&mut self, number: usize) -> Result<Result<Scene, Problem>, PrepareError> {
        let number = self.numbers[number];
        let (id, source) = (format!("{:04}", number + 1), self.source.clone());
        let left = |found: String, expected: &str| {
            Ok(Err(Problem::left_out(&id, &source, Finding::OutOfRange { found, expected: expected.into() })))
        };
        let (width, height) = (self.sets[1].shape[1], self.sets[1].shape[2]);
        let (colour, depth, labels) =
            (self.picture(0, number)?, self.picture(1, number)?, self.picture(2, number)?);
        let mut pixels = Vec::with_capacity(3 * width * height);
        let (mut distances, mut classes, mut broken) = (Vec::new(), Vec::new(), 0);
        for y in 0..height {
            for x in 0..width {
                let at = x * height + y;
                for channel in 0..3 {
                    let value = colour[channel * width * height + at];
                    if !(0.0..256.0).contains(&value) {
                        return left(format!("a colour {value}"), "0 to 255");
                    }
                    pixels.push(value as u8);
                }
                let distance = (depth[at] * 1000.0).round();
                let fits = (0.0..=65535.0).contains(&distance);
                broken += usize::from(!fits);
                distances.push(if fits { distance as u16 } else { 0 });
                classes.push(match labels[at] as usize {
                    0 => VOID,
                    label => match self.mapping.get(label - 1) {
                        Some(class) => class.checked_sub(1).unwrap_or(VOID),
                        None => {
                            let labels = self.mapping.len();
                            return left(
                                format!("{label}"),
                                &format!("0 to {labels}, as the mapping has it"),
                            );
                        }
                    },
                });
            }
        }
        let mut remarks = Vec::new();
        if broken > 0 {
            let finding = Finding::NoDepth { count: broken, of: distances.len() };
            remarks.push(Problem::kept(&id, &source, finding));
        }
        Ok(Ok(Scene {
            colour: encode(width, height, ColorType::Rgb, BitDepth::Eight, &pixels),
            depth: deep(width, height, &distances),
            labels: grey(width, height, &classes),
            remarks,
        }))
    }
}
