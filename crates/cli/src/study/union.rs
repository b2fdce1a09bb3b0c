//! The samples of several files of predictions, each once.

use std::collections::HashMap;

use counterpoint_report::predictions::{PredictionFile, Truth};

/// All samples that any file has. A model of one modality is tested on the
/// samples that have it, so the files may list different ones.
#[derive(Debug, PartialEq)]
pub struct Union {
    /// Names of the samples, in the order that all files keep.
    pub ids: Vec<String>,
    /// The class of each.
    pub classes: Vec<usize>,
    /// For each file where its samples are among all.
    pub places: Vec<Vec<usize>>,
}

impl Union {
    /// The union of files, or what keeps them apart.
    pub fn of(files: &[PredictionFile]) -> Result<Self, &'static str> {
        let truths: Vec<&[usize]> = files
            .iter()
            .map(|file| match &file.targets {
                Truth::Classes(classes) => Ok(classes.as_slice()),
                _ => Err("the predictions are not of classes"),
            })
            .collect::<Result<_, _>>()?;
        let positions: Vec<HashMap<&str, usize>> =
            files.iter().map(|file| file.ids.iter().map(String::as_str).zip(0..).collect()).collect();
        let mut union = Self { ids: Vec::new(), classes: Vec::new(), places: vec![Vec::new(); files.len()] };
        loop {
            let at: Vec<usize> = union.places.iter().map(Vec::len).collect();
            let heads: Vec<Option<&String>> =
                files.iter().zip(&at).map(|(file, &at)| file.ids.get(at)).collect();
            if heads.iter().all(Option::is_none) {
                return Ok(union);
            }
            // The next sample is one that no file has at a later place.
            let ready = |id: &&String| {
                positions.iter().zip(&at).all(|(of, at)| of.get(id.as_str()).is_none_or(|place| place == at))
            };
            let next = heads.iter().copied().flatten().find(ready);
            let id = next.ok_or("the unimodal models list their test samples in different orders")?;
            let holders: Vec<usize> = (0..files.len()).filter(|&file| heads[file] == Some(id)).collect();
            let class = truths[holders[0]][at[holders[0]]];
            if holders.iter().any(|&file| truths[file][at[file]] != class) {
                return Err("the unimodal models were tested on different labels");
            }
            for &file in &holders {
                union.places[file].push(union.ids.len());
            }
            union.ids.push(id.clone());
            union.classes.push(class);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(samples: &[(&str, usize)]) -> PredictionFile {
        PredictionFile {
            split: "test".into(),
            ids: samples.iter().map(|(id, _)| (*id).to_owned()).collect(),
            targets: Truth::Classes(samples.iter().map(|(_, class)| *class).collect()),
            classes: vec!["no".into(), "yes".into()],
            columns: Vec::new(),
            checkpoints: [].into(),
        }
    }

    #[test]
    fn every_sample_occurs_once_in_the_order_of_the_files() {
        let files = [file(&[("b", 1), ("d", 0)]), file(&[("a", 0), ("b", 1), ("c", 1), ("d", 0)])];
        let union = Union::of(&files).unwrap();
        assert_eq!(union.ids, ["a", "b", "c", "d"]);
        assert_eq!(union.classes, [0, 1, 1, 0]);
        assert_eq!(union.places, [vec![1, 3], vec![0, 1, 2, 3]]);
    }

    #[test]
    fn other_orders_and_labels_are_refused() {
        let other = [file(&[("a", 0), ("b", 1)]), file(&[("b", 1), ("a", 0)])];
        assert!(Union::of(&other).unwrap_err().contains("orders"));
        let label = [file(&[("a", 0)]), file(&[("a", 1)])];
        assert!(Union::of(&label).unwrap_err().contains("labels"));
    }
}
