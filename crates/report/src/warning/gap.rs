//! Too few validation samples for a gap.

use super::{Caution, points};
use crate::text::shorten;

/// Two methods differ by less than this validation split can tell apart.
///
/// On `n` samples the difference of two accuracies has the standard error
/// `sqrt((d - gap^2) / n)`, where `d` is the share of samples that exactly one
/// of the two gets right (McNemar 1947). Without predictions `d` is not known;
/// two classifiers that err independently have `d = p(1 - q) + q(1 - p)`, which
/// is larger than what two models of the same data show, so the resolution is
/// then stated too coarse rather than too fine.
#[derive(Clone, Debug, PartialEq)]
pub struct GapUnresolved {
    /// The method that is ahead, and the other.
    pub methods: [String; 2],
    /// By how much.
    pub gap: f64,
    /// The smallest gap that these samples resolve (1.96 standard errors).
    pub resolution: f64,
    /// Samples of the split.
    pub samples: u64,
    /// Samples that would resolve the gap; `None` if it is 0.
    pub needed: Option<u64>,
}

impl GapUnresolved {
    /// Looks at two methods, each with its name and accuracy on the same split.
    ///
    /// `disagreement` is the share of samples that exactly one gets right, if
    /// predictions are at hand.
    ///
    /// ```
    /// use counterpoint_report::warning::GapUnresolved;
    /// let find = |samples| GapUnresolved::find(("dgl", 0.91), ("joint", 0.90), samples, Some(0.1));
    /// assert_eq!(find(500).unwrap().needed, Some(3838));
    /// assert!(find(4000).is_none());
    /// ```
    pub fn find(
        (first, p): (&str, f64),
        (second, q): (&str, f64),
        samples: u64,
        disagreement: Option<f64>,
    ) -> Option<Self> {
        let gap = (p - q).abs();
        if samples == 0 || !gap.is_finite() {
            return None;
        }
        let apart = disagreement.unwrap_or(p * (1.0 - q) + q * (1.0 - p));
        let variance = (apart - gap * gap).max(0.0);
        let resolution = Z * (variance / samples as f64).sqrt();
        let needed = (gap > 0.0).then(|| (variance * (Z / gap).powi(2)).ceil() as u64);
        let methods = if p >= q { [first, second] } else { [second, first] }.map(str::to_owned);
        (gap <= resolution).then_some(Self { methods, gap, resolution, samples, needed })
    }
}

/// The normal quantile of 0.975.
const Z: f64 = 1.959_963_984_540_054;

impl Caution for GapUnresolved {
    const KIND: &'static str = "gap_unresolved";

    fn message(&self) -> String {
        let [ahead, behind] = self.methods.each_ref().map(|name| shorten(name, 60));
        format!(
            "{ahead} is {} ahead of {behind}, but {} samples resolve gaps of {} or more",
            points(self.gap),
            self.samples,
            points(self.resolution)
        )
    }

    fn remedy(&self) -> String {
        let enough = match self.needed {
            Some(count) => format!("about {count} samples would resolve it"),
            None => "no number of samples resolves a gap of 0".into(),
        };
        format!(
            "{enough}: use a larger validation split or k-fold validation, and do not choose between the two by it"
        )
    }
}
