//! One value with an interval per name.

use super::{
    Axis, Figure,
    axis::Scale,
    figure::WIDTH,
    svg::{Anchor, Path, Svg, pixels},
};
use crate::{
    table::{Cell, Column, Table},
    text::{decimal, shorten, visible, wrapped},
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

const LINE: f64 = 24.0;
/// Height of a line of a name that stands above its value.
const TEXT: f64 = 16.0;
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
        let values: Vec<String> = dots.iter().map(|d| self.written(d)).collect();
        let place = Place::of(dots, &values);
        let floor = TOP + place.heights().sum::<f64>() + 4.0;

        let zero = (self.mark == Mark::Bar).then_some(0.0);
        let drawn = dots.iter().flat_map(|d| [d.value].into_iter().chain(d.interval.into_iter().flatten()));
        let scale = self.axis.scale(drawn.chain(self.reference).chain(zero), [place.left, place.right]);
        let mut svg = Svg::default();
        let mut free = f64::NEG_INFINITY;
        for (value, label) in &scale.ticks {
            let at = scale.at(*value);
            svg.line([at, TOP], [at, floor], "grid");
            // Between long names there may be no room for every label.
            if at - pixels(label) / 2.0 > free {
                svg.text(at, floor + 15.0, Anchor::Middle, "soft num", label);
                free = at + pixels(label) / 2.0 + 4.0;
            }
        }
        if let Some(reference) = self.reference.filter(|r| self.axis.shows(*r)) {
            let at = scale.at(reference);
            svg.line([at, TOP], [at, floor], "mark");
        }
        let mut top = TOP;
        for ((dot, value), (lines, height)) in
            dots.iter().zip(&values).zip(place.names.iter().zip(place.heights()))
        {
            let y = top + height - LINE / 2.0;
            svg.open(&format!("{}: {value}", shorten(&dot.name, 200)));
            if place.above {
                for (i, line) in lines.iter().enumerate() {
                    svg.text(place.left, top + TEXT * i as f64 + 13.0, Anchor::Start, "", line);
                }
                svg.text(place.right, top + 13.0, Anchor::End, "num", value);
            } else {
                svg.text(place.left - 10.0, y + 4.0, Anchor::End, "", &lines.concat());
                svg.text(place.right + 12.0, y + 4.0, Anchor::Start, "num", value);
            }
            self.draw(&mut svg, dot, &scale, y);
            svg.close();
            top += height;
        }
        let middle = (place.left + place.right) / 2.0;
        svg.text(middle, floor + 34.0, Anchor::Middle, "", &shorten(&self.axis.title, 50));
        let mut height = floor + 44.0;
        if self.dots.len() > MOST {
            height += 18.0;
            let more = format!("and {} more not drawn", self.dots.len() - MOST);
            svg.text(place.left, height - 8.0, Anchor::Start, "soft", &more);
        }
        let word = |(dot, value): (&Dot, &String)| format!("{} {value}", shorten(&dot.name, 80));
        let words: Vec<String> = dots.iter().zip(&values).map(word).collect();
        let made = format!("{}: {}.", self.axis.title, words.join("; "));
        let description = if self.description.is_empty() { made } else { self.description.clone() };
        let (title, data) = (self.title.clone(), self.data());
        Figure { title, description, data, width: WIDTH, height, body: svg.body }
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

/// Where names and marks go.
struct Place {
    /// The lines of each name.
    names: Vec<Vec<String>>,
    /// Names stand above their marks, where names and values leave too little room between them.
    above: bool,
    left: f64,
    right: f64,
}

impl Place {
    fn of(dots: &[Dot], values: &[String]) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(pixels).fold(0.0, f64::max);
        let value = widest(&mut values.iter().map(String::as_str));
        let name = widest(&mut dots.iter().map(|d| d.name.as_str()));
        let (left, right) = (16.0 + name, WIDTH - 20.0 - value);
        let above = right - left < 120.0;
        let columns = (WIDTH - 44.0 - value).max(120.0) / pixels("m");
        let lines = |dot: &Dot| match above {
            true => wrapped(&dot.name, columns as usize, 3),
            false => vec![visible(&dot.name)],
        };
        let [left, right] = if above { [16.0, WIDTH - 16.0] } else { [left, right] };
        Self { names: dots.iter().map(lines).collect(), above, left, right }
    }

    /// The height of each value with its name.
    fn heights(&self) -> impl Iterator<Item = f64> {
        let above = |lines: &Vec<String>| if self.above { TEXT * lines.len() as f64 } else { 0.0 };
        self.names.iter().map(move |lines| LINE + above(lines))
    }
}
