//! A matrix in colours.

use std::fmt::Write;

use super::{
    Figure,
    figure::WIDTH,
    svg::{Anchor, Path, Svg, pixels},
};
use crate::{
    record::Confusion,
    table::{Cell, Column, Table},
    text::{decimal, shorten},
};

/// A matrix whose values are colours, and numbers where there is room.
///
/// Values above zero take one colour, below zero another; the strength is the
/// share of the largest magnitude. A confusion matrix colours the share of its
/// row and writes the count.
///
/// ```
/// use counterpoint_report::plot::HeatMap;
/// let map = HeatMap::confusion("Fused", &["cat", "dog"], &vec![vec![9, 1], vec![0, 0]].into());
/// assert_eq!(map.values[0], [0.9, 0.1]);
/// assert!(map.values[1][0].is_nan()); // no dog was tested
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    /// What the figure shows.
    pub title: String,
    /// What there is to see; made from the values when empty.
    pub description: String,
    /// Title of the vertical axis.
    pub row_title: String,
    /// Title of the horizontal axis.
    pub column_title: String,
    /// Names of the rows; a missing name is the index.
    pub rows: Vec<String>,
    /// Names of the columns; a missing name is the index.
    pub columns: Vec<String>,
    /// The values; not finite is left blank.
    pub values: Vec<Vec<f64>>,
    /// Whole numbers to write in the cells instead of the values, zeros left
    /// blank; may be empty.
    pub counts: Vec<Vec<u64>>,
    /// Index of the colour above zero, as of a [`Dot`](super::Dot).
    pub colour: usize,
}

/// Larger matrices are drawn without numbers and names.
const NAMED: usize = 26;
/// Index of the colour below zero.
const BELOW: usize = 4;
/// Rows and columns drawn; beyond, a cell is less than a pixel.
const MOST: usize = 512;

impl HeatMap {
    /// More classes than these make a matrix that nobody can read; the pairs
    /// that are mistaken most often say more.
    pub const MOST_CLASSES: usize = 64;

    /// A matrix with names.
    pub fn new(
        title: impl Into<String>,
        rows: Vec<String>,
        columns: Vec<String>,
        values: Vec<Vec<f64>>,
    ) -> Self {
        Self { title: title.into(), rows, columns, values, ..Self::default() }
    }

    /// A confusion matrix, true classes from top to bottom; its memory grows
    /// with the square of the classes.
    pub fn confusion<S: AsRef<str>>(title: impl Into<String>, classes: &[S], confusion: &Confusion) -> Self {
        let names: Vec<String> = classes.iter().map(|c| c.as_ref().to_owned()).collect();
        let all = 0..confusion.classes();
        let counts: Vec<Vec<u64>> =
            all.clone().map(|truth| all.clone().map(|said| confusion.get(truth, said)).collect()).collect();
        let share = |(truth, row): (usize, &Vec<u64>)| {
            let total = confusion.total(truth);
            row.iter().map(|n| *n as f64 / total).collect()
        };
        let sum = |pairs: &mut dyn Iterator<Item = u64>| pairs.map(|n| n as f64).sum::<f64>();
        let right = sum(&mut confusion.pairs().filter(|([truth, said], _)| truth == said).map(|(_, n)| n));
        let counted = sum(&mut confusion.pairs().map(|(_, n)| n));
        Self {
            description: format!("{right:.0} of {counted:.0} lie on the diagonal, which is right."),
            row_title: "true class".into(),
            column_title: "predicted class".into(),
            values: counts.iter().enumerate().map(share).collect(),
            counts,
            ..Self::new(title, names.clone(), names, Vec::new())
        }
    }

    /// Draws the matrix.
    pub fn figure(&self) -> Figure {
        let rows = self.values.len().min(MOST);
        let columns = self.values.iter().map(Vec::len).max().unwrap_or(0).min(MOST);
        let named = rows.max(columns) <= NAMED;
        let side = ((WIDTH - 90.0) / rows.max(columns).max(1) as f64).clamp(0.8, 36.0);
        let names = |list: &[String], n: usize| -> Vec<String> {
            let name = |i: usize| list.get(i).map_or_else(|| i.to_string(), |name| shorten(name, 18));
            if named { (0..n).map(name).collect() } else { Vec::new() }
        };
        let (row_names, column_names) = (names(&self.rows, rows), names(&self.columns, columns));
        let widest = |texts: &[String]| texts.iter().map(|t| pixels(t)).fold(0.0, f64::max);
        let left = 34.0 + widest(&row_names);
        // Names wider than their column are turned upright.
        let turn = widest(&column_names) > side - 4.0;
        let top = 26.0 + if turn { widest(&column_names) } else { 14.0 };

        let mut svg = Svg::default();
        let size = [side * columns as f64, side * rows as f64];
        svg.text(left + size[0] / 2.0, 14.0, Anchor::Middle, "", &shorten(&self.column_title, 40));
        svg.turned(14.0, top + size[1] / 2.0, Anchor::Middle, "", &shorten(&self.row_title, 40));
        for (i, name) in row_names.iter().enumerate() {
            svg.text(left - 6.0, top + side * (i as f64 + 0.5) + 4.0, Anchor::End, "soft", name);
        }
        for (i, name) in column_names.iter().enumerate() {
            let x = left + side * (i as f64 + 0.5);
            if turn {
                svg.turned(x + 4.0, top - 6.0, Anchor::Start, "soft", name);
            } else {
                svg.text(x, top - 6.0, Anchor::Middle, "soft", name);
            }
        }
        svg.rect([left, top], size, "grid", None);
        let faint = self.colours(&mut svg, [left, top], side);
        if named {
            self.numbers(&mut svg, [left, top], side);
        }
        // A small matrix still has room for the words at its side.
        let words = pixels(&shorten(&self.row_title, 40)) / 2.0;
        let mut height = top + (size[1] / 2.0 + words).max(size[1]) + 12.0;
        let cut = rows < self.values.len();
        let notes = [
            cut.then(|| format!("the first {MOST} of {} rows", self.values.len())),
            faint.then(|| "the faintest cells are left out".to_owned()),
        ];
        for note in notes.into_iter().flatten() {
            height += 16.0;
            svg.text(left, height - 6.0, Anchor::Start, "soft", &note);
        }
        let words = if self.description.is_empty() { "A matrix in colours." } else { &self.description };
        let description = format!("{words} {rows} rows, {columns} columns.");
        // At least the axis titles fit.
        let width = (left + size[0] + 14.0).max(left + pixels(&shorten(&self.column_title, 40)));
        let (title, data) = (self.title.clone(), self.data());
        Figure { title, description, data, width, height, body: svg.body }
    }

