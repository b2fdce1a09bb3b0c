//! The table in HTML.

use super::{Cell, Table};
use crate::text::escape;

impl Table {
    /// The table as HTML: caption, scoped headers, notes below. Wide tables
    /// scroll in a box of their own that the keyboard can reach.
    pub fn to_html(&self) -> String {
        let label = if self.caption.is_empty() { "table" } else { &self.caption };
        let mut text = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>",
            escape(label)
        );
        if !self.caption.is_empty() {
            text += &format!("<caption><span>{}</span></caption>", escape(&self.caption));
        }
        text += "<thead><tr>";
        for (column, title) in self.columns.iter().enumerate() {
            text += &format!("<th scope=\"col\"{}>{}</th>", self.class(column, ""), escape(&title.title));
        }
        text += "</tr></thead><tbody>";
        for row in 0..self.rows.len() {
            text += "<tr>";
            for column in 0..self.columns.len() {
                text += &self.html_cell(row, column);
            }
            text += "</tr>\n";
        }
        text += "</tbody></table></div>";
        for note in &self.notes {
            text += &format!("<p class=\"note\">{}</p>", escape(note));
        }
        text
    }

    fn html_cell(&self, row: usize, column: usize) -> String {
        let cell = self.cell(row, column);
        let text = escape(&cell.to_string());
        if column == 0 {
            return format!("<th scope=\"row\">{text}</th>");
        }
        if self.best(row, column) {
            let hint = "<span class=\"sr\"> (best)</span>";
            return format!("<td{}><strong>{text}</strong>{hint}</td>", self.class(column, ""));
        }
        let more = match cell {
            Cell::Missing(_) => "missing",
            Cell::Ends { .. } => "ends",
            _ => "",
        };
        format!("<td{}>{text}</td>", self.class(column, more))
    }

    fn class(&self, column: usize, more: &str) -> String {
        let numeric = if self.numeric(column) && column > 0 { "num" } else { "" };
        match (numeric, more) {
            ("", "") => String::new(),
            (a, b) => format!(" class=\"{}\"", [a, b].join(" ").trim()),
        }
    }
}
