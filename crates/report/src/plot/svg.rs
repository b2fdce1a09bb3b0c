//! Writing SVG elements: the one place where text becomes markup.

use std::fmt::Write;

use super::style::{DASHES, SERIES};
use crate::{html::escape, text::width};

/// Where a text hangs on its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The inside of an `svg` element.
#[derive(Debug, Default)]
pub(super) struct Svg {
    pub body: String,
}

impl Svg {
    pub fn text(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.add(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\"{anchor}{class}>{}</text>", escape(text)));
    }

    /// A text turned by `degrees` around its point.
    pub fn turned(&mut self, x: f64, y: f64, degrees: i32, anchor: Anchor, class: &str, text: &str) {
        self.add(format_args!("<g transform=\"translate({x:.1} {y:.1}) rotate({degrees})\">"));
        self.text(0.0, 0.0, anchor, class, text);
        self.body.push_str("</g>");
    }

    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], class: &str) {
        let ([x, y], [u, v]) = (from, to);
        self.add(format_args!("<path class=\"{class}\" d=\"M{x:.1} {y:.1}L{u:.1} {v:.1}\"/>"));
    }

    /// A curve of a series with its colour and dash.
    pub fn curve(&mut self, series: usize, path: &str) {
        let dash = match DASHES[series % SERIES] {
            "" => String::new(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        };
        self.add(format_args!("<path class=\"curve line {}\"{dash} d=\"{path}\"/>", colour(series)));
    }

    pub fn rect(&mut self, at: [f64; 2], size: [f64; 2], attributes: &str) {
        let ([x, y], [w, h]) = (at, size);
        self.add(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" {attributes}/>"
        ));
    }

    pub fn dot(&mut self, at: [f64; 2], radius: f64, series: usize) {
        let [x, y] = at;
        let colour = colour(series);
        self.add(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" class=\"fill {colour}\"/>"
        ));
    }

    /// Opens a group whose title a pointer shows.
    pub fn open(&mut self, title: &str) {
        self.add(format_args!("<g><title>{}</title>", escape(title)));
    }

    pub fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    pub fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    fn add(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing into a string cannot fail.
        let _ = self.body.write_fmt(markup);
    }
}

/// The class that gives a series its colour.
pub(super) fn colour(series: usize) -> String {
    format!("c{}", series % SERIES)
}

/// About how wide 12 pixel text is. The true font is the reader's.
pub(super) fn pixels(text: &str) -> f64 {
    6.9 * width(text) as f64
}
