//! The table in GitHub's Markdown.

use super::Table;
use crate::text::visible;

impl Table {
    /// The table in Markdown, with caption above and notes below. The best
    /// value of a column is bold.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        if !self.caption.is_empty() {
            text += &format!("**{}**\n\n", escaped(&self.caption));
        }
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        text += &line(self.columns.iter().map(|c| escaped(&c.title)).collect());
        let rule = |column| if self.numeric(column) { "---:" } else { "---" };
        text += &line((0..self.columns.len()).map(|c| rule(c).to_owned()).collect());
        for row in 0..self.rows.len() {
            let cell = |column| {
                let text = escaped(&self.cell(row, column).to_string());
                if self.best(row, column) { format!("**{text}**") } else { text }
            };
            text += &line((0..self.columns.len()).map(cell).collect());
        }
        for note in &self.notes {
            text += &format!("\n{}\n", escaped(note));
        }
        text
    }
}

/// Takes every character its meaning that Markdown or embedded HTML gives it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).trim().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '|' | '*' | '_' | '`' | '[' | ']' | '!' | '#' | '~' | '$' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
