//! Columns of categories as token ids.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// Steps from one cell per column to token ids `[columns]`.
///
/// Every column has a range of ids of its own, one after another: first that of every category which
/// training does not have, then those of its categories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategorySteps {
    /// The columns, in order.
    pub columns: Vec<CategoryColumn>,
}

/// A column of categories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryColumn {
    /// Its name.
    pub name: String,
    /// Its categories, sorted; an empty cell is one like any other.
    pub categories: Vec<String>,
}

impl CategorySteps {
    /// Columns whose categories are not known yet.
    pub(crate) fn of(names: &[String]) -> Self {
        let column = |name: &String| CategoryColumn { name: name.clone(), categories: Vec::new() };
        Self { columns: names.iter().map(column).collect() }
    }

    /// Number of different ids.
    pub fn vocabulary(&self) -> usize {
        self.columns.iter().map(|column| 1 + column.categories.len()).sum()
    }

    pub(crate) fn check(&self) -> Result<(), DataError> {
        let sorted = |column: &CategoryColumn| column.categories.is_sorted_by(|a, b| a < b);
        match !self.columns.is_empty() && self.columns.iter().all(sorted) {
            true => Ok(()),
            false => Err(DataError::config(
                "the saved preparation of categories is damaged: they are absent or not in order",
            )),
        }
    }

    /// The ids of a row.
    pub(crate) fn arrange(&self, cells: &[String]) -> Result<Vec<f32>, DataError> {
        if cells.len() != self.columns.len() {
            return Err(DataError::shape(format!(
                "{} cells of categories, expected {}",
                cells.len(),
                self.columns.len()
            )));
        }
        let mut offset = 0;
        Ok((self.columns.iter().zip(cells))
            .map(|(column, cell)| {
                let id = offset + column.find(cell).map_or(0, |at| 1 + at);
                offset += 1 + column.categories.len();
                id as f32
            })
            .collect())
    }

    /// Takes the categories that occur at least `min_count` times in the training rows.
    pub(crate) fn fit<'a>(&mut self, rows: impl Iterator<Item = &'a [String]>, min_count: usize) {
        let mut counts: Vec<BTreeMap<&str, usize>> = vec![BTreeMap::new(); self.columns.len()];
        for row in rows {
            for (counts, cell) in counts.iter_mut().zip(row) {
                *counts.entry(cell).or_default() += 1;
            }
        }
        for (column, counts) in self.columns.iter_mut().zip(counts) {
            let kept = counts.into_iter().filter(|(_, count)| *count >= min_count);
            column.categories = kept.map(|(category, _)| category.to_owned()).collect();
        }
    }

    /// What rows have that training does not, in words: one line for each column.
    pub(crate) fn unknown<'a>(&self, rows: impl Iterator<Item = &'a [String]>) -> Vec<String> {
        let mut found: Vec<BTreeMap<&str, usize>> = vec![BTreeMap::new(); self.columns.len()];
        for row in rows {
            for ((column, found), cell) in self.columns.iter().zip(&mut found).zip(row) {
                if column.find(cell).is_none() {
                    *found.entry(cell).or_default() += 1;
                }
            }
        }
        let line = |(column, found): (&CategoryColumn, &BTreeMap<&str, usize>)| {
            let (first, _) = found.first_key_value()?;
            let more = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
            let rows: usize = found.values().sum();
            Some(format!("{rows} samples have `{first}`{more} in column `{}`", column.name))
        };
        self.columns.iter().zip(&found).filter_map(line).collect()
    }
}

impl CategoryColumn {
    fn find(&self, cell: &str) -> Option<usize> {
        self.categories.binary_search_by(|known| known.as_str().cmp(cell)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 2]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn every_column_has_ids_of_its_own_and_one_for_what_is_unknown() {
        let mut steps = CategorySteps::of(&["city".to_owned(), "sex".to_owned()]);
        let train = [row(["Rome", "f"]), row(["Bonn", "m"]), row(["Rome", ""])];
        steps.fit(train.iter().map(Vec::as_slice), 1);
        // Unknown 0, Bonn 1, Rome 2; unknown 3, empty 4, f 5, m 6.
        assert_eq!(steps.vocabulary(), 7);
        assert_eq!(steps.arrange(&train[0]).unwrap(), [2.0, 5.0]);
        assert_eq!(steps.arrange(&row(["Oslo", ""])).unwrap(), [0.0, 4.0]);
        assert_eq!(steps.arrange(&row(["bonn", "x"])).unwrap(), [0.0, 3.0]);
        let others = [row(["Oslo", "f"]), row(["Oslo", "x"]), row(["Bern", "m"])];
        assert_eq!(
            steps.unknown(others.iter().map(Vec::as_slice)),
            ["3 samples have `Bern` and 1 more in column `city`", "1 samples have `x` in column `sex`"]
        );
        steps.fit(train.iter().map(Vec::as_slice), 2);
        assert_eq!(steps.arrange(&train[0]).unwrap(), [1.0, 2.0]);
        assert!(steps.arrange(&train[0][..1]).is_err());
    }
}
