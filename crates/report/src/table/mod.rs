//! One table, five ways to write it: terminal, Markdown, CSV, LaTeX, HTML.
//!
//! Cells keep their numbers, so that the CSV holds full precision while the
//! others round, and so that the best of a column can be found.

mod cell;
mod csv;
mod html;
mod latex;
mod markdown;
mod text;

pub use cell::Cell;
pub use text::TextStyle;

pub use crate::record::Better;

/// A table as the text of a file.
pub type Writer = fn(&Table) -> String;

/// What a report writes each table as: the ending of the file, and its text.
pub const FORMATS: &[(&str, Writer)] =
    &[("csv", Table::to_csv), ("md", Table::to_markdown), ("tex", Table::to_latex)];

/// Title and manner of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Title.
    pub title: String,
    /// Marks the best value when given.
    pub better: Option<Better>,
}

impl Column {
    /// A column without a best value.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), better: None }
    }

    /// Marks the best value of the column.
    #[must_use]
    pub fn best(mut self, better: Better) -> Self {
        self.better = Some(better);
        self
    }
}

/// Columns, rows, a caption above and notes below.
///
/// ```
/// use counterpoint_report::table::{Better, Cell, Column, Table, TextStyle};
/// let mut table = Table::new([Column::new("method"), Column::new("accuracy, %").best(Better::Higher)]);
/// table.row([Cell::text("joint"), Cell::number(95.8, 1)]);
/// table.row([Cell::text("dgl"), Cell::number(98.7, 1)]);
/// assert_eq!(table.to_text(TextStyle::default()), "\
/// method  accuracy, %
/// ------  -----------
/// joint         95.8
/// dgl           98.7*
/// * best
/// ");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What the table shows; may be empty.
    pub caption: String,
    /// The columns; the first names the rows.
    pub columns: Vec<Column>,
    /// The rows. Missing cells are shown as missing, surplus ones are dropped.
    pub rows: Vec<Vec<Cell>>,
    /// Remarks below the table.
    pub notes: Vec<String>,
}

impl Table {
    /// An empty table with these columns.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), ..Self::default() }
    }

    /// Sets the caption.
    #[must_use]
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Adds a remark below the table.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The cell, or a missing one where the row is too short.
    fn cell(&self, row: usize, column: usize) -> &Cell {
        static NONE: Cell = Cell::Missing(String::new());
        self.rows.get(row).and_then(|cells| cells.get(column)).unwrap_or(&NONE)
    }

    /// Whether the cell is the best of its column. Nobody is best of one, and
    /// cells that read alike share the mark, because the table shows no difference.
    fn best(&self, row: usize, column: usize) -> bool {
        let Some(better) = self.columns.get(column).and_then(|c| c.better) else { return false };
        let values: Vec<f64> = (0..self.rows.len())
            .filter_map(|r| self.cell(r, column).value())
            .filter(|value| value.is_finite())
            .collect();
        let pick = if better == Better::Higher { f64::max } else { f64::min };
        let Some(best) = values.iter().copied().reduce(pick) else { return false };
        let cell = self.cell(row, column);
        values.len() > 1 && cell.value().is_some_and(|value| cell.rounded(value) == cell.rounded(best))
    }

    fn has_best(&self) -> bool {
        (0..self.rows.len()).any(|r| (0..self.columns.len()).any(|c| self.best(r, c)))
    }

    /// Whether the column holds numbers and is aligned to the right.
    fn numeric(&self, column: usize) -> bool {
        (0..self.rows.len()).any(|row| self.cell(row, column).value().is_some())
    }
}
