//! Lists as CSV: problems, splits, labels.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint_data::set::Part;

use crate::clip::Clip;
use crate::problem::Problem;

/// A CSV in memory.
pub struct Sheet(csv::Writer<Vec<u8>>);

impl Sheet {
    /// With the names of its columns.
    pub fn new(header: &[&str]) -> Self {
        let mut sheet = Self(csv::Writer::from_writer(Vec::new()));
        sheet.row(header);
        sheet
    }

    /// Adds a row, into memory, with as many cells as the header has: this cannot fail.
    pub fn row<T: AsRef<[u8]>>(&mut self, cells: &[T]) {
        let _ = self.0.write_record(cells);
    }

    /// What a file of it holds.
    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap_or_default()
    }
}

/// `problems.csv`.
pub fn problem_list(problems: &[&Problem]) -> Vec<u8> {
    let mut sheet = Sheet::new(&["id", "file", "found", "kept", "reason"]);
    for problem in problems {
        let kept = if problem.kept { "yes" } else { "no" };
        let reason = problem.finding.words();
        sheet.row(&[&problem.id, &*slashes(&problem.file), problem.finding.name(), kept, &reason]);
    }
    sheet.bytes()
}

/// Entries of `problems.csv` of each kind.
pub fn kinds(problems: &[&Problem]) -> BTreeMap<String, usize> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    problems.iter().for_each(|p| *kinds.entry(p.finding.name().to_owned()).or_default() += 1);
    kinds
}

/// `splits.csv`.
pub fn split_list(clips: &[Clip], parts: &[Part]) -> Vec<u8> {
    let mut splits = Sheet::new(&["id", "split"]);
    for (clip, part) in clips.iter().zip(parts) {
        splits.row(&[&clip.id, part.name()]);
    }
    splits.bytes()
}

/// How many clips every class has in every split.
pub struct Counts {
    /// By class.
    pub classes: BTreeMap<String, [usize; 3]>,
    /// Of all classes.
    pub totals: [usize; 3],
}

impl Counts {
    /// Counts clips.
    pub fn of<'a>(clips: impl Iterator<Item = (&'a Clip, Part)>) -> Self {
        let mut counts = Self { classes: BTreeMap::new(), totals: [0; 3] };
        for (clip, part) in clips {
            counts.classes.entry(clip.label.clone()).or_default()[part as usize] += 1;
            counts.totals[part as usize] += 1;
        }
        counts
    }

    /// `labels.csv`.
    pub fn list(&self) -> Vec<u8> {
        let mut labels = Sheet::new(&["index", "label", "train", "val", "test"]);
        for (index, (label, [train, val, test])) in self.classes.iter().enumerate() {
            let cells = [index, *train, *val, *test].map(|n| n.to_string());
            labels.row(&[&cells[0], label, &cells[1], &cells[2], &cells[3]]);
        }
        labels.bytes()
    }

    /// What training will refuse.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let untrained: Vec<&String> =
            self.classes.iter().filter(|(_, n)| n[0] == 0).map(|(l, _)| l).collect();
        if !untrained.is_empty() {
            notes.push(format!(
                "{} classes have no usable training clip, as `{}`: training will refuse them",
                untrained.len(),
                untrained[0]
            ));
        }
        for part in Part::ALL {
            if self.totals[part as usize] == 0 {
                notes.push(format!("no usable clip is in the {} split: training needs one", part.name()));
            }
        }
        notes
    }
}

/// A relative path as every system reads it.
pub fn slashes(path: &Path) -> String {
    path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
