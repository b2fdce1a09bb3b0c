//! Drawing: the one place where text becomes markup.

use std::fmt::Write;

use super::style::{DASHES, SERIES};
use crate::text::{escape, width};

/// Where a text hangs on its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A path of straight lines.
#[derive(Debug, Default)]
pub(super) struct Path {
    /// Classes that say how it is drawn.
    pub class: &'static str,
    /// Series that gives the colour; `None` where the class does.
    pub series: Option<usize>,
    /// Lengths of strokes and gaps; empty for a whole line.
    pub dash: &'static str,
    /// Strength of a filling that differs from its class's.
    pub opacity: Option<f64>,
    /// The commands `M`, `L`, `h`, `v`, `z` of SVG.
    pub d: String,
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

    /// A text that reads upwards from its point.
    pub fn turned(&mut self, x: f64, y: f64, anchor: Anchor, class: &str, text: &str) {
        self.add(format_args!("<g transform=\"translate({x:.1} {y:.1}) rotate(-90)\">"));
        self.text(0.0, 0.0, anchor, class, text);
        self.body.push_str("</g>");
    }

    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], class: &'static str) {
        let ([x, y], [u, v]) = (from, to);
        self.path(Path { class, d: format!("M{x:.1} {y:.1}L{u:.1} {v:.1}"), ..Path::default() });
    }

    /// A curve of a series with its colour and dash.
    pub fn curve(&mut self, series: usize, d: String) {
        // A colour that comes again comes with another dash.
        let (class, dash) = ("curve line", DASHES[(series + series / SERIES) % SERIES]);
        self.path(Path { class, series: Some(series), dash, d, ..Path::default() });
    }

    pub fn rect(&mut self, at: [f64; 2], size: [f64; 2], class: &'static str, series: Option<usize>) {
        let ([x, y], [w, h]) = (at, size);
        let d = format!("M{x:.1} {y:.1}h{w:.1}v{h:.1}h-{w:.1}z");
        self.path(Path { class, series, d, ..Path::default() });
    }

    pub fn path(&mut self, path: Path) {
        let Path { class, series, dash, opacity, d } = path;
        let colour = series.map(|s| format!(" {}", colour(s))).unwrap_or_default();
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let opacity = opacity.map(|o| format!(" fill-opacity=\"{o:.2}\"")).unwrap_or_default();
        self.add(format_args!("<path class=\"{class}{colour}\"{opacity}{dash} d=\"{d}\"/>"));
    }

    /// The mark of a series: disc, square, diamond and triangle in turn, so
    /// that dots differ without colour too.
    pub fn dot(&mut self, at: [f64; 2], radius: f64, series: usize) {
        let [x, y] = at;
        let (class, r) = ("fill", radius);
        let d = match (series + series / SERIES) % 4 {
            0 => return self.disc(at, radius, series),
            1 => format!("M{:.1} {:.1}h{w:.1}v{w:.1}h-{w:.1}z", x - 0.9 * r, y - 0.9 * r, w = 1.8 * r),
            2 => {
                let r = 1.3 * r;
                format!("M{x:.1} {:.1}L{:.1} {y:.1}L{x:.1} {:.1}L{:.1} {y:.1}z", y - r, x + r, y + r, x - r)
            }
            _ => {
                let (low, half) = (y + 0.9 * r, 1.2 * r);
                format!("M{x:.1} {:.1}L{:.1} {low:.1}L{:.1} {low:.1}z", y - 1.2 * r, x + half, x - half)
            }
        };
        self.path(Path { class, series: Some(series), d, ..Path::default() });
    }

    fn disc(&mut self, at: [f64; 2], radius: f64, series: usize) {
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
