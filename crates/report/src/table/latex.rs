//! The table in LaTeX, for the `booktabs` package.

use super::Table;
use crate::text::visible;

impl Table {
    /// The table as a LaTeX `table` with `booktabs` rules. The best value of a
    /// column is bold.
    pub fn to_latex(&self) -> String {
        let align: String =
            (0..self.columns.len()).map(|c| if self.numeric(c) { 'r' } else { 'l' }).collect();
        let line = |cells: Vec<String>| format!("  {} \\\\\n", cells.join(" & "));
        let mut text = String::from("\\begin{table}\n  \\centering\n");
        if !self.caption.is_empty() {
            text += &format!("  \\caption{{{}}}\n", escaped(&self.caption));
        }
        text += &format!("  \\begin{{tabular}}{{{align}}}\n  \\toprule\n");
        text += &line(self.columns.iter().map(|c| escaped(&c.title)).collect());
        text += "  \\midrule\n";
        for row in 0..self.rows.len() {
            let cell = |column| {
                let text = escaped(&self.cell(row, column).to_string());
                if self.best(row, column) { format!("\\textbf{{{text}}}") } else { text }
            };
            text += &line((0..self.columns.len()).map(cell).collect());
        }
        text += "  \\bottomrule\n  \\end{tabular}\n";
        for note in &self.notes {
            text += &format!("  \\par\\footnotesize {}\n", escaped(note));
        }
        text + "\\end{table}\n"
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '<' => escaped.push_str("\\textless{}"),
            '>' => escaped.push_str("\\textgreater{}"),
            '|' => escaped.push_str("\\textbar{}"),
            '±' => escaped.push_str("$\\pm$"),
            '–' => escaped.push_str("--"),
            '…' => escaped.push_str("\\dots{}"),
            // After `\\` at the end of a row a bracket would be read as its argument.
            '[' => escaped.push_str("{[}"),
            ']' => escaped.push_str("{]}"),
            c => escaped.push(c),
        }
    }
    escaped
}