    fn count(&self, row: usize, column: usize) -> Option<u64> {
        self.counts.get(row)?.get(column).copied()
    }

    /// The matrix as a table, of counts where they are given.
    fn data(&self) -> Table {
        let name = |list: &[String], i: usize| list.get(i).map_or_else(|| i.to_string(), |n| shorten(n, 80));
        let columns = self.values.iter().map(Vec::len).max().unwrap_or(0);
        let titles = (0..columns).map(|j| Column::new(name(&self.columns, j)));
        let mut table = Table::new([Column::new(&self.row_title)].into_iter().chain(titles));
        for (i, row) in self.values.iter().enumerate() {
            let cell = |(j, value): (usize, &f64)| match self.count(i, j) {
                Some(count) => Cell::count(count),
                None => Cell::number(*value, 4),
            };
            table.row([Cell::text(name(&self.rows, i))].into_iter().chain(row.iter().enumerate().map(cell)));
        }
        table
    }

    /// Draws the colours: neighbours of one strength are one box, boxes of one
    /// strength one path, which keeps large matrices small. Returns whether
    /// faint boxes had to be left out.
    fn colours(&self, svg: &mut Svg, corner: [f64; 2], side: f64) -> bool {
        let mut paths = vec![(String::new(), 0); 2 * LEVELS + 1];
        let largest = self.largest();
        for (i, row) in self.values.iter().take(MOST).enumerate() {
            let row = &row[..row.len().min(MOST)];
            let mut at = 0;
            for run in row.chunk_by(|a, b| level(*a, largest) == level(*b, largest)) {
                let level = level(run[0], largest);
                if level > 0 {
                    let (x, y) = (corner[0] + side * at as f64, corner[1] + side * i as f64);
                    let (path, boxes) = &mut paths[level];
                    *boxes += 1;
                    let wide = side * run.len() as f64;
                    let _ = write!(path, "M{x:.1} {y:.1}h{wide:.1}v{side:.1}h-{wide:.1}z");
                }
                at += run.len();
            }
        }
        let mut drawn = 0;
        for strength in (1..=LEVELS).rev() {
            for (level, colour) in [(strength, self.colour), (LEVELS + strength, BELOW)] {
                let (path, boxes) = &paths[level];
                drawn += boxes;
                if drawn > BOXES {
                    return true;
                }
                if *boxes > 0 {
                    let opacity = strength as f64 / LEVELS as f64;
                    let (d, opacity) = (path.clone(), Some(opacity));
                    svg.path(Path { class: "fill", series: Some(colour), opacity, d, ..Path::default() });
                }
            }
        }
        false
    }

    fn numbers(&self, svg: &mut Svg, corner: [f64; 2], side: f64) {
        let largest = self.largest();
        for (i, row) in self.values.iter().enumerate() {
            for (j, value) in row.iter().enumerate().filter(|(_, v)| v.is_finite()) {
                let text = match self.count(i, j) {
                    Some(0) => String::new(),
                    Some(count) => count.to_string(),
                    None => decimal(*value, if largest < 10.0 { 2 } else { 0 }),
                };
                // A number that does not fit its cell would hide the next one.
                if text.is_empty() || 6.0 * text.chars().count() as f64 > side {
                    continue;
                }
                let strong = (level(*value, largest).saturating_sub(1)) % LEVELS + 1 > LEVELS * 11 / 20;
                let class = if strong { "inv num tiny" } else { "num tiny" };
                let (x, y) = (side * (j as f64 + 0.5), side * (i as f64 + 0.5));
                svg.text(corner[0] + x, corner[1] + y + 4.0, Anchor::Middle, class, &text);
            }
        }
    }

    fn largest(&self) -> f64 {
        self.values.iter().flatten().filter(|v| v.is_finite()).fold(0.0_f64, |a, v| a.max(v.abs()))
    }
}

/// Steps of strength.
const LEVELS: usize = 20;
/// Boxes drawn: about half a megabyte.
const BOXES: usize = 20_000;

/// 0 for nothing, 1 to `LEVELS` above zero, then as many below. Rounded up, so
/// that a single confusion among many is still seen.
fn level(value: f64, largest: f64) -> usize {
    if !value.is_finite() || value == 0.0 || largest == 0.0 {
        return 0;
    }
    let strength = (LEVELS as f64 * (value / largest).abs()).ceil().clamp(1.0, LEVELS as f64) as usize;
    if value < 0.0 { LEVELS + strength } else { strength }
}
