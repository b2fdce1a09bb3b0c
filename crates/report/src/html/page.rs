//! A page made of sections.

use super::style;
use crate::{
    plot::Figure,
    table::{Cell, Column, Table},
    text::{escape, visible},
};

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// A heading below the section's.
    Heading(String),
    /// The sentence to remember.
    Headline(String),
    /// A paragraph.
    Paragraph(String),
    /// A list of short paragraphs.
    List(Vec<String>),
    /// Something to notice: what, and what to do about it (may be empty).
    Warning(String, String),
    /// A table.
    Table(Table),
    /// A figure.
    Figure(Figure),
    /// Text as it stands in a file.
    Code(String),
    /// Blocks folded under one line.
    Details(String, Vec<Self>),
}

/// A heading and what stands below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

impl Section {
    /// An empty section.
    pub fn new(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), blocks: Vec::new() }
    }

    /// Adds a block.
    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    /// Adds blocks folded under one line; nothing if there are none.
    pub fn fold(&mut self, line: impl Into<String>, blocks: Vec<Block>) {
        if !blocks.is_empty() {
            self.push(Block::Details(line.into(), blocks));
        }
    }

    /// Adds a paragraph.
    pub fn say(&mut self, text: impl Into<String>) {
        self.push(Block::Paragraph(text.into()));
    }
}

/// One page: a title, the summary in words, sections.
///
/// The page is a single file without scripts or links to anything outside, and
/// its content policy forbids both. Every text is escaped here and nowhere
/// else.
///
/// ```
/// use counterpoint_report::html::{Block, Page, Section};
/// let mut page = Page::new("Run <1>");
/// page.summary.push(Block::Headline("Nothing was trained.".into()));
/// page.sections.push(Section::new("Results"));
/// let html = page.to_html();
/// assert!(html.contains("<h1>Run &lt;1&gt;</h1>") && html.contains("<h2 id=\"s1\">Results</h2>"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Title of the page.
    pub title: String,
    /// The summary in words; it stands above all sections.
    pub summary: Vec<Block>,
    /// The sections.
    pub sections: Vec<Section>,
    /// A line at the end, e.g. who made the page; may be empty.
    pub footer: String,
}

impl Page {
    /// An empty page.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// The summary as plain text, a line for each paragraph.
    pub fn summary_text(&self) -> String {
        let mut text = String::new();
        for block in &self.summary {
            match block {
                Block::Heading(line) => text += &format!("\n{}\n", visible(line)),
                Block::Headline(line) | Block::Paragraph(line) => text += &format!("{}\n", visible(line)),
                Block::List(items) => items.iter().for_each(|item| text += &format!("- {}\n", visible(item))),
                _ => {}
            }
        }
        text
    }

    /// All tables with a file name each, without its ending.
    pub fn tables(&self) -> Vec<(String, &Table)> {
        self.items(table).into_iter().map(|item| (item.file, item.what)).collect()
    }

    /// All figures with a file name each, without its ending.
    pub fn figures(&self) -> Vec<(String, &Figure)> {
        self.items(figure).into_iter().map(|item| (item.file, item.what)).collect()
    }

    /// What [`tables`](Self::tables) and [`figures`](Self::figures) hold: number,
    /// file name, section and caption of each, and what there is to see in a figure.
    pub fn index(&self) -> Table {
        let mut index = Table::new(["number", "file", "section", "caption", "description"].map(Column::new));
        let mut row = |kind: &str, number: usize, file: &str, section: &str, words: [&str; 2]| {
            let [caption, description] = words;
            let cells = [&format!("{kind} {number}"), file, section, caption, description];
            index.row(cells.map(Cell::text));
        };
        for (i, item) in self.items(figure).into_iter().enumerate() {
            let words = [item.caption, item.what.description.as_str()];
            row("Figure", i + 1, &format!("figures/{}", item.file), item.section, words);
        }
        for (i, item) in self.items(table).into_iter().enumerate() {
            row("Table", i + 1, &format!("tables/{}", item.file), item.section, [item.caption, ""]);
        }
        index
    }

