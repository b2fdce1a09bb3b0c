//! Features as the data set `features` reads them: one `.npy` per modality, padded, and its lengths.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use counterpoint_batch::file::StagedFile;
use counterpoint_batch::npy::{NpyArray, Values, encode, head};
use counterpoint_data::set::Part;

use super::padding::kept;
use super::polarity;
use super::source::{Modality, Source, Utterance};
use crate::clip::Clip;
use crate::collection::content::{Made, Maker};
use crate::content::{Content, content, sha256};
use crate::error::PrepareError;
use crate::problem::{Finding, Problem};
use crate::sheet::Sheet;

/// Makes the arrays.
pub struct FeatureMaker {
    name: &'static str,
    source: Box<dyn Source>,
    utterances: Vec<Utterance>,
    most: usize,
}

impl FeatureMaker {
    /// For so many steps at most.
    pub fn new(name: &'static str, source: Box<dyn Source>, utterances: Vec<Utterance>, most: usize) -> Self {
        Self { name, source, utterances, most }
    }

    /// Writes the padded steps of all utterances, and hands back how many are real.
    fn fill(
        &mut self,
        number: usize,
        modality: &Modality,
        file: &mut impl Write,
        remarks: &mut Vec<Problem>,
    ) -> Result<Vec<i64>, Failed> {
        let longest = modality.longest.map(|longest| longest.min(self.most));
        let mut shape = vec![self.utterances.len()];
        shape.extend(longest);
        shape.push(modality.width);
        file.write_all(&head("<f4", &shape))?;
        let room = longest.unwrap_or(1) * modality.width;
        let mut lengths = Vec::new();
        for utterance in &self.utterances {
            let row = self.source.row(number, utterance.number)?;
            let mut remark = |finding| remarks.push(Problem::kept(&utterance.id, &utterance.file, finding));
            row.finding.into_iter().for_each(&mut remark);
            let steps = row.values.len() / modality.width;
            if steps == 0 {
                remark(Finding::NoSteps { modality: modality.name.clone() });
            }
            let broken = row.values.iter().filter(|value| !value.is_finite()).count();
            if broken > 0 {
                let (count, of) = (broken, row.values.len());
                remark(Finding::NotFinite { modality: modality.name.clone(), count, of });
            }
            let mut bytes = Vec::with_capacity(4 * room);
            let chosen = kept(steps, longest.unwrap_or(1));
            for step in &chosen {
                let values = &row.values[step * modality.width..(step + 1) * modality.width];
                values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            }
            bytes.resize(4 * room, 0);
            file.write_all(&bytes)?;
            lengths.push(chosen.len() as i64);
        }
        Ok(lengths)
    }
}

/// Why an array is not written.
enum Failed {
    Source(PrepareError),
    Target(std::io::Error),
}

impl From<PrepareError> for Failed {
    fn from(error: PrepareError) -> Self {
        Self::Source(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Target(error)
    }
}

impl Maker for FeatureMaker {
    fn unit(&self) -> &'static str {
        "utterances"
    }

    fn steps(&self, _: &[Clip]) -> Vec<String> {
        self.source.modalities().iter().map(|modality| modality.name.clone()).collect()
    }

    fn make(&mut self, step: usize, _: &[Clip], to: &Path) -> Result<Made, PrepareError> {
        let modality = self.source.modalities()[step].clone();
        let name = PathBuf::from(format!("{}.npy", modality.name));
        let path = to.join(&name);
        let mut remarks = Vec::new();
        let mut result = Ok(Vec::new());
        let target = |cause| PrepareError::target("write", &path, &cause);
        let staged = StagedFile::new(&path, |file: &mut File| {
            let mut file = BufWriter::new(file);
            result = self.fill(step, &modality, &mut file, &mut remarks);
            match &result {
                Err(Failed::Source(_)) => Err(std::io::Error::other("the source")),
                _ => file.flush(),
            }
        });
        let lengths = match result {
            Ok(lengths) => lengths,
            Err(Failed::Source(error)) => return Err(error),
            Err(Failed::Target(cause)) => return Err(target(cause)),
        };
        staged.and_then(StagedFile::place).map_err(target)?;
        let sum = sha256(&path).map_err(target)?;
        let bytes = std::fs::metadata(&path).map_err(target)?.len();
        let mut files = vec![Content { file: name, bytes, sha256: sum }];
        if modality.longest.is_some() {
            let name = PathBuf::from(format!("{}_length.npy", modality.name));
            let array = NpyArray { shape: vec![lengths.len()], values: Values::Whole(lengths) };
            let path = to.join(&name);
            let bytes = encode(&array);
            counterpoint_batch::file::replace(&path, &bytes)
                .map_err(|cause| PrepareError::target("write", &path, &cause))?;
            files.push(content(name, &bytes));
        }
        Ok(Made::Files(files, remarks))
    }

