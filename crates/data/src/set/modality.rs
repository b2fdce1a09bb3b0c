//! Kinds of modalities that users describe themselves, and how what a list says becomes sources.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{
    AudioConfig, CategoryConfig, FilmDefaults, GroupedDefaults, ImageConfig, NumericConfig, PictureDefaults,
    TextConfig, VideoConfig,
};
use crate::decode::kind::{self, Family};
use crate::decode::table::Table;
use crate::error::{DataError, head};
use crate::image::FrameRule;
use crate::moments::Moments;
use crate::prepare::{Align, Draft, NanPolicy, Steps};
use crate::rows::Rows;
use crate::source::Source;

/// The kind of a modality, and how it is prepared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[non_exhaustive]
pub enum ManifestModality {
    /// Recordings as WAV, FLAC, MP3 or Ogg Vorbis; with `cache_dir`, the sound of all that ffmpeg
    /// reads: M4A, Opus, films.
    Audio(AudioConfig),
    /// Pictures as PNG or JPEG; with `cache_dir`, the frames in the middle of films.
    Image(ImageConfig),
    /// Films as folders of pictures, or as film strips with `frame_width`; with `cache_dir`, files
    /// that ffmpeg reads: MP4, AVI, MKV, WebM, MOV, FLV, MPEG.
    Video(VideoConfig),
    /// Texts.
    Text(TextConfig),
    /// Numbers in one or several columns.
    Numeric(NumericConfig),
    /// Categories in one or several columns.
    Category(CategoryConfig),
}

/// One second at 16 kHz as 64 frequencies x 32 frames.
const AUDIO: GroupedDefaults = GroupedDefaults {
    rate: 16_000,
    samples: 16_000,
    align: Align::Start,
    n_fft: 512,
    hop: 500,
    bins_per_group: 4,
    frames: 32,
};

/// The customary training crops of natural pictures.
const PICTURE: PictureDefaults = PictureDefaults { native: None, reduce: 1, crop: 0.08, flip: true };

/// Films of any length.
const FILM: FilmDefaults = FilmDefaults {
    frame: PICTURE,
    // The first frames of a long film often show nothing yet.
    rule: FrameRule::Segment,
    frame_width: 0,
    files: true,
};

impl ManifestModality {
    /// How it is prepared; paths in the configuration start in `base`.
    pub(super) fn draft(&self, name: &str, base: &Path) -> Result<Draft, DataError> {
        match self {
            Self::Audio(audio) => audio.draft(name, &AUDIO),
            Self::Image(image) => image.draft(name, &PICTURE),
            Self::Video(video) => video.draft(name, &FILM),
            Self::Text(text) => text.draft(name, base),
            Self::Numeric(numeric) => numeric.draft(name),
            Self::Category(category) => category.draft(name),
        }
    }

