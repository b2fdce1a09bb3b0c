//! What a class is, what it was taken for, and the metrics made of both.

/// Of every class how many samples (or pixels) are of it, how many were taken
/// for it, and how many of those rightly.
///
/// A class that is not there cannot be recognised: means are over the classes
/// that occur, or as each metric says. A metric of nothing is not defined, NaN.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClassCounts {
    hits: Vec<f64>,
    said: Vec<f64>,
    truly: Vec<f64>,
}

impl ClassCounts {
    pub fn new(classes: usize) -> Self {
        Self { hits: vec![0.0; classes], said: vec![0.0; classes], truly: vec![0.0; classes] }
    }

    /// Counts samples of one class that were taken for another or the same.
    pub fn add(&mut self, truth: usize, said: usize, count: f64) {
        self.truly[truth] += count;
        self.said[said] += count;
        if truth == said {
            self.hits[truth] += count;
        }
    }

    /// Share of samples that were recognised.
    pub fn accuracy(&self) -> f64 {
        ratio(self.hits.iter().sum(), self.truly.iter().sum())
    }

    /// Mean recall over the classes that occur: balanced accuracy of samples,
    /// mean class accuracy of pixels.
    pub fn mean_recall(&self) -> f64 {
        mean(self.classes().map(|k| ratio(self.hits[k], self.truly[k])))
    }

    /// Mean F1 over the classes that occur or were predicted.
    pub fn macro_f1(&self) -> f64 {
        mean(self.classes().map(|k| self.f1(k)))
    }

    /// Mean F1 over the classes that occur, each weighted by how often.
    pub fn weighted_f1(&self) -> f64 {
        let occurring = self.classes().filter(|&k| self.truly[k] > 0.0);
        ratio(occurring.map(|k| self.truly[k] * self.f1(k)).sum(), self.truly.iter().sum())
    }

    /// Intersection over union of every class; NaN for one that does not occur.
    pub fn iou(&self) -> Vec<f64> {
        let of = |k: usize| match self.truly[k] {
            0.0 => f64::NAN,
            truly => self.hits[k] / (truly + self.said[k] - self.hits[k]),
        };
        self.classes().map(of).collect()
    }

    fn classes(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.truly.len()
    }

    fn f1(&self, class: usize) -> f64 {
        ratio(2.0 * self.hits[class], self.truly[class] + self.said[class])
    }
}

/// The quotient; not defined of nothing.
pub(super) fn ratio(above: f64, below: f64) -> f64 {
    if below > 0.0 { above / below } else { f64::NAN }
}

/// The mean of the values that are defined; not defined without one.
pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let defined = values.into_iter().filter(|value| !value.is_nan());
    let (sum, count) = defined.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    ratio(sum, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counted_defines_nothing() {
        let none = ClassCounts::new(2);
        let all =
            [none.accuracy(), none.mean_recall(), none.macro_f1(), none.weighted_f1(), mean(none.iou())];
        assert!(all.iter().all(|value| value.is_nan()), "{all:?}");
    }

    #[test]
    fn the_union_counts_what_was_said_but_only_of_classes_that_occur() {
        // Confusion [[487, 175, 1386], [0, 1434, 614], [0, 0, 0]]: class 2 is said and never true.
        let mut counts = ClassCounts::new(3);
        for (truth, said, count) in
            [(0, 0, 487.0), (0, 1, 175.0), (0, 2, 1386.0), (1, 1, 1434.0), (1, 2, 614.0)]
        {
            counts.add(truth, said, count);
        }
        let iou = counts.iou();
        assert!((iou[0] - 487.0 / 2048.0).abs() < 1e-12 && (iou[1] - 1434.0 / 2223.0).abs() < 1e-12);
        assert!(iou[2].is_nan());
        let by_hand = (487.0 / 2048.0 + 1434.0 / 2223.0) / 2.0;
        assert!((mean(iou) - by_hand).abs() < 1e-12 && (by_hand - 0.441_f64).abs() < 5e-4);
        assert!((counts.mean_recall() - (487.0 + 1434.0) / 2.0 / 2048.0).abs() < 1e-12);
        assert!((counts.accuracy() - 1921.0 / 4096.0).abs() < 1e-12);
    }
}
