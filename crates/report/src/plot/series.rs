//! A named curve.

use super::Axis;
use std::fmt::Write;

/// A curve with an optional band around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points `[x, y]` in drawing order; a value that is not finite is a gap.
    pub points: Vec<[f64; 2]>,
    /// `[x, low, high]` of the band; may be empty.
    pub band: Vec<[f64; 3]>,
    /// Index of its colour and dash, the same in every plot; `None` is its place in the plot.
    pub look: Option<usize>,
}

impl Series {
    /// A curve without a band.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        Self { name: name.into(), points: points.into_iter().collect(), band: Vec::new(), look: None }
    }

    /// Adds a band, e.g. a confidence interval.
    #[must_use]
    pub fn banded(mut self, band: impl IntoIterator<Item = [f64; 3]>) -> Self {
        self.band = band.into_iter().collect();
        self
    }
}

/// More points than this are thinned: a plot has fewer pixels.
const MOST: usize = 1500;

/// The points, or when they are too many the lowest and the highest of every
/// group, so that no spike is lost; gaps stay gaps.
pub(super) fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= MOST {
        return points.to_vec();
    }
    let group = points.len().div_ceil(MOST / 3);
    let mut thin = Vec::new();
    for chunk in points.chunks(group) {
        let finite = || chunk.iter().enumerate().filter(|(_, p)| p[0].is_finite() && p[1].is_finite());
        let low = finite().min_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        let high = finite().max_by(|a, b| a.1[1].total_cmp(&b.1[1]));
        if let (Some(a), Some(b)) = (low, high) {
            thin.push(*if a.0 < b.0 { a.1 } else { b.1 });
            if a.0 != b.0 {
                thin.push(*if a.0 < b.0 { b.1 } else { a.1 });
            }
        }
        if finite().count() < chunk.len() {
            thin.push([f64::NAN; 2]);
        }
    }
    thin
}

/// Runs of neighbouring items that have a place on both axes.
pub(super) fn pieces<'a, const N: usize>(
    items: &'a [[f64; N]],
    x: &'a Axis,
    y: &'a Axis,
) -> impl Iterator<Item = &'a [[f64; N]]> {
    let shown = move |item: &[f64; N]| x.shows(item[0]) && item[1..].iter().all(|v| y.shows(*v));
    items.split(move |item| !shown(item)).filter(|piece| !piece.is_empty())
}

/// A path through pixels.
pub(super) fn path(pixels: impl IntoIterator<Item = [f64; 2]>) -> String {
    let mut path = String::new();
    for (i, [x, y]) in pixels.into_iter().enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { 'M' } else { 'L' });
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_spikes_and_gaps() {
        let mut points: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), 0.5]).collect();
        points[50_001][1] = 9.0;
        points[70_000][1] = f64::NAN;
        let thin = thinned(&points);
        assert!(thin.len() < 2 * MOST);
        assert!(thin.contains(&[50_001.0, 9.0]));
        assert_eq!(pieces(&thin, &Axis::default(), &Axis::default()).count(), 2);
    }
}