    fn items<'a, T>(&'a self, pick: fn(&'a Block) -> Option<(&'a str, &'a T)>) -> Vec<Item<'a, T>> {
        let mut items = Vec::new();
        for section in &self.sections {
            let mut stack: Vec<&Block> = section.blocks.iter().rev().collect();
            while let Some(block) = stack.pop() {
                if let Block::Details(_, inside) = block {
                    stack.extend(inside.iter().rev());
                } else if let Some((caption, what)) = pick(block) {
                    let file = format!("{:02}-{}", items.len() + 1, slug(caption));
                    items.push(Item { file, section: &section.heading, caption, what });
                }
            }
        }
        items
    }

    /// The page as one HTML file.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';style-src 'unsafe-inline'\">\
             <title>{title}</title><style>{}</style></head>\n<body><a class=\"skip\" href=\"#main\">Skip to content</a>\
             <div class=\"wrap\"><header><h1>{title}</h1>\n<nav aria-label=\"Sections\"><ul>",
            style::sheet()
        );
        for (i, section) in self.sections.iter().enumerate() {
            html += &format!("<li><a href=\"#s{}\">{}</a></li>", i + 1, escape(&section.heading));
        }
        html += "</ul></nav></header>\n<main id=\"main\">";
        if !self.summary.is_empty() {
            html += "<section class=\"lead\" aria-labelledby=\"s0\"><h2 id=\"s0\">Summary</h2>\n";
            blocks(&mut html, &self.summary);
            html += "</section>\n";
        }
        for (i, section) in self.sections.iter().enumerate() {
            let id = i + 1;
            html += &format!(
                "<section aria-labelledby=\"s{id}\"><h2 id=\"s{id}\">{}</h2>\n",
                escape(&section.heading)
            );
            blocks(&mut html, &section.blocks);
            html += "</section>\n";
        }
        html += "</main>";
        if !self.footer.is_empty() {
            html += &format!("<footer>{}</footer>", escape(&self.footer));
        }
        html + "</div></body></html>\n"
    }
}

fn blocks(html: &mut String, list: &[Block]) {
    // Neighbouring figures share a row where the window is wide enough.
    for run in list.chunk_by(|a, b| matches!((a, b), (Block::Figure(_), Block::Figure(_)))) {
        let figures = matches!(run.first(), Some(Block::Figure(_)));
        *html += if figures { "<div class=\"figures\">" } else { "" };
        run.iter().for_each(|one| block(html, one));
        *html += if figures { "</div>\n" } else { "" };
    }
}

fn block(html: &mut String, block: &Block) {
    match block {
        Block::Heading(text) => *html += &format!("<h3>{}</h3>\n", escape(text)),
        Block::Headline(text) => *html += &format!("<p class=\"headline\">{}</p>\n", escape(text)),
        Block::Paragraph(text) => *html += &format!("<p>{}</p>\n", escape(text)),
        Block::List(items) => {
            *html += "<ul>";
            items.iter().for_each(|item| *html += &format!("<li>{}</li>\n", escape(item)));
            *html += "</ul>\n";
        }
        Block::Warning(what, remedy) => {
            *html += &format!("<div class=\"warn\" role=\"note\"><p><strong>{}</strong></p>", escape(what));
            if !remedy.is_empty() {
                *html += &format!("<p>{}</p>", escape(remedy));
            }
            *html += "</div>\n";
        }
        Block::Table(table) => *html += &(table.to_html() + "\n"),
        Block::Figure(figure) => {
            let caption = escape(&figure.title);
            *html += &format!(
                "<figure style=\"width:{}px\"><figcaption>{caption}</figcaption>{}</figure>\n",
                figure.inline_width(),
                figure.to_inline()
            );
        }
        Block::Code(text) => *html += &format!("<pre tabindex=\"0\">{}</pre>\n", escape(text)),
        Block::Details(line, inside) => {
            *html += &format!("<details><summary>{}</summary>\n", escape(line));
            blocks(html, inside);
            *html += "</details>\n";
        }
    }
}

/// A table or a figure of a page.
struct Item<'a, T> {
    /// Name of its file without the ending.
    file: String,
    /// Heading of its section.
    section: &'a str,
    caption: &'a str,
    what: &'a T,
}

fn table(block: &Block) -> Option<(&str, &Table)> {
    if let Block::Table(table) = block { Some((&table.caption, table)) } else { None }
}

fn figure(block: &Block) -> Option<(&str, &Figure)> {
    if let Block::Figure(figure) = block { Some((&figure.title, figure)) } else { None }
}

/// A name of letters, digits and hyphens that every file system takes.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().filter(|c| *c != '\'').take(150) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => slug.push(c),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}