    fn lists(&self, samples: &[Clip], used: &[(usize, Part)]) -> Vec<(String, Vec<u8>)> {
        let texts = |of: &dyn Fn(usize) -> String| {
            encode(&NpyArray::texts(&(0..samples.len()).map(of).collect::<Vec<_>>()))
        };
        let scores: Vec<f32> = self.utterances.iter().map(|u| u.score as f32).collect();
        let seven = scores.iter().map(|score| score.clamp(-3.0, 3.0).round() as i64).collect();
        let array = |values| encode(&NpyArray { shape: vec![samples.len()], values });
        let mut lists = vec![
            ("score.npy".to_owned(), array(Values::Real(scores))),
            ("seven.npy".to_owned(), array(Values::Whole(seven))),
            ("label.npy".to_owned(), texts(&|at| polarity(self.utterances[at].score).to_owned())),
            ("split.npy".to_owned(), texts(&|at| used[at].1.name().to_owned())),
            ("id.npy".to_owned(), texts(&|at| samples[at].id.clone())),
        ];
        if samples.iter().all(|sample| sample.group.is_some()) {
            lists.push(("video.npy".to_owned(), texts(&|at| samples[at].group.clone().unwrap_or_default())));
        }
        if self.utterances.iter().any(|utterance| utterance.words.is_some()) {
            let mut sheet = Sheet::new(&["id", "words"]);
            for utterance in &self.utterances {
                sheet.row(&[&utterance.id, utterance.words.as_deref().unwrap_or_default()]);
            }
            lists.push(("words.csv".to_owned(), sheet.bytes()));
        }
        lists
    }

    fn modalities(&self, used: usize) -> BTreeMap<String, usize> {
        self.source.modalities().iter().map(|modality| (modality.name.clone(), used)).collect()
    }

    fn classes(&self, _: &[Clip]) -> usize {
        2
    }

    fn config(&self) -> String {
        let modalities = self.source.modalities();
        let names: Vec<String> = modalities.iter().map(|modality| format!("\"{}\"", modality.name)).collect();
        let lengths: Vec<String> = modalities
            .iter()
            .filter(|modality| modality.longest.is_some())
            .map(|modality| format!("{0} = \"{0}_length\"", modality.name))
            .collect();
        let mut text = format!(
            "# What `counterpoint prepare {}` made. A small network, to see soon whether it can be learned;\n\
             # configs/mosi-sequences.toml of the project has a larger one.\n\
             # Scores from -3 to 3 instead of two classes: label = \"score\", target = \"value\"; seven classes:\n\
             # label = \"seven\".\n\n\
             [data]\nname = \"features\"\nroot = \".\"\nmodalities = [{}]\n",
            self.name,
            names.join(", ")
        );
        if !lengths.is_empty() {
            let _ = writeln!(text, "lengths = {{ {} }}", lengths.join(", "));
        }
        text += "ids = \"id\"\n";
        if self.utterances.iter().all(|utterance| utterance.video.is_some()) {
            text += "group = \"video\"\n";
        }
        // Published features hold some.
        text += "nan = \"zero\"\nbatch_size = 32\n";
        text += if lengths.is_empty() {
            "\n[model]\nencoder = { name = \"mlp\", widths = [64] }\n"
        } else {
            "\n[model]\nencoder = { name = \"sequence\", width = 32, steps = { name = \"linear\", norm = true } }\n"
        };
        text += "fusion = { name = \"concat\" }\n\n[strategy]\nname = \"dgl\"\nalpha = 1.0\n\n\
                 [optimizer]\nname = \"adam\"\nlr = 0.001\n\n[train]\nepochs = 10\nseed = 0\n";
        text
    }
}
