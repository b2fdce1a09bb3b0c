//! CSV files with a header line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::{DataError, read};

/// A CSV file as text cells.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    header: Vec<String>,
    columns: HashMap<String, usize>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads a file; cells are trimmed, a byte-order mark is skipped.
    ///
    /// # Errors
    /// If the file is absent, is not UTF-8, a line has another number of
    /// cells than the header, a column occurs twice, or there is no line.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = read(path)?;
        let place = || format!("`{}`", path.display());
        let unreadable = |cause: csv::Error| {
            let line = cause.position().map_or(0, csv::Position::line);
            DataError::format(format!("line {line} of the CSV file cannot be read"))
                .because(cause)
                .at(place())
        };
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        let mut columns = HashMap::new();
        for (index, name) in header.iter().enumerate() {
            if columns.insert(name.clone(), index).is_some() {
                return Err(DataError::format(format!("column `{name}` occurs twice")).at(place()));
            }
        }
        let rows: Vec<_> = reader.records().collect::<Result<_, _>>().map_err(unreadable)?;
        if rows.is_empty() {
            return Err(DataError::format("the CSV file has no line below its header").at(place()));
        }
        Ok(Self { path: path.to_owned(), header, columns, rows })
    }

    /// Names of the columns, in order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Index of a column, if there is one of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.get(name).copied()
    }

    /// Index of a column.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.find(name).ok_or_else(|| {
            DataError::missing(format!(
                "`{}` has no column `{name}`, it has: {}",
                self.path.display(),
                self.header.join(", ")
            ))
        })
    }

    /// All rows, top to bottom.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { table: self, cells })
    }
}

/// One line of a table.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    table: &'a Table,
    cells: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// Text of a cell; an index beyond the end is an empty cell.
    pub fn text(&self, column: usize) -> &'a str {
        self.cells.get(column).unwrap_or("")
    }

    /// A cell as a number.
    ///
    /// # Errors
    /// If it is none.
    pub fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, DataError> {
        let text = self.text(column);
        text.parse().map_err(|_| {
            let name = self.table.header.get(column).map_or("?", String::as_str);
            DataError::format(format!("{}: column `{name}` holds `{text}`, expected a number", self.place()))
        })
    }

    /// File and line, for messages.
    pub fn place(&self) -> String {
        let line = self.cells.position().map_or(0, csv::Position::line);
        format!("`{}` line {line}", self.table.path.display())
    }
}
