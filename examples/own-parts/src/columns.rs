//! A data set: a CSV file in which every column is a modality of one number.

use counterpoint::catalog::Settings;
use counterpoint_data::DataError;
use counterpoint_data::set::{
    Classes, DataSet, Draft, Labelling, Part, Plan, Record, Request, Source, Table, TableRow, Truth,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the data set; `root` is the CSV file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Columns {
    /// Names of the columns, which are the names of the modalities, too.
    columns: Vec<String>,
}

impl Settings for Columns {
    const NAME: &'static str = "columns";
    const SUMMARY: &'static str = "a CSV file in which every column is a modality of one number";
}

impl DataSet for Columns {
    fn plan(&self, request: &Request<'_>) -> Result<Plan, DataError> {
        let list = Table::read(&request.root("a CSV file")?)?;
        let (id, label) = (list.column("id")?, list.column("label")?);
        let numbers = self.columns.iter().map(|name| list.column(name)).collect::<Result<Vec<_>, _>>()?;
        let classes = Classes::new(None, list.rows().map(|row| row.text(label)))?;
        let record = |(row, part): (TableRow<'_>, Part)| {
            let source = |&number: &_| Ok(Some(Source::row(vec![row.number(number)?])));
            Ok(Record {
                id: row.text(id).to_owned(),
                group: None,
                part,
                truth: Truth::Class(classes.of(row.text(label), row.text(id))?),
                sources: numbers.iter().map(source).collect::<Result<_, DataError>>()?,
            })
        };
        let records = list.rows().zip(request.parts(&list)?).map(record).collect::<Result<_, DataError>>()?;
        let drafts = self.columns.iter().map(|name| Draft::vector(name, 1)).collect();
        Ok(Plan { classes: classes.names, labelling: Labelling::Classes, drafts, records, notes: Vec::new() })
    }
}
