//! The classes of pixels.

use crate::error::PrepareError;
use crate::folder::Folder;

/// The number that means no label in what is written.
pub const VOID: u8 = 255;

/// The 40 classes of Gupta et al. (CVPR 2013) in their order, spelled as there.
pub const FORTY: [&str; 40] = [
    "wall",
    "floor",
    "cabinet",
    "bed",
    "chair",
    "sofa",
    "table",
    "door",
    "window",
    "bookshelf",
    "picture",
    "counter",
    "blinds",
    "desk",
    "shelves",
    "curtain",
    "dresser",
    "pillow",
    "mirror",
    "floor mat",
    "clothes",
    "ceiling",
    "books",
    "refridgerator",
    "television",
    "paper",
    "towel",
    "shower curtain",
    "box",
    "whiteboard",
    "person",
    "night stand",
    "toilet",
    "sink",
    "lamp",
    "bathtub",
    "bag",
    "otherstructure",
    "otherfurniture",
    "otherprop",
];

/// The names in `classes.csv`, or the 40 ones if there is no such file.
///
/// # Errors
/// If the ids in it do not count up from 0.
pub fn listed(folder: &Folder) -> Result<Vec<String>, PrepareError> {
    let Some(list) = folder.find("classes.csv") else {
        return Ok(FORTY.map(str::to_owned).to_vec());
    };
    let table = folder.table(&list)?;
    let (id, name) = (table.column("id")?, table.column("name")?);
    let mut names = Vec::new();
    for row in table.rows() {
        let number: usize = row.number(id)?;
        if number != names.len() {
            return Err(PrepareError::data(format!(
                "{}: class id {number}, expected {}: ids count up from 0",
                row.place(),
                names.len()
            )));
        }
        names.push(row.text(name).to_owned());
    }
    if names.is_empty() || names.len() >= usize::from(VOID) {
        return Err(PrepareError::data(format!(
            "`{}` lists {} classes, expected 1 to 254",
            folder.root().join(list).display(),
            names.len()
        )));
    }
    Ok(names)
}
