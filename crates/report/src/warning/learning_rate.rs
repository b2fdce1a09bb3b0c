//! A gain that a higher learning rate would have given as well.

use super::{Caution, points};
use crate::statistics::{Comparison, Resampling, Summary};
use crate::text::shorten;

/// A method beats the baseline, but not the baseline with a matched learning rate.
///
/// Weighting unimodal losses by alpha multiplies the learning rate of encoders
/// (methods that weight losses must be compared with a baseline that gets the
/// same). "Gone" means: less than half of the mean gain is left, and where
/// there are two or more pairs, zero lies in the interval of what is left.
#[derive(Clone, Debug, PartialEq)]
pub struct GainIsLearningRate {
    /// The method, the baseline and the control.
    pub names: [String; 3],
    /// Mean of method minus baseline.
    pub gain: f64,
    /// Mean of method minus control.
    pub left: f64,
    /// Pairs of runs.
    pub pairs: usize,
}

impl GainIsLearningRate {
    /// Looks at the results of three methods, by name, over the same seeds in
    /// the same order; larger is better.
    ///
    /// ```
    /// use counterpoint_report::warning::GainIsLearningRate;
    /// // GRID letters: the gain of DGL over joint is there with joint at 4 times the rate, too.
    /// let dgl = ("dgl", &[0.933, 0.925, 0.941][..]);
    /// let joint = ("joint", &[0.898, 0.889, 0.906][..]);
    /// let faster = ("joint, lr x4", &[0.931, 0.940, 0.924][..]);
    /// assert!(GainIsLearningRate::find(dgl, joint, faster).is_some());
    /// ```
    pub fn find(method: (&str, &[f64]), baseline: (&str, &[f64]), control: (&str, &[f64])) -> Option<Self> {
        let plan = Resampling { draws: 0, ..Resampling::default() };
        let over = |other: &[f64]| Comparison::paired(method.1, other, &plan);
        let (above, rest) = (over(baseline.1), over(control.1));
        let (gain, left) = (above.difference?, rest.difference?);
        let beyond = above.interval.is_none_or(|i| i.low > 0.0);
        let nothing = rest.interval.is_none_or(|i| i.low <= 0.0);
        let names = [method.0, baseline.0, control.0].map(str::to_owned);
        let pairs = Summary::of(method.1).n.min(rest.pairs);
        (gain > 0.0 && beyond && left < 0.5 * gain && nothing).then_some(Self { names, gain, left, pairs })
    }
}

impl Caution for GainIsLearningRate {
    const KIND: &'static str = "gain_is_learning_rate";

    fn message(&self) -> String {
        let [method, baseline, control] = self.names.each_ref().map(|name| shorten(name, 60));
        let what = match self.left {
            left if left > 0.0 => format!("{} is left of it", points(left)),
            _ => "nothing is left of it".to_owned(),
        };
        let runs = if self.pairs == 1 {
            "1 pair of runs".to_owned()
        } else {
            format!("{} pairs of runs", self.pairs)
        };
        format!("{method} gains {} over {baseline}, but {what} against {control} ({runs})", points(self.gain))
    }

    fn remedy(&self) -> String {
        let [method, baseline, _] = self.names.each_ref().map(|name| shorten(name, 60));
        format!(
            "tune the learning rate of {baseline} before crediting {method}; do not report this gain as the method's"
        )
    }
}
