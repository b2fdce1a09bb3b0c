//! Counts of true and predicted classes.

use counterpoint_batch::ClassMap;

use crate::task::counts::ClassCounts;

/// How often pixels of each class were taken for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Confusion {
    classes: usize,
    /// `[true, predicted]`, row-major.
    counts: Vec<f64>,
}

impl Confusion {
    /// No pixel yet.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0.0; classes * classes] }
    }

    /// The counts `[true, predicted]`, row-major.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// Counts pixels of one map against predicted classes; void is left out.
    pub fn add(&mut self, truth: &[u8], predicted: impl Iterator<Item = usize>) {
        for (&truth, predicted) in truth.iter().zip(predicted) {
            if truth != ClassMap::VOID {
                self.counts[usize::from(truth) * self.classes + predicted] += 1.0;
            }
        }
    }

    /// Adds counts in the order of [`Self::counts`].
    pub fn merge(&mut self, counts: impl Iterator<Item = f64>) {
        self.counts.iter_mut().zip(counts).for_each(|(sum, more)| *sum += more);
    }

    /// What the metrics are made of.
    pub(in crate::task) fn by_class(&self) -> ClassCounts {
        let mut counts = ClassCounts::new(self.classes);
        for ([truth, said], count) in self.pairs() {
            counts.add(truth, said, count);
        }
        counts
    }

    /// The pairs of true and predicted class that occur, with their counts.
    pub(in crate::task) fn pairs(&self) -> impl Iterator<Item = ([usize; 2], f64)> {
        let filled = self.counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
        filled.map(|(at, &count)| ([at / self.classes, at % self.classes], count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn void_does_not_count() {
        let mut confusion = Confusion::new(3);
        confusion.add(&[0, 255, 0, 1], [0, 1, 1, 1].into_iter());
        assert_eq!(confusion.pairs().collect::<Vec<_>>(), [([0, 0], 1.0), ([0, 1], 1.0), ([1, 1], 1.0)]);
        // Class 0: 1 of 2; class 1: 1 of 2; class 2 has no pixel.
        let iou = confusion.by_class().iou();
        assert!(iou[..2] == [0.5, 0.5] && iou[2].is_nan());
    }
}
