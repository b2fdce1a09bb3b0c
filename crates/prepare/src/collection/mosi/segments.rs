//! Segments of videos: their labels and splits as lists give them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use counterpoint_data::set::Part;

use crate::error::PrepareError;
use crate::folder::Folder;

/// One segment of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its name, as `VIDEO[0]`.
    pub id: String,
    /// The video.
    pub video: String,
    /// Its sentiment.
    pub score: f64,
    /// Start and end in seconds, where a list says them.
    pub time: Option<[f64; 2]>,
}

/// The video in `VIDEO[0]`.
pub fn video(id: &str) -> Option<&str> {
    let (video, number) = id.strip_suffix(']')?.rsplit_once('[')?;
    (!video.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then_some(video)
}

/// The segments of a CSV of labels.
///
/// # Errors
/// If there is none, or a line does not fit.
pub fn from_table(folder: &Folder, sources: &mut Vec<PathBuf>) -> Result<Vec<Segment>, PrepareError> {
    let list = folder.files().iter().find(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.contains("label") && name.ends_with(".csv")
    });
    let list = list.ok_or_else(|| {
        PrepareError::data(format!(
            "`{}` holds no labels: neither a .csd file with `label` in its name (CMU_MOSI_Opinion_Labels.csd) nor a \
             labels.csv with id,label and ids as VIDEO[0] (start,end in seconds where features are of whole videos)",
            folder.root().display()
        ))
    })?;
    let table = folder.table(list)?;
    sources.push(list.clone());
    let (id, label) = (table.column("id")?, table.column("label")?);
    let time = match (table.column("start"), table.column("end")) {
        (Ok(start), Ok(end)) => Some((start, end)),
        _ => None,
    };
    let mut segments = Vec::new();
    for row in table.rows() {
        let name = row.text(id);
        let video = video(name).ok_or_else(|| {
            PrepareError::data(format!("{}: id `{name}`, expected one as VIDEO[0]", row.place()))
        })?;
        let time = time.map(|(start, end)| Ok::<_, PrepareError>([row.number(start)?, row.number(end)?]));
        segments.push(Segment {
            id: name.into(),
            video: video.into(),
            score: row.number(label)?,
            time: time.transpose()?,
        });
    }
    Ok(segments)
}

/// The split of every video that the lists name.
///
/// # Errors
/// If a list cannot be read, or two name one video.
pub fn parts(folder: &Folder, sources: &mut Vec<PathBuf>) -> Result<BTreeMap<String, Part>, PrepareError> {
    let mut parts = BTreeMap::new();
    let names = [
        ("train.txt", Part::Train),
        ("valid.txt", Part::Val),
        ("val.txt", Part::Val),
        ("dev.txt", Part::Val),
        ("test.txt", Part::Test),
    ];
    for (name, part) in names {
        let Some(list) = folder.find(name) else { continue };
        for line in folder.lines(&list)? {
            let video = line.trim().trim_matches(['"', '\'', ',']);
            if video.is_empty() || video.starts_with('#') {
                continue;
            }
            if parts.insert(video.to_owned(), part).is_some_and(|other| other != part) {
                return Err(PrepareError::data(format!(
                    "`{}` names the video `{video}`, which another list has as well; every video is in one split",
                    folder.root().join(&list).display()
                )));
            }
        }
        sources.push(list);
    }
    Ok(parts)
}
