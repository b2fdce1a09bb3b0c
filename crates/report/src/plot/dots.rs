//! One value with an interval per name.

use super::{
    Axis, Figure,
    axis::Scale,
    svg::{Anchor, Path, Svg, pixels},
};
use crate::{
    table::{Cell, Column, Table},
    text::{decimal, shorten},
};

/// How values are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// A dot: for values whose distance from zero means nothing.
    #[default]
    Dot,
    /// A bar from zero.
    Bar,
}

/// A named value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dot {
    /// Name, written to the left.
    pub name: String,
    /// The value; not finite is drawn as missing.
    pub value: f64,
    /// Ends of its interval.
    pub interval: Option<[f64; 2]>,
    /// Index of its colour: the same index looks the same in every plot.
    pub colour: usize,
}

/// Values with intervals, one line each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DotPlot {
    /// What the figure shows.
    pub title: String,
    /// What there is to see; made from the values when empty.
    pub description: String,
    /// Axis of the values.
    pub axis: Axis,
    /// Dots or bars.
    pub mark: Mark,
    /// The values, from top to bottom.
    pub dots: Vec<Dot>,
    /// A vertical line, e.g. zero gain.
    pub reference: Option<f64>,
    /// Decimals of the values written to the right.
    pub decimals: usize,
}

/// Two figures stand side by side on a page.
const WIDTH: f64 = 530.0;
const LINE: f64 = 24.0;
const TOP: f64 = 8.0;
/// Lines drawn; the rest is counted in words.
const MOST: usize = 60;

impl DotPlot {
    /// An empty plot.
    pub fn new(title: impl Into<String>, axis: Axis) -> Self {
        Self { title: title.into(), axis, decimals: 1, ..Self::default() }
    }

    /// Draws the plot.
    pub fn figure(&self) -> Figure {
        let dots = &self.dots[..self.dots.len().min(MOST)];
        let names: Vec<String> = dots.iter().map(|d| shorten(&d.name, 30)).collect();
        let values: Vec<String> = dots.iter().map(|d| self.written(d)).collect();
        let widest = |texts: &[String]| texts.iter().map(|t| pixels(t)).fold(0.0, f64::max);
        let (left, right) = (16.0 + widest(&names), WIDTH - 20.0 - widest(&values));
        let floor = TOP + LINE * dots.len() as f64 + 4.0;

        let zero = (self.mark == Mark::Bar).then_some(0.0);
        let drawn = dots.iter().flat_map(|d| [d.value].into_iter().chain(d.interval.into_iter().flatten()));
        // Between long names and long values there is always room for the marks.
        let scale = self.axis.scale(drawn.chain(self.reference).chain(zero), [left, right.max(left + 120.0)]);
        let mut svg = Svg::default();
        for (value, label) in &scale.ticks {
            let at = scale.at(*value);
            svg.line([at, TOP], [at, floor], "grid");
            svg.text(at, floor + 15.0, Anchor::Middle, "soft num", label);
        }
        if let Some(reference) = self.reference.filter(|r| self.axis.shows(*r)) {
            let at = scale.at(reference);
            svg.line([at, TOP], [at, floor], "mark");
        }
        for (i, dot) in dots.iter().enumerate() {
            let y = TOP + LINE * (i as f64 + 0.5);
            svg.open(&format!("{}: {}", names[i], values[i]));
            svg.text(left - 10.0, y + 4.0, Anchor::End, "", &names[i]);
            self.draw(&mut svg, dot, &scale, y);
            svg.text(scale.at(f64::MAX) + 12.0, y + 4.0, Anchor::Start, "num", &values[i]);
            svg.close();
        }
        let middle = (left + right.max(left + 120.0)) / 2.0;
        svg.text(middle, floor + 34.0, Anchor::Middle, "", &shorten(&self.axis.title, 60));
        let mut height = floor + 44.0;
        if self.dots.len() > MOST {
            height += 18.0;
            let more = format!("and {} more not drawn", self.dots.len() - MOST);
            svg.text(left, height - 8.0, Anchor::Start, "soft", &more);
        }
        let words: Vec<String> =
            names.iter().zip(&values).map(|(name, value)| format!("{name} {value}")).collect();
        let made = format!("{}: {}.", self.axis.title, words.join("; "));
        let description = if self.description.is_empty() { made } else { self.description.clone() };
        let width = WIDTH.max(left + 120.0 + 20.0 + widest(&values));
        let (title, data) = (self.title.clone(), self.data());
        Figure { title, description, data, width, height, body: svg.body, shapes: svg.shapes }
    }

    /// A row for each value, those that are not drawn included.
    fn data(&self) -> Table {
        let mut table = Table::new([Column::new("name"), Column::new(&self.axis.title)]);
        for dot in &self.dots {
            let (value, decimals) = (dot.value, self.decimals);
            let cell = match dot.interval {
                Some([low, high]) => Cell::Range { value, low, high, decimals },
                None => Cell::number(value, decimals),
            };
            table.row([Cell::text(&dot.name), cell]);
        }
        table
    }

    fn draw(&self, svg: &mut Svg, dot: &Dot, scale: &Scale, y: f64) {
        if !self.axis.shows(dot.value) {
            return;
        }
        let at = scale.at(dot.value);
        if self.mark == Mark::Bar {
            let zero = scale.at(0.0);
            svg.rect([at.min(zero), y - 7.0], [(at - zero).abs(), 14.0], "bar fill", Some(dot.colour));
        }
        if let Some([low, high]) = dot.interval.filter(|ends| ends.iter().all(|e| self.axis.shows(*e))) {
            let (low, high) = (scale.at(low), scale.at(high));
            let d = format!(
                "M{low:.1} {y:.1}L{high:.1} {y:.1}M{low:.1} {a:.1}v8M{high:.1} {a:.1}v8",
                a = y - 4.0
            );
            let series = Some(dot.colour);
            svg.path(Path { class: "whisker line", series, d, ..Path::default() });
        }
        if self.mark == Mark::Dot {
            svg.dot([at, y], 4.0, dot.colour);
        }
    }

    fn written(&self, dot: &Dot) -> String {
        if !dot.value.is_finite() {
            return "missing".into();
        }
        let value = decimal(dot.value, self.decimals);
        match dot.interval {
            Some([low, high]) if low.is_finite() && high.is_finite() => {
                format!("{value} [{}, {}]", decimal(low, self.decimals), decimal(high, self.decimals))
            }
            _ => value,
        }
    }
}
