//! A drawn plot.

use super::{
    raster::Raster,
    style::{COLOURS, COLOURS_DARK, RULES},
    svg::{Anchor, Shape, pixels},
};
use crate::{html::escape, table::Table, text::shorten};

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
    pub(super) shapes: Vec<Shape>,
}

impl Figure {
    /// The figure as an SVG file of its own, with its colours, title and paper.
    pub fn to_svg(&self) -> String {
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let style = format!(
            "<style>.cp{COLOURS}@media (prefers-color-scheme:dark){{.cp{COLOURS_DARK}}}{RULES}</style>\
             <rect y=\"-26\" width=\"100%\" height=\"100%\" style=\"fill:var(--paper)\"/>"
        );
        let short = shorten(&self.title, 80);
        let title = format!("<text x=\"12\" y=\"-6\" class=\"head\">{}</text>", escape(&short));
        let wide = self.width.max(1.15 * pixels(&short) + 24.0);
        format!("{head}{}", self.element(&(style + &title), wide, 26.0))
    }

    /// The figure as a PNG picture, light and twice as large, for programs that
    /// take no SVG.
    pub fn to_png(&self) -> Vec<u8> {
        let short = shorten(&self.title, 80);
        let wide = self.width.max(1.15 * pixels(&short) + 24.0);
        let title = Shape::Text {
            at: [12.0, 20.0],
            upwards: false,
            anchor: Anchor::Start,
            class: "head".into(),
            text: short,
        };
        let mut raster = Raster::new(wide.ceil() as usize, self.height.ceil() as usize + 26);
        raster.draw(&title, 0.0);
        self.shapes.iter().for_each(|shape| raster.draw(shape, 26.0));
        raster.to_png()
    }

    /// The figure as an element of a page that brings the colours, such as
    /// [`Page`](crate::html::Page); the title is the page's to write.
    pub fn to_inline(&self) -> String {
        self.element("", self.width, 0.0)
    }

    fn element(&self, inside: &str, width: f64, above: f64) -> String {
        let (width, height) = (width.ceil(), self.height.ceil() + above);
        let (title, description) = (escape(&self.title), escape(&self.description));
        // `aria-label` instead of `aria-labelledby`: ids would clash on a page.
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cp\" role=\"img\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 {top} {width} {height}\" aria-label=\"{title}. {description}\"><title>{title}</title>\
             <desc>{description}</desc>{inside}{body}</svg>\n",
            top = 0.0 - above,
            body = self.body,
        )
    }
}
