//! Counts of true and predicted classes.

use counterpoint_batch::ClassMap;

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

    /// Mean over classes with a non-empty union of intersection over union;
    /// 0 if no pixel was counted.
    pub fn miou(&self) -> f64 {
        let (mut sum, mut classes) = (0.0, 0.0);
        for k in 0..self.classes {
            let truth: f64 = self.counts[k * self.classes..(k + 1) * self.classes].iter().sum();
            let said: f64 = self.counts.iter().skip(k).step_by(self.classes).sum();
            let hits = self.counts[k * self.classes + k];
            let union = truth + said - hits;
            if union > 0.0 {
                sum += hits / union;
                classes += 1.0;
            }
        }
        if classes > 0.0 { sum / classes } else { 0.0 }
    }

    /// Share of pixels that have their class; 0 if no pixel was counted.
    pub fn pixel_accuracy(&self) -> f64 {
        let hits: f64 = self.counts.iter().step_by(self.classes + 1).sum();
        let all: f64 = self.counts.iter().sum();
        if all > 0.0 { hits / all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_toy_confusion_of_the_method_by_hand() {
        let confusion = Confusion { classes: 2, counts: vec![3.0, 1.0, 1.0, 3.0] };
        assert_eq!((confusion.miou(), confusion.pixel_accuracy()), (0.6, 0.75));
    }

    #[test]
    fn void_and_classes_that_never_occur_do_not_count() {
        let mut confusion = Confusion::new(3);
        confusion.add(&[0, 255, 0, 1], [0, 1, 1, 1].into_iter());
        // Class 0: 1 of 2; class 1: 1 of 2; class 2 has no union.
        assert_eq!(confusion.miou(), 0.5);
        let empty = Confusion::new(3);
        assert_eq!((empty.miou(), empty.pixel_accuracy()), (0.0, 0.0));
    }
}
