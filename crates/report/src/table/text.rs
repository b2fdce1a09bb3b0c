//! The table for a terminal.

use super::Table;
use crate::text::{shorten, visible, width};

/// How the terminal table looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// Bold titles and bold best values; without it the best carry a `*`.
    pub ansi: bool,
    /// Columns a cell may take; longer names end in `…`.
    pub cell_width: usize,
}

impl Default for TextStyle {
    /// No ANSI, cells of at most 40 columns.
    fn default() -> Self {
        Self { ansi: false, cell_width: 40 }
    }
}

impl Table {
    /// The table in aligned plain text, with a line break at the end.
    pub fn to_text(&self, style: TextStyle) -> String {
        let limit = style.cell_width.max(4);
        let titles: Vec<String> = self.columns.iter().map(|c| shorten(&c.title, limit)).collect();
        let body: Vec<Vec<(String, bool)>> = (0..self.rows.len())
            .map(|row| (0..titles.len()).map(|column| self.shown(row, column, limit, style.ansi)).collect())
            .collect();
        let widths: Vec<usize> = (0..titles.len())
            .map(|c| body.iter().map(|row| width(&row[c].0)).chain([width(&titles[c])]).max().unwrap_or(0))
            .collect();

        let mut lines = Vec::new();
        if !self.caption.is_empty() {
            lines.push(visible(&self.caption));
        }
        let title_row: Vec<(String, bool)> = titles.into_iter().map(|title| (title, true)).collect();
        lines.push(self.line(&title_row, &widths, style.ansi));
        lines.push(widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("  "));
        lines.extend(body.iter().map(|row| self.line(row, &widths, style.ansi)));
        if !style.ansi && self.has_best() {
            lines.push("* best".into());
        }
        lines.extend(self.notes.iter().map(|note| visible(note)));
        lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    fn shown(&self, row: usize, column: usize, limit: usize, ansi: bool) -> (String, bool) {
        let best = self.best(row, column);
        // A space where others carry a star keeps the digits in line.
        let mark = match (ansi, best) {
            (false, true) => "*",
            (false, false) if (0..self.rows.len()).any(|r| self.best(r, column)) => " ",
            _ => "",
        };
        (shorten(&self.cell(row, column).to_string(), limit) + mark, best)
    }

    fn line(&self, cells: &[(String, bool)], widths: &[usize], ansi: bool) -> String {
        let padded: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(column, (text, strong))| {
                let space = " ".repeat(widths[column].saturating_sub(width(text)));
                let text = if ansi && *strong { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.clone() };
                if self.numeric(column) { space + &text } else { text + &space }
            })
            .collect();
        padded.join("  ")
    }
}
