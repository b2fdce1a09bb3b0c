//! A drawn plot.

use super::{
    style::{COLOURS, COLOURS_DARK, RULES},
    svg::pixels,
};
use crate::{
    table::Table,
    text::{escape, wrapped},
};

/// Width of plots in their own pixels: in a paper's column their text of 12
/// pixels is 7 points high.
pub(super) const WIDTH: f64 = 400.0;
/// Width of a column of a paper, in millimetres.
const COLUMN: f64 = 84.0;
/// Pixels of a page for one of the figure.
const INLINE: f64 = 0.92;

/// A drawn plot with its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What the figure shows.
    pub title: String,
    /// What there is to see in it, for people who do not see it.
    pub description: String,
    /// The numbers that are drawn.
    pub data: Table,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) body: String,
}

impl Figure {
    /// The figure as an SVG file of its own, with its colours, title and paper,
    /// as wide as a column of a paper (84 mm).
    pub fn to_svg(&self) -> String {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let lines = self.title_lines();
        let above = above(&lines);
        let style = format!(
            "<style>.cp{COLOURS}@media (prefers-color-scheme:dark){{.cp{COLOURS_DARK}}}{RULES}</style>\
             <rect y=\"-{above}\" width=\"100%\" height=\"100%\" style=\"fill:var(--paper)\"/>"
        );
        let mut title = String::new();
        for (line, y) in lines.iter().zip(baselines()) {
            title += &format!("<text x=\"12\" y=\"{}\" class=\"head\">{}</text>", y - above, escape(line));
        }
        let (wide, high) = (self.width.ceil(), self.height.ceil() + above);
        let size = format!("width=\"{COLUMN}mm\" height=\"{:.1}mm\"", COLUMN * high / wide);
        format!("{head}{}", self.element(&(style + &title), &size, above))
    }

    /// The figure as an element of a page that brings the colours, such as
    /// [`Page`](crate::html::Page); the title is the page's to write.
    pub fn to_inline(&self) -> String {
        let (wide, high) = (self.inline_width(), (INLINE * self.height).ceil());
        self.element("", &format!("width=\"{wide}\" height=\"{high}\""), 0.0)
    }

    /// Pixels across on a page; three figures of the usual width stand side by side.
    pub(crate) fn inline_width(&self) -> f64 {
        (INLINE * self.width).ceil()
    }

    /// The title in lines of the figure's width; bold letters are wider.
    fn title_lines(&self) -> Vec<String> {
        wrapped(&self.title, ((self.width - 20.0) / (1.15 * pixels("m"))).max(8.0) as usize, 4)
    }

    fn element(&self, inside: &str, size: &str, above: f64) -> String {
        let (width, height) = (self.width.ceil(), self.height.ceil() + above);
        let (title, description) = (escape(&self.title), escape(&self.description));
        // `aria-label` instead of `aria-labelledby`: ids would clash on a page.
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cp\" role=\"img\" {size} \
             viewBox=\"0 {top} {width} {height}\" aria-label=\"{title}. {description}\"><title>{title}</title>\
             <desc>{description}</desc>{inside}{body}</svg>\n",
            top = 0.0 - above,
            body = self.body,
        )
    }
}

/// Height of the title above a figure.
fn above(lines: &[String]) -> f64 {
    8.0 + 18.0 * lines.len() as f64
}

/// Where the lines of a title stand, from the top.
fn baselines() -> impl Iterator<Item = f64> {
    std::iter::successors(Some(20.0), |y| Some(y + 18.0))
}
