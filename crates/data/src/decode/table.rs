//! CSV files with a header line, as programs and spreadsheets write them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::text::{self, Lines};
use crate::error::{DataError, read};

/// What may stand between cells; the first is taken where the header tells nothing.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What programs write where there is no number.
const GAPS: [&str; 4] = ["", "NA", "NaN", "null"];

/// A CSV file as text cells.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    header: Vec<String>,
    columns: HashMap<String, usize>,
    /// Line in the file, and cells.
    rows: Vec<(usize, csv::StringRecord)>,
}

impl Table {
    /// Reads a file of UTF-8 or UTF-16 with commas, semicolons or tabs
    /// between cells; cells are trimmed, a byte-order mark is skipped.
    ///
    /// # Errors
    /// If the file is absent or of another encoding, a line has another number
    /// of cells than the header, a column occurs twice, or there is no line.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(path, &read(path)?).map_err(|e| e.at(format_args!("`{}`", path.display())))
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, DataError> {
        let text = text::decode(bytes)?;
        let lines = Lines::new(&text);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(true)
            .delimiter(separator(&text))
            .from_reader(text.as_bytes());
        let unreadable = |cause: csv::Error| DataError::format("the CSV file cannot be read").because(cause);
        let header: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        let mut columns = HashMap::new();
        // Spreadsheets add columns without a name at the end.
        for (index, name) in header.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            if columns.insert(name.clone(), index).is_some() {
                return Err(DataError::format(format!("column `{name}` occurs twice")));
            }
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let cells = record.map_err(unreadable)?;
            let line = lines.at(cells.position().map_or(0, csv::Position::byte) as usize);
            if cells.len() != header.len() {
                return Err(DataError::format(format!(
                    "line {line} has {} cells, the header names {} columns: {}",
                    cells.len(),
                    header.len(),
                    header.join(", ")
                )));
            }
            // A line of separators only is an empty row of a spreadsheet.
            if cells.iter().any(|cell| !cell.is_empty()) {
                rows.push((line, cells));
            }
        }
        if rows.is_empty() {
            return Err(DataError::format("the CSV file has no line after its header"));
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
    pub fn rows(&self) -> impl Iterator<Item = TableRow<'_>> {
        self.rows.iter().map(|(line, cells)| TableRow { table: self, line: *line, cells })
    }
}

/// The separator that cuts the header into the most columns.
fn separator(text: &str) -> u8 {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let (mut counts, mut quoted) = ([0; SEPARATORS.len()], false);
    for byte in header.bytes() {
        quoted ^= byte == b'"';
        if let (false, Some(at)) = (quoted, SEPARATORS.iter().position(|&s| s == byte)) {
            counts[at] += 1;
        }
    }
    // The earlier one of equals.
    let best = (0..SEPARATORS.len()).rev().max_by_key(|&at| counts[at]).unwrap_or(0);
    SEPARATORS[best]
}

/// A text as a finite number; NaN if it stands for none.
pub fn number_or_gap(text: &str) -> Result<f64, DataError> {
    if GAPS.iter().any(|gap| gap.eq_ignore_ascii_case(text)) {
        return Ok(f64::NAN);
    }
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| {
        let comma = text.replacen(',', ".", 1).parse::<f64>().is_ok();
        let hint = if comma { "; write decimals with a point" } else { "" };
        DataError::format(format!("holds `{text}`, expected a number or nothing{hint}"))
    })
}

/// One line of a table.
#[derive(Clone, Copy, Debug)]
pub struct TableRow<'a> {
    table: &'a Table,
    line: usize,
    cells: &'a csv::StringRecord,
}

impl<'a> TableRow<'a> {
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

    /// A cell as a finite number; NaN if there is none (empty, `NA`, `NaN` or `null`).
    ///
    /// # Errors
    /// If it holds something else.
    pub fn number_or_gap(&self, column: usize) -> Result<f64, DataError> {
        number_or_gap(self.text(column)).map_err(|e| {
            let name = self.table.header.get(column).map_or("?", String::as_str);
            e.at(format_args!("{}: column `{name}`", self.place()))
        })
    }

    /// File and line, for messages.
    pub fn place(&self) -> String {
        format!("`{}` line {}", self.table.path.display(), self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bytes: &[u8]) -> Result<Table, DataError> {
        Table::parse(Path::new("list.csv"), bytes)
    }

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        let table = table(bytes).unwrap();
        table.rows().map(|row| (0..table.header().len()).map(|c| row.text(c).to_owned()).collect()).collect()
    }

    #[test]
    fn separators_and_encodings_of_spreadsheets_read_alike() {
        let expected = cells("id,name\n1,Zo\u{e9} A\n2,\"a;b\"\n".as_bytes());
        assert_eq!(expected, [["1", "Zoé A"], ["2", "a;b"]]);
        let semicolons = "id;name\r\n1;Zo\u{e9} A\r\n2;\"a;b\"\r\n";
        assert_eq!(cells(semicolons.as_bytes()), expected);
        assert_eq!(cells("id\tname\n1\tZo\u{e9} A\n2\ta;b\n".as_bytes()), expected);
        assert_eq!(cells(format!("\u{feff}{semicolons}").as_bytes()), expected);
        let wide = |order: fn(u16) -> [u8; 2], mark: &str| {
            format!("{mark}{semicolons}").encode_utf16().flat_map(order).collect::<Vec<u8>>()
        };
        for mark in ["\u{feff}", ""] {
            assert_eq!(cells(&wide(u16::to_le_bytes, mark)), expected);
            assert_eq!(cells(&wide(u16::to_be_bytes, mark)), expected);
        }
        // Semicolons inside cells do not matter to commas between them.
        assert_eq!(cells(b"id,labels\n1,a;b;c\n"), [["1", "a;b;c"]]);
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let place = |text: &str| {
            let table = table(text.as_bytes()).unwrap();
            let row = table.rows().last().unwrap();
            row.number::<f32>(0).unwrap_err().to_string()
        };
        assert!(place("id,b\n1,2\nx,3\n").contains("line 3"));
        assert!(place("id,b\n\n1,2\n\n\nx,3\n").contains("line 6"), "empty lines count");
        assert!(place("\r\nid,b\r\n\r\n1,2\r\nx,3\r\n").contains("line 5"));
        assert!(place("id,b\n1,\"two\nlines\"\nx,3").contains("line 4"), "lines inside a cell count");
        let short = table(b"id,b\n\n1,2\n\n3\n").unwrap_err().to_string();
        assert!(short.contains("line 5 has 1 cells, the header names 2 columns: id, b"), "{short}");
    }

    #[test]
    fn what_spreadsheets_leave_behind_is_passed_over() {
        assert_eq!(cells(b"id,b,,\n1,2,,\n,,,\n"), [["1", "2", "", ""]]);
        assert!(table(b"id,b,b\n1,2,3\n").unwrap_err().to_string().contains("`b` occurs twice"));
        assert!(table(b"id,b\n,\n").unwrap_err().to_string().contains("no line after its header"));
        let latin = table(b"id,b\n1,2\n3,Zo\xe9\n").unwrap_err().to_string();
        assert!(latin.contains("line 3 is not UTF-8") && latin.contains("save"), "{latin}");
    }
}
