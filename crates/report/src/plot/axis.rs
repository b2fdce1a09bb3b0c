//! From values to pixels, with ticks at round numbers.

use crate::text::decimal;

/// An axis as asked for.
///
/// ```
/// use counterpoint_report::plot::Axis;
/// let axis = Axis::new("accuracy, %").within(0.0, 100.0);
/// assert_eq!(axis.high, Some(100.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// Title with unit.
    pub title: String,
    /// Logarithmic; values that are not above zero are then gaps.
    pub log: bool,
    /// Only whole numbers get ticks (epochs).
    pub whole: bool,
    /// Lowest value shown, at least; the data may extend it.
    pub low: Option<f64>,
    /// Highest value shown, at least; the data may extend it.
    pub high: Option<f64>,
}

impl Axis {
    /// A linear axis that fits its data.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Makes the axis logarithmic.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.log = true;
        self
    }

    /// Gives ticks to whole numbers only.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Shows at least this range.
    #[must_use]
    pub fn within(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (Some(low), Some(high));
        self
    }

    /// Shows the range that these values take, with ends at ticks: what several
    /// pictures need to be compared at a glance.
    #[must_use]
    pub fn spanning(self, values: impl Iterator<Item = f64>) -> Self {
        let Scale { low, high, .. } = self.scale(values, [0.0, 1.0]);
        self.within(low, high)
    }

    /// Whether the value has a place on the axis.
    pub(super) fn shows(&self, value: f64) -> bool {
        // Beyond this bound a difference of two values may overflow.
        value.is_finite() && value.abs() < 1e300 && (!self.log || value > 1e-300)
    }

    /// The axis on these values, between two pixels.
    pub(super) fn scale(&self, values: impl Iterator<Item = f64>, pixels: [f64; 2]) -> Scale {
        let shown = values.chain(self.low).chain(self.high).filter(|v| self.shows(*v));
        let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (low, high) =
            if low > high { if self.log { (0.1, 1.0) } else { (0.0, 1.0) } } else { (low, high) };
        if self.log { self.decades(low, high, pixels) } else { self.linear(low, high, pixels) }
    }

    fn linear(&self, low: f64, high: f64, pixels: [f64; 2]) -> Scale {
        // A constant curve sits in the middle of a range of its own size.
        let flat = high - low <= 1e-9 * low.abs().max(high.abs()) + 1e-300;
        let pad = if self.whole { (1e-6 * low.abs()).max(1.0) } else { (0.05 * low.abs()).max(0.5e-3) };
        let (low, high) = if flat { (low - pad, high + pad) } else { (low, high) };
        let mut step = round_step((high - low) / 5.0);
        if self.whole {
            step = step.max(1.0).round();
        }
        // The ends move out to ticks, except where the axis was given or counts epochs.
        let near = |end: f64, given: Option<f64>, snapped: f64| {
            if given == Some(end) || self.whole { end } else { snapped }
        };
        let low = near(low, self.low, (low / step + 1e-9).floor() * step);
        let high = near(high, self.high, (high / step - 1e-9).ceil() * step);
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let count = (last - first).clamp(0.0, 20.0) as usize;
        let tick = |i: usize| (first + i as f64) * step;
        let ticks = (0..=count).map(|i| (tick(i), label(tick(i), decimals))).collect();
        Scale { low, high, log: false, pixels, ticks }
    }

    fn decades(&self, low: f64, high: f64, pixels: [f64; 2]) -> Scale {
        let (from, to) = ((low.log10() + 1e-9).floor() as i32, (high.log10() - 1e-9).ceil() as i32);
        let to = to.max(from + 1);
        let every = (to - from + 6) / 7;
        let within: &[f64] = if to - from <= 2 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut ticks = Vec::new();
        for exponent in (from..=to).step_by(every.max(1) as usize) {
            for factor in within {
                let value = factor * 10_f64.powi(exponent);
                if exponent < to || *factor == 1.0 {
                    ticks.push((value, label(value, (-exponent).clamp(0, 12) as usize)));
                }
            }
        }
        Scale { low: 10_f64.powi(from), high: 10_f64.powi(to), log: true, pixels, ticks }
    }
}

/// The next of 1, 2, 5, 10, ... times a power of ten.
fn round_step(rough: f64) -> f64 {
    if !(rough.is_finite() && rough > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

fn label(value: f64, decimals: usize) -> String {
    let size = value.abs();
    if size >= 1e6 || (size > 0.0 && size < 1e-4) { format!("{value:.0e}") } else { decimal(value, decimals) }
}

/// An axis with a place.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    log: bool,
    pixels: [f64; 2],
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// The pixel of a value the axis shows.
    pub fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.pixels[0] + share.clamp(0.0, 1.0) * (self.pixels[1] - self.pixels[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.scale(values.iter().copied(), [0.0, 100.0]).ticks.into_iter().map(|t| t.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(&Axis::default(), &[0.13, 0.97]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&Axis::default(), &[-3.0, 11.0]), ["-5", "0", "5", "10", "15"]);
        assert_eq!(labels(&Axis::new("").whole(), &[1.0, 3.0]), ["1", "2", "3"]);
        assert_eq!(labels(&Axis::new("").whole(), &[1.0, 50.0]), ["10", "20", "30", "40", "50"]);
        assert_eq!(labels(&Axis::new("").log(), &[0.004, 0.9]), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&Axis::new("").log(), &[0.3, 0.9]), ["0.1", "0.2", "0.5", "1"]);
    }

    #[test]
    fn no_value_breaks_an_axis() {
        let odd = [f64::NAN, f64::INFINITY, f64::MAX, -f64::MAX, 0.0, -0.0, 5e-324, 1e299, -1e299, 7.0];
        for axis in [
            Axis::default(),
            Axis::default().log(),
            Axis::default().whole(),
            Axis::default().within(1.0, 1.0),
        ] {
            for a in odd {
                for b in odd {
                    let scale = axis.scale([a, b].into_iter(), [10.0, 90.0]);
                    assert!(scale.ticks.len() < 25, "{a} {b}");
                    for value in [a, b].into_iter().filter(|v| axis.shows(*v)) {
                        assert!((10.0..=90.0).contains(&scale.at(value)), "{value} in {a} {b}");
                    }
                }
            }
        }
    }
}
