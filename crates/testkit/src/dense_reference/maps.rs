//! Score maps of several sizes, computed with on the host in double precision:
//! what the loss and the confusion of a file mean, independent of the library.

use counterpoint_batch::ClassMap;

/// Sizes of a segmentation batch.
#[derive(Clone, Copy)]
pub(super) struct Maps {
    pub batch: usize,
    pub classes: usize,
    pub size: [usize; 2],
}

impl Maps {
    /// By what the size of each score map is divided, and its name in a file.
    pub const SCALES: [(usize, &'static str); 4] = [(1, "full"), (8, "1/8"), (16, "1/16"), (32, "1/32")];

    fn scaled(&self, scale: usize) -> [usize; 2] {
        self.size.map(|side| side.div_ceil(scale))
    }

    fn pixels(&self, scale: usize) -> usize {
        self.scaled(scale).iter().product()
    }

    /// How many labels of a scale say nothing, and how many each class.
    pub fn counts(&self, labels: &[u8], scale: usize) -> Vec<u64> {
        let mut counts = vec![0; self.classes + 1];
        for class in self.labels(labels, scale) {
            counts[if class == ClassMap::VOID { 0 } else { usize::from(class) + 1 }] += 1;
        }
        counts
    }

    /// The classes of every `scale`-th pixel.
    fn labels(&self, labels: &[u8], scale: usize) -> Vec<u8> {
        let [height, width] = self.size;
        let mut picked = Vec::new();
        for image in labels.chunks_exact(height * width) {
            for row in image.chunks_exact(width).step_by(scale) {
                picked.extend(row.iter().step_by(scale));
            }
        }
        picked
    }

    /// The scores of one size, `[batch * pixels, classes]`, out of those of all.
    fn scores<'a>(&self, all: &'a [f64], scale: usize) -> Vec<&'a [f64]> {
        let before: usize =
            Self::SCALES.iter().take_while(|(s, _)| *s != scale).map(|(s, _)| self.pixels(*s)).sum();
        let whole: usize = Self::SCALES.iter().map(|(s, _)| self.pixels(*s)).sum();
        let sample = |b: usize| {
            let start = (b * whole + before) * self.classes;
            all[start..start + self.pixels(scale) * self.classes].chunks_exact(self.classes)
        };
        (0..self.batch).flat_map(sample).collect()
    }

    /// The scores of one size as `[batch, classes, height, width]`.
    pub fn of(&self, all: &[f64], scale: usize) -> Vec<f64> {
        let scores = self.scores(all, scale);
        let mut maps = Vec::with_capacity(scores.len() * self.classes);
        for image in scores.chunks_exact(self.pixels(scale)) {
            for class in 0..self.classes {
                maps.extend(image.iter().map(|pixel| pixel[class]));
            }
        }
        maps
    }

    /// `[sum w_y CE] / [sum w_y]` over valid pixels of one size.
    pub fn loss(&self, all: &[f64], labels: &[u8], scale: usize, weights: &[f64]) -> f64 {
        let (mut above, mut below) = (0.0, 0.0);
        for (scores, class) in self.scores(all, scale).into_iter().zip(self.labels(labels, scale)) {
            if class != ClassMap::VOID {
                let weight = weights[usize::from(class)];
                let top = scores.iter().fold(f64::NEG_INFINITY, |top, v| top.max(*v));
                let sum: f64 = scores.iter().map(|v| (v - top).exp()).sum();
                above += weight * (top + sum.ln() - scores[usize::from(class)]);
                below += weight;
            }
        }
        if below > 0.0 { above / below } else { 0.0 }
    }

    /// Valid pixels of the full size, `[true, predicted]` row-major.
    pub fn confusion(&self, all: &[f64], labels: &[u8]) -> Vec<f64> {
        let mut confusion = vec![0.0; self.classes * self.classes];
        for (scores, &class) in self.scores(all, 1).into_iter().zip(labels) {
            if class != ClassMap::VOID {
                let best =
                    (1..self.classes).fold(0, |best, k| if scores[k] > scores[best] { k } else { best });
                confusion[usize::from(class) * self.classes + best] += 1.0;
            }
        }
        confusion
    }
}
