//! A data set of another crate: the one that CONTRIBUTING.md shows.

mod support;

use std::fs;

use counterpoint_batch::BatchSource;
use counterpoint_catalog::{Catalog, Settings};
use counterpoint_data::set::{
    Classes, DataSet, Draft, Labelling, Part, Plan, Record, Request, Source, Table, TableRow, Truth,
};
use counterpoint_data::{DataConfig, DataError, Loader, LoaderOptions, Preparation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use support::Folder;

/// Settings of the data set `column`; `root` is the CSV file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnConfig {
    /// Name of the column of numbers, which is the name of the modality, too.
    pub column: String,
}

impl Settings for ColumnConfig {
    const NAME: &'static str = "column";
    const SUMMARY: &'static str = "one number per sample, from a CSV";
}

impl DataSet for ColumnConfig {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let list = Table::read(&request.root("a CSV file")?)?;
        let (id, label, number) = (list.column("id")?, list.column("label")?, list.column(&self.column)?);
        let classes = Classes::new(None, list.rows().map(|row| row.text(label)))?;
        let record = |(row, part): (TableRow<'_>, Part)| {
            Ok(Record {
                id: row.text(id).to_owned(),
                group: None,
                part,
                truth: Truth::Class(classes.of(row.text(label), row.text(id))?),
                sources: vec![Some(Source::row(vec![row.number(number)?]))],
            })
        };
        let records = list.rows().zip(request.parts(&list)?).map(record).collect::<Result<_, DataError>>()?;
        let drafts = vec![Draft::vector(&self.column, 1)];
        Ok(Plan { classes: classes.names, labelling: Labelling::Classes, drafts, records, notes: Vec::new() })
    }
}

const KEYS: &str = "name = \"column\"\nroot = \"list.csv\"\ncolumn = \"height\"\nbatch_size = 4\n";

fn folder() -> Folder {
    let folder = Folder::new("own-set");
    let row = |i: usize| format!("s{i},{},{},{}\n", ["train", "train", "val", "test"][i % 4], i / 4 % 2, i);
    let rows: String = (0..16).map(row).collect();
    fs::write(folder.file("list.csv"), format!("id,split,label,height\n{rows}")).unwrap();
    folder
}

fn read(text: &str) -> Result<DataConfig, DataError> {
    Catalog::<dyn DataSet>::current().with::<ColumnConfig>().during(|| DataConfig::from_toml(text))
}

#[test]
fn a_set_of_another_crate_is_read_opened_and_loaded() {
    let folder = folder();
    let config = read(KEYS).unwrap();
    let splits = config.open(&folder.0).unwrap();
    assert_eq!((splits.train.len(), splits.val.len(), splits.test.len()), (8, 4, 4));
    let loader = Loader::new(splits.train.clone(), LoaderOptions::eval(&config.common)).unwrap();
    let batches: Vec<_> = loader.epoch(0, 0).map(Result::unwrap).collect();
    let values: Vec<f32> = batches.iter().flat_map(|batch| batch.inputs[0].array.values()).copied().collect();
    let (sum, squares) = (values.iter().sum::<f32>(), values.iter().map(|v| v * v).sum::<f32>());
    assert!(values.len() == 8 && sum.abs() < 1e-5 && (squares / 8.0 - 1.0).abs() < 1e-5, "{values:?}");
    let kept = serde_json::to_string(&splits.preparations).unwrap();
    let fitted: Vec<Preparation> = serde_json::from_str(&kept).unwrap();
    let again = config.open_prepared(&folder.0, &fitted).unwrap();
    assert_eq!(again.fingerprint().unwrap(), splits.fingerprint().unwrap());
    let random = read(&format!("{KEYS}stratify = true")).unwrap().open(&folder.0).unwrap();
    assert_eq!(random.train.len() + random.val.len() + random.test.len(), 16);
    assert_ne!(random.fingerprint().unwrap(), splits.fingerprint().unwrap());
}

#[test]
fn its_table_is_written_and_its_mistakes_are_named_as_those_of_the_others() {
    let config = read(KEYS).unwrap();
    let written = toml::to_string(&config).unwrap();
    assert_eq!(read(&written).unwrap(), config);
    assert_ne!(read(&KEYS.replace("height", "width")).unwrap(), config);
    assert_eq!(config.set.get::<ColumnConfig>().unwrap().column, "height");
    let refusal = |text: &str| read(text).unwrap_err().to_string();
    assert!(refusal(&KEYS.replace("column =", "colum =")).contains("did you mean `column`?"));
    assert!(refusal(&KEYS.replace("\"height\"", "3")).starts_with("`column`: invalid type"));
    assert_eq!(refusal("name = \"column\""), "missing field `column`");
    let folder = folder();
    let absent = read(&KEYS.replace("height", "width")).unwrap().open(&folder.0).unwrap_err().to_string();
    assert!(absent.starts_with("data set `column`: ") && absent.contains("no column `width`"), "{absent}");
    let outside = DataConfig::from_toml(KEYS).unwrap_err().to_string();
    assert!(outside.starts_with("unknown data set `column`"), "known only where it was added: {outside}");
}

#[test]
fn its_settings_are_in_lists_and_in_the_schema() {
    let sets = Catalog::<dyn DataSet>::current().with::<ColumnConfig>();
    let last = sets.entries().last().unwrap();
    assert_eq!((last.name, last.summary), ("column", "one number per sample, from a CSV"));
    let schema = sets.during(|| schemars::schema_for!(DataConfig)).to_value();
    let own = schema["oneOf"].as_array().unwrap().last().unwrap();
    assert_eq!(own["properties"]["name"]["const"], "column");
    assert!(own["properties"]["column"]["description"].as_str().unwrap().starts_with("Name of the column"));
    assert_eq!(own["properties"]["workers"]["maximum"], 256);
}
