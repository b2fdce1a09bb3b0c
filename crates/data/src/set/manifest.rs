//! `manifest`: anybody's files, listed in a CSV.
//!
//! Columns `id`, `split` (train, val, test), `label`, optionally `group`, and
//! one column per modality with a path relative to the CSV, or several with text, numbers or
//! categories. An empty cell means that this sample lacks the modality.

use std::collections::BTreeMap;
use std::path::Path;

use counterpoint_catalog::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::labels::{Label, Labelled, TargetName};
use super::modality::ManifestModality;
use super::{DataSet, Request};
use crate::decode::table::Table;
use crate::error::DataError;
use crate::plan::Plan;
use crate::record::Record;

/// Settings of the data set `manifest`; `root` is the CSV file, or the folder of a `manifest.csv`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ManifestConfig {
    /// What the column `label` holds: `class` (the default), `value` for a number, or `labels` for
    /// any number of labels with `;` between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
    /// The classes or labels in order; by default those that occur, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// For each modality a table `[data.modality.NAME]` with its `kind` and the keys of that kind. A
    /// column NAME has its files or its text.
    pub modality: BTreeMap<String, ManifestModality>,
}

impl Settings for ManifestConfig {
    const NAME: &'static str = "manifest";
    const SUMMARY: &'static str = "your own files, listed in a CSV";
}

impl DataSet for ManifestConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let mut csv =
            request.root("the CSV file that lists the samples, or the folder of its manifest.csv")?;
        if csv.is_dir() {
            let listed = csv.join("manifest.csv");
            if !listed.is_file() {
                return Err(DataError::missing(format!(
                    "`root` is the folder {}, which holds no manifest.csv; give the CSV file, make one of \
                     recordings with `counterpoint prepare`, or set name = \"folders\" where a folder is a class",
                    csv.display()
                )));
            }
            csv = listed;
        }
        let table = Table::read(&csv)?;
        if self.modality.is_empty() {
            return Err(DataError::config(
                "no modality: add a table [data.modality.NAME] with a `kind` for a column NAME",
            ));
        }
        // In the order of their first columns, which is the order users see.
        let mut described: Vec<(usize, &str)> = Vec::new();
        for (name, modality) in &self.modality {
            let columns = modality.columns(name).into_iter().map(|column| table.column(column));
            let columns: Vec<usize> = columns.collect::<Result<_, _>>()?;
            described.push((columns.into_iter().min().unwrap_or(0), name));
        }
        described.sort_unstable();
        let described: Vec<&str> = described.into_iter().map(|(_, name)| name).collect();
        let names = request.modalities(&described)?;
        let folder = csv.parent().unwrap_or(Path::new(""));
        let (mut drafts, mut sources, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        for name in &names {
            let modality = &self.modality[name];
            let draft = modality.draft(name, request.base)?;
            sources.push(modality.sources(&draft, &table, folder, &mut notes)?.into_iter());
            drafts.push(draft);
        }
        let (id, label) = (table.column("id")?, table.column("label")?);
        let parts = request.parts(&table)?;
        let group = match &request.split.split_by {
            Some(by) => Some(table.column(by)?),
            None => table.find("group"),
        };
        let mut labels = Vec::new();
        for row in table.rows() {
            if row.text(id).is_empty() {
                return Err(DataError::format(format!("{}: `id` is empty", row.place())));
            }
            let (id, text) = (row.text(id).to_owned(), row.text(label).to_owned());
            labels.push(Label { id, place: row.place(), text });
        }
        let Labelled { classes, labelling, truths } =
            Labelled::read(self.target, self.classes.as_deref(), &labels)?;
        let mut records = Vec::new();
        for ((row, part), truth) in table.rows().zip(parts).zip(truths) {
            records.push(Record {
                id: row.text(id).to_owned(),
                group: group.map(|column| row.text(column).to_owned()).filter(|text| !text.is_empty()),
                part,
                truth,
                sources: sources.iter_mut().map(|of| of.next().flatten()).collect(),
            });
        }
        Ok(Plan { classes, labelling, drafts, records, notes })
    }
}