    /// The columns of a list that it is made of; the name of the modality by default.
    pub(super) fn columns<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        match self {
            Self::Numeric(NumericConfig { columns, .. }) | Self::Category(CategoryConfig { columns, .. })
                if !columns.is_empty() =>
            {
                columns.iter().map(String::as_str).collect()
            }
            _ => vec![name],
        }
    }

    /// Where each line of a list has the modality; paths start in `folder`.
    pub(super) fn sources(
        &self,
        draft: &Draft,
        table: &Table,
        folder: &Path,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Option<Source>>, DataError> {
        let name = &draft.preparation.modality;
        let columns = self.columns(name).into_iter().map(|column| table.column(column));
        let columns: Vec<usize> = columns.collect::<Result<_, _>>()?;
        let texts = |cells: Vec<&str>| -> Arc<[String]> { cells.into_iter().map(str::to_owned).collect() };
        match (self, &draft.preparation.steps) {
            (Self::Numeric(_), Steps::Vector(steps)) => {
                let mut values = Vec::with_capacity(columns.len() * table.rows().count());
                for row in table.rows() {
                    for &column in &columns {
                        values.push(row.number_or_gap(column)?);
                    }
                }
                let places: Vec<String> = table.rows().map(|row| row.place()).collect();
                numbers(&values, &places, name, &steps.names, steps.nan, notes)
            }
            (Self::Category(_), _) => {
                let cells = table.rows().map(|row| columns.iter().map(|&c| row.text(c)).collect::<Vec<_>>());
                let source = |cells: Vec<&str>| {
                    let some = cells.iter().any(|cell| !cell.is_empty());
                    some.then(|| Source::Cells { cells: texts(cells) })
                };
                Ok(cells.map(source).collect())
            }
            (Self::Text(TextConfig { files: false, .. }), _) => {
                let cells = table.rows().map(|row| row.text(columns[0]));
                let source =
                    |cell: &str| (!cell.is_empty()).then(|| Source::Cells { cells: texts(vec![cell]) });
                Ok(cells.map(source).collect())
            }
            _ => {
                let source = |row: crate::set::TableRow<'_>| match row.text(columns[0]) {
                    "" => Ok(None),
                    cell => file(draft, folder.join(cell)).map(Some).map_err(|e| e.at(row.place())),
                };
                table.rows().map(source).collect()
            }
        }
    }
}

/// The source of a file.
pub(super) fn file(draft: &Draft, path: PathBuf) -> Result<Source, DataError> {
    Ok(match &draft.preparation.steps {
        Steps::Audio(_) => Source::Wave { path, span: None },
        Steps::Text(_) => Source::Document { path },
        Steps::Video(steps) => {
            if steps.frame_width == 0 && path.is_file() {
                let head = head(&path)?;
                let place = format!("modality `{}`: `{}`", draft.preparation.modality, path.display());
                match kind::of(&head) {
                    _ if kind::foreign(&head, Family::Film).is_some() => {}
                    Some((_, Family::Picture)) => {
                        return Err(DataError::config(format!(
                            "{place} is a picture, so a film strip; set `frame_width`, or name a folder of pictures"
                        )));
                    }
                    _ => return Err(kind::refuse(&head, Family::Film).at(place)),
                }
            }
            Source::Film { path, frame_width: steps.frame_width, span: None }
        }
        _ => Source::Picture { path },
    })
}

/// Rows of numbers, NaN where there is none; a row of NaN only is absent.
pub(super) fn numbers(
    values: &[f64],
    places: &[String],
    modality: &str,
    columns: &[String],
    gaps: NanPolicy,
    notes: &mut Vec<String>,
) -> Result<Vec<Option<Source>>, DataError> {
    let width = columns.len();
    let mut moments = vec![Moments::default(); width];
    let mut filled = 0;
    for (row, place) in values.chunks_exact(width).zip(places) {
        let missing = row.iter().filter(|value| value.is_nan()).count();
        if (1..width).contains(&missing) {
            filled += missing;
            let column = row.iter().position(|value| value.is_nan()).unwrap_or(0);
            if gaps == NanPolicy::Error {
                return Err(DataError::format(format!(
                    "{place}: column `{}` of modality `{modality}` is empty; set `missing` = \"mean\" to use the \
                     mean of the column, or fill it",
                    columns[column]
                )));
            }
        }
        let known = moments.iter_mut().zip(row).filter(|(_, value)| !value.is_nan());
        known.for_each(|(moments, &value)| moments.push(value));
    }
    if filled > 0 {
        notes.push(format!("modality `{modality}`: {filled} empty cells set to the mean of their column"));
    }
    let origin = moments.iter().map(Rows::origin_of).collect();
    let rows = Arc::new(Rows::new(values.iter().copied(), origin));
    let source = |(row, values): (usize, &[f64])| {
        let some = values.iter().any(|value| !value.is_nan());
        let (begin, end) = (row * width, (row + 1) * width);
        some.then(|| Source::TableRow { rows: Arc::clone(&rows), begin, end })
    };
    Ok(values.chunks_exact(width).enumerate().map(source).collect())
}
