//! The table as CSV (RFC 4180) at full precision.

use super::{Cell, Table};
use crate::text::visible;

impl Table {
    /// The table as CSV for other programs: numbers unrounded, standard
    /// deviation, count and ends of intervals in columns of their own, nothing
    /// where a value is missing. Caption and notes are left out.
    ///
    /// A text that a spreadsheet would run as a formula (it begins with `=`,
    /// `+`, `-` or `@`) gets a leading apostrophe.
    pub fn to_csv(&self) -> String {
        let parts: Vec<Vec<&'static str>> = (0..self.columns.len()).map(|c| self.column_parts(c)).collect();
        let mut titles = Vec::new();
        for (column, parts) in self.columns.iter().zip(&parts) {
            titles.push(word(&column.title));
            titles.extend(parts.iter().map(|part| word(&format!("{} {part}", column.title))));
        }
        let mut text = titles.join(",") + "\r\n";
        for row in 0..self.rows.len() {
            let mut fields = Vec::new();
            for (column, names) in parts.iter().enumerate() {
                let cell = self.cell(row, column);
                fields.push(field(cell));
                let own = cell.parts();
                let part =
                    |name: &&str| own.iter().find(|(n, _)| n == name).map_or(String::new(), |p| number(p.1));
                fields.extend(names.iter().map(part));
            }
            text += &(fields.join(",") + "\r\n");
        }
        text
    }

    fn column_parts(&self, column: usize) -> Vec<&'static str> {
        let mut names = Vec::new();
        for row in 0..self.rows.len() {
            for (name, _) in self.cell(row, column).parts() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

fn field(cell: &Cell) -> String {
    match (cell, cell.value()) {
        (_, Some(value)) => number(value),
        (Cell::Text(text), _) => word(text),
        _ => String::new(),
    }
}

/// The shortest digits that read back as the same number.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value}") } else { String::new() }
}

fn word(text: &str) -> String {
    let mut text = visible(text);
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}
