//! Curves over a common axis.

use super::{
    Axis, Figure, Series,
    axis::Scale,
    figure::WIDTH,
    series::{path, pieces, thinned},
    svg::{Anchor, Path, Svg, pixels},
};
use crate::{
    table::{Cell, Column, Table},
    text::{shorten, wrapped},
};

/// Curves over a common axis, with bands, a legend and horizontal marks.
///
/// ```
/// use counterpoint_report::plot::{Axis, LinePlot, Series};
/// let mut plot = LinePlot::new("Accuracy", Axis::new("epoch").whole(), Axis::new("accuracy, %"));
/// plot.series.push(Series::new("audio", [[1.0, 12.0], [2.0, f64::NAN], [3.0, 40.0]]));
/// let svg = plot.figure().to_svg();
/// assert!(svg.contains("role=\"img\"") && !svg.contains("NaN"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinePlot {
    /// What the figure shows.
    pub title: String,
    /// What there is to see; made from the curves' last values when empty.
    pub description: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
    /// Named horizontal lines, e.g. chance.
    pub marks: Vec<(String, f64)>,
}

const HEIGHT: f64 = 260.0;
const TOP: f64 = 12.0;
/// Curves drawn; a legend of more cannot be read.
const MOST: usize = 24;

impl LinePlot {
    /// An empty plot.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Self { title: title.into(), x, y, ..Self::default() }
    }

    /// Whether any curve has a value to draw.
    pub fn has_values(&self) -> bool {
        self.series.iter().any(|s| pieces(&s.points, &self.x, &self.y).next().is_some())
    }

    /// Draws the plot.
    pub fn figure(&self) -> Figure {
        let series = &self.series[..self.series.len().min(MOST)];
        let ys = || {
            let points = series.iter().flat_map(|s| s.points.iter().map(|p| p[1]));
            let bands = series.iter().flat_map(|s| s.band.iter().flat_map(|b| [b[1], b[2]]));
            points.chain(bands).chain(self.marks.iter().map(|m| m.1))
        };
        let y = self.y.scale(ys(), [HEIGHT - 46.0, TOP]);
        let label = y.ticks.iter().map(|t| pixels(&t.1)).fold(0.0, f64::max);
        let left = 34.0 + label;
        let x = self.x.scale(series.iter().flat_map(|s| s.points.iter().map(|p| p[0])), [left, WIDTH - 16.0]);

        let mut svg = Svg::default();
        self.frame(&mut svg, &x, &y, left);
        for (i, one) in series.iter().enumerate() {
            self.band(&mut svg, one.look.unwrap_or(i), one, &x, &y);
        }
        for (i, one) in series.iter().enumerate() {
            self.curve(&mut svg, one.look.unwrap_or(i), one, &x, &y);
        }
        if !self.has_values() {
            svg.text((left + WIDTH) / 2.0, HEIGHT / 2.0, Anchor::Middle, "soft", "no finite values");
        }
        let height = self.legend(&mut svg, series);
        let description = if self.description.is_empty() { self.words() } else { self.description.clone() };
        let (title, data) = (self.title.clone(), self.data());
        Figure { title, description, data, width: WIDTH, height, body: svg.body }
    }

    /// A row for each point of each curve.
    fn data(&self) -> Table {
        let mut table =
            Table::new([Column::new("curve"), Column::new(&self.x.title), Column::new(&self.y.title)]);
        for series in &self.series {
            for (i, [x, value]) in series.points.iter().copied().enumerate() {
                let y = match series.band.get(i) {
                    Some([_, low, high]) => Cell::Range { value, low: *low, high: *high, decimals: 4 },
                    None => Cell::number(value, 4),
                };
                table.row([Cell::text(&series.name), Cell::number(x, 0), y]);
            }
        }
        table
    }

    fn frame(&self, svg: &mut Svg, x: &Scale, y: &Scale, left: f64) {
        let floor = HEIGHT - 46.0;
        for (value, label) in &y.ticks {
            let at = y.at(*value);
            svg.line([left, at], [WIDTH - 16.0, at], "grid");
            svg.text(left - 6.0, at + 4.0, Anchor::End, "soft num", label);
        }
        for (value, label) in &x.ticks {
            let at = x.at(*value);
            svg.line([at, floor], [at, floor + 4.0], "axis");
            svg.text(at, floor + 17.0, Anchor::Middle, "soft num", label);
        }
        svg.line([left, floor], [WIDTH - 16.0, floor], "axis");
        for (name, value) in &self.marks {
            if self.y.shows(*value) {
                let at = y.at(*value);
                svg.line([left, at], [WIDTH - 16.0, at], "mark");
                svg.text(WIDTH - 18.0, at - 4.0, Anchor::End, "soft tiny", &shorten(name, 30));
            }
        }
        svg.text((left + WIDTH - 16.0) / 2.0, HEIGHT - 12.0, Anchor::Middle, "", &shorten(&self.x.title, 44));
        let log = if self.y.log { " (log)" } else { "" };
        let title = shorten(&self.y.title, 28 - log.len()) + log;
        svg.turned(14.0, (TOP + floor) / 2.0, Anchor::Middle, "", &title);
    }

    fn band(&self, svg: &mut Svg, index: usize, series: &Series, x: &Scale, y: &Scale) {
        for piece in pieces(&series.band, &self.x, &self.y) {
            let there = piece.iter().map(|b| [x.at(b[0]), y.at(b[1])]);
            let back = piece.iter().rev().map(|b| [x.at(b[0]), y.at(b[2])]);
            let outline = path(there.chain(back));
            let d = outline + "z";
            svg.path(Path { class: "band fill", series: Some(index), d, ..Path::default() });
        }
    }

    fn curve(&self, svg: &mut Svg, index: usize, series: &Series, x: &Scale, y: &Scale) {
        let points = thinned(&series.points);
        let mut whole = String::new();
        for piece in pieces(&points, &self.x, &self.y) {
            let place = |p: &[f64; 2]| [x.at(p[0]), y.at(p[1])];
            match piece {
                // One point between gaps has no line to show it.
                [one] => svg.dot(place(one), 3.0, index),
                many => whole += &path(many.iter().map(place)),
            }
        }
        if !whole.is_empty() {
            svg.curve(index, whole);
            // The mark that the series has in plots of dots.
            let last = points.iter().rev().find(|p| self.x.shows(p[0]) && self.y.shows(p[1]));
            last.into_iter().for_each(|p| svg.dot([x.at(p[0]), y.at(p[1])], 3.0, index));
        }
    }

    /// Draws the legend below the plot and returns the height of it all.
    fn legend(&self, svg: &mut Svg, series: &[Series]) -> f64 {
        const LEFT: f64 = 14.0;
        let columns = ((WIDTH - LEFT - 32.0) / pixels("m")) as usize;
        let (mut x, mut y) = (LEFT, HEIGHT + 10.0);
        for (i, one) in series.iter().enumerate() {
            let missing = pieces(&one.points, &self.x, &self.y).next().is_none();
            let name = one.name.clone() + if missing { " (no values)" } else { "" };
            let lines = wrapped(&name, columns, 3);
            let wide = 32.0 + lines.iter().map(|line| pixels(line)).fold(0.0, f64::max) + 14.0;
            if x > LEFT && x + wide > WIDTH {
                (x, y) = (LEFT, y + 18.0);
            }
            let look = one.look.unwrap_or(i);
            svg.curve(look, format!("M{x:.1} {:.1}h26", y - 4.0));
            svg.dot([x + 13.0, y - 4.0], 3.0, look);
            for (line, below) in lines.iter().zip([0.0, 15.0, 30.0]) {
                svg.text(x + 32.0, y + below, Anchor::Start, "", line);
            }
            x += wide;
            if lines.len() > 1 {
                (x, y) = (LEFT, y + 15.0 * (lines.len() - 1) as f64 + 18.0);
            }
        }
        if x <= LEFT {
            y -= 18.0;
        }
        if self.series.len() > MOST {
            y += 18.0;
            let more = format!("and {} more not drawn", self.series.len() - MOST);
            svg.text(LEFT, y, Anchor::Start, "soft", &more);
        }
        y + 10.0
    }

    /// The last value of every curve, in words.
    fn words(&self) -> String {
        let one = |s: &Series| {
            let last = s.points.iter().rev().find(|p| self.x.shows(p[0]) && self.y.shows(p[1]));
            let name = shorten(&s.name, 40);
            last.map_or(format!("{name} has no values"), |p| format!("{name} ends at {}", brief(p[1])))
        };
        let words: Vec<String> = self.series.iter().take(MOST).map(one).collect();
        format!("{} over {}: {}.", shorten(&self.y.title, 60), shorten(&self.x.title, 60), words.join("; "))
    }
}

/// Four digits, however small or large.
fn brief(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) { format!("{value:.2e}") } else { format!("{value:.3}") }
}
