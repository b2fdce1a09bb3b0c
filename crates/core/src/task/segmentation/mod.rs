//! A class for every pixel.

mod confusion;
mod weights;

pub use confusion::Confusion;
pub use weights::{ClassWeights, median_frequency};

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use counterpoint_batch::{ClassMap, Targets};

use super::counts::{ClassCounts, mean};
use super::{Additive, Metric, MetricFn, Metrics, Task, TaskKind};
use crate::Error;
use crate::engine::{self, Arithmetic};
use crate::host::host;

/// How a metric is computed.
type Value = fn(&ClassCounts) -> f64;

const METRICS: &[MetricFn<Value>] = &[
    Metric::share("miou", "mIoU").by(|pixels| mean(pixels.iou())),
    Metric::share("pixel_accuracy", "pixel accuracy").by(ClassCounts::accuracy),
    Metric::share("mean_class_accuracy", "mean class accuracy").by(ClassCounts::mean_recall),
];

/// Segmentation with class-weighted cross-entropy at several scales.
///
/// ```text
/// loss = sum over scales r of  [sum w_y CE over valid pixels] / [sum w_y of them],   0 if none is valid
/// label of scale r = raw[::r, ::r]
/// ```
///
/// A sample's scores are one row per pixel: those of the first scale (the full
/// size) row by row, then those of the other scales, `[samples * places,
/// classes]`. Models without side outputs give the first scale alone.
///
/// Metrics are of the full size, over valid pixels: `miou` is the mean
/// intersection over union, `mean_class_accuracy` the mean recall, both over
/// the classes that have a true pixel in the split; `pixel_accuracy` is the
/// share of pixels that have their class. Without a valid pixel they are not
/// defined (NaN). Source: Seichter et al., ICRA 2021;
/// docs/methods.md, "ESANet".
#[derive(Clone, Debug)]
pub struct Segmentation {
    size: [usize; 2],
    weights: Vec<f64>,
    /// Of every scale the places in a label map that it looks at.
    scales: Vec<Vec<usize>>,
    selects: usize,
}

impl Segmentation {
    /// A task on maps of a height and width with a weight for every class.
    ///
    /// # Errors
    /// If the first scale is not 1, one is 0, or there are more than 255 classes.
    pub fn new(size: [usize; 2], weights: Vec<f64>, scales: &[usize]) -> Result<Self, Error> {
        if scales.first() != Some(&1) || scales.contains(&0) {
            return Err(Error::config(format!(
                "task.scales = {scales:?}: expected 1 for the full size first, then by how much each side output \
                 is smaller"
            )));
        }
        if weights.len() > usize::from(ClassMap::VOID) {
            return Err(Error::config(format!(
                "segmentation takes up to 255 classes, got {}",
                weights.len()
            )));
        }
        let [height, width] = size;
        let places = |&scale: &usize| {
            let rows = (0..height).step_by(scale);
            rows.flat_map(|y| (0..width).step_by(scale).map(move |x| y * width + x)).collect()
        };
        let scales = scales.iter().map(places).collect();
        Ok(Self { size, weights, scales, selects: 0 })
    }

    /// The same with the best epoch selected by the metric of that name.
    pub(super) fn selected_by(self, name: &str) -> Result<Self, Error> {
        Ok(Self { selects: self.metrics().place(name)?, ..self })
    }

    /// The scales that the score rows of a sample cover: all, or only the full size.
    fn scales(&self, scores: &Tensor<2>, samples: usize) -> &[Vec<usize>] {
        let places = scores.dims()[0] / samples.max(1);
        let all: usize = self.scales.iter().map(Vec::len).sum();
        let full = self.scales[0].len();
        assert!(
            places == all || places == full,
            "a model for maps of {:?} gives {full} or, with side outputs, {all} rows of scores per sample, got \
             {places}",
            self.size
        );
        if places == all { &self.scales } else { &self.scales[..1] }
    }

    /// The label maps of the samples.
    fn maps<'a>(&self, targets: &'a Targets) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        match targets {
            Targets::Maps { height, width, pixels } if [*height, *width] == self.size => {
                pixels.chunks_exact(height * width)
            }
            _ => super::mismatch(TaskKind::Segmentation, targets),
        }
    }

    /// Cross-entropy of every row of scores times its share in the loss, `[rows]`;
    /// the sums of weights run over the samples of `all`, or over each by itself.
    fn weighted(&self, scores: Tensor<2>, targets: &Targets, all: Option<&Targets>) -> Tensor<1> {
        let scales = self.scales(&scores, targets.len());
        let weight = |class: u8| self.weights.get(usize::from(class)).copied().unwrap_or(0.0);
        let sum = |map: &[u8], places: &[usize]| places.iter().map(|&at| weight(map[at])).sum::<f64>();
        let total = |places: &Vec<usize>| Some(self.maps(all?).map(|map| sum(map, places)).sum());
        let totals: Vec<Option<f64>> = scales.iter().map(total).collect();
        let rows = scores.dims()[0];
        let (mut labels, mut shares) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for map in self.maps(targets) {
            for (places, &total) in scales.iter().zip(&totals) {
                let total = total.unwrap_or_else(|| sum(map, places));
                for &at in places {
                    let class = map[at];
                    labels.push(if class == ClassMap::VOID { 0 } else { u32::from(class) });
                    shares.push(if total > 0.0 { (weight(class) / total) as f32 } else { 0.0 });
                }
            }
        }
        engine::cross_entropy(scores, labels, shares, Arithmetic::chosen())
    }

    /// The counts of all samples, from the reduced scores of each.
    fn together(&self, reduced: &[f32]) -> Confusion {
        let mut confusion = Confusion::new(self.weights.len());
        for sample in reduced.chunks_exact(self.reduced_width()) {
            confusion.merge(sample.iter().map(|&count| f64::from(count)));
        }
        confusion
    }

    /// Scores of the full size, the pixels of a sample together.
    fn full(&self, scores: Tensor<2>, samples: usize) -> Tensor<2> {
        let [rows, classes] = scores.dims();
        let full = self.scales[0].len();
        match rows / samples.max(1) {
            places if places == full => scores,
            places => scores
                .reshape([samples, places, classes])
                .narrow(1, 0, full) // [samples, pixels, classes]
                .reshape([samples * full, classes]),
        }
    }
}

impl Additive for Segmentation {
    fn share(&self, scores: Tensor<2>, own: &Targets, all: &Targets) -> Tensor<1> {
        self.weighted(scores, own, Some(all)).sum()
    }
}

impl Task for Segmentation {
    fn kind(&self) -> TaskKind {
        TaskKind::Segmentation
    }

    fn outputs(&self) -> usize {
        self.weights.len()
    }

    fn loss(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        self.share(scores, targets, targets)
    }

    fn losses(&self, scores: Tensor<2>, targets: &Targets) -> Tensor<1> {
        let samples = targets.len();
        let rows = scores.dims()[0];
        let weighted = self.weighted(scores, targets, None);
        weighted.reshape([samples, rows / samples]).sum_dim(1).reshape([samples])
    }

    fn additive(&self) -> Option<&dyn Additive> {
        Some(self)
    }

    fn metrics(&self) -> Metrics {
        Metrics::of(METRICS, self.selects)
    }

    fn reduced_width(&self) -> usize {
        self.weights.len() * self.weights.len()
    }

    /// The predicted class of every pixel of the full size.
    fn reduce_on_device(&self, scores: Tensor<2>, samples: usize) -> Tensor<2> {
        self.full(scores, samples).argmax(1).float()
    }

    /// Of every sample its confusion counts `[true, predicted]`.
    fn reduce_on_host(&self, predicted: Vec<f32>, targets: &Targets) -> Vec<f32> {
        let of_samples = predicted.chunks_exact(self.scales[0].len()).zip(self.maps(targets));
        let mut reduced = Vec::with_capacity(targets.len() * self.reduced_width());
        for (predicted, map) in of_samples {
            let mut confusion = Confusion::new(self.weights.len());
            confusion.add(map, predicted.iter().map(|&class| class as usize));
            // Whole numbers below 2^24, as long as a map has fewer pixels.
            reduced.extend(confusion.counts().iter().map(|&count| count as f32));
        }
        reduced
    }

    fn evaluate(&self, reduced: &[f32], _targets: &Targets) -> Vec<f64> {
        let pixels = self.together(reduced).by_class();
        METRICS.iter().map(|metric| (metric.value)(&pixels)).collect()
    }

    fn confusion(&self, reduced: &[f32], _targets: &Targets) -> BTreeMap<[usize; 2], u64> {
        self.together(reduced).pairs().map(|(pair, count)| (pair, count as u64)).collect()
    }

    fn class_iou(&self, reduced: &[f32]) -> Option<Vec<f64>> {
        Some(self.together(reduced).by_class().iou())
    }

    fn running(&self) -> Option<Metric> {
        Some(METRICS[1].metric)
    }

    /// Over the valid pixels of the full size.
    fn confidence(&self, scores: Tensor<2>, targets: &Targets) -> Option<f64> {
        let classes = self.weights.len();
        let scores = host(self.full(scores, targets.len()));
        let truth = self.maps(targets).flatten();
        let (mut sum, mut count) = (0.0, 0.0);
        for (row, &class) in scores.chunks_exact(classes).zip(truth) {
            if class != ClassMap::VOID {
                let at = row[usize::from(class)];
                sum += 1.0 / row.iter().map(|&score| f64::from(score - at).exp()).sum::<f64>();
                count += 1.0;
            }
        }
        Some(if count > 0.0 { sum / count } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::scalar;
    use burn::tensor::{Device, TensorData};

    fn scores(values: &[f32], classes: usize) -> Tensor<2> {
        let rows = values.len() / classes;
        Tensor::from_data(TensorData::new(values.to_vec(), [rows, classes]), &Device::flex())
    }

    fn maps(size: [usize; 2], pixels: &[u8]) -> Targets {
        Targets::Maps { height: size[0], width: size[1], pixels: pixels.to_vec() }
    }

    #[test]
    fn the_loss_by_hand_with_weights_void_and_a_second_scale() {
        let task = Segmentation::new([1, 2], vec![1.0, 3.0], &[1, 2]).unwrap();
        // Sample 1: classes 0, 1; sample 2: void, 1. The second scale sees the first pixels: 0 and void.
        let targets = maps([1, 2], &[0, 1, 255, 1]);
        let of = [[0.0, 1.0], [2.0, 0.0], [9.0, 1.0], [5.0, 5.0], [0.0, 0.5], [9.0, 9.0]];
        let ce = |row: [f32; 2], class: usize| {
            let row = row.map(f64::from);
            (row[0].exp() + row[1].exp()).ln() - row[class]
        };
        // Rows of a sample: two pixels, then one of the second scale.
        let (a, b) = ([of[0], of[1], of[4]], [of[2], of[3], of[5]]);
        let full = (ce(a[0], 0) + 3.0 * ce(a[1], 1) + 3.0 * ce(b[1], 1)) / 7.0;
        let by_hand = full + ce(a[2], 0);
        let all: Vec<f32> = [a, b].as_flattened().as_flattened().to_vec();
        let loss = scalar(task.loss(scores(&all, 2), &targets));
        assert!((loss - by_hand).abs() < 1e-6, "{loss} {by_hand}");
        let alone = host(task.losses(scores(&all, 2), &targets));
        let first = (ce(a[0], 0) + 3.0 * ce(a[1], 1)) / 4.0 + ce(a[2], 0);
        assert!(
            (f64::from(alone[0]) - first).abs() < 1e-6 && (f64::from(alone[1]) - ce(b[1], 1)).abs() < 1e-6
        );
        // A model without side outputs.
        let plain: Vec<f32> = of[..4].as_flattened().to_vec();
        assert!((scalar(task.loss(scores(&plain, 2), &targets)) - full).abs() < 1e-6);
    }

    #[test]
    fn a_map_of_nothing_but_void_costs_nothing() {
        let task = Segmentation::new([1, 2], vec![1.0, 1.0], &[1]).unwrap();
        let (targets, scores) = (maps([1, 2], &[255, 255]), scores(&[1.0, 2.0, 3.0, 4.0], 2));
        assert_eq!(scalar(task.loss(scores.clone(), &targets)), 0.0);
        let reduced = task.reduce(scores.clone(), &targets);
        assert!(task.evaluate(&reduced, &targets).iter().all(|value| value.is_nan()));
        assert_eq!(task.confidence(scores, &targets), Some(0.0));
    }

    #[test]
    fn an_evaluation_keeps_confusion_counts_of_the_full_size() {
        let task = Segmentation::new([1, 2], vec![1.0, 1.0], &[1, 2]).unwrap();
        let targets = maps([1, 2], &[0, 1, 1, 255]);
        let values = [3.0, 1.0, 2.0, 0.0, 0.0, 9.0, /* sample 2 */ 0.0, 1.0, 5.0, 0.0, 9.0, 0.0];
        let reduced = task.reduce(scores(&values, 2), &targets);
        assert_eq!(reduced, [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        // Class 0: 1 of 2 in union, recall 1 of 1; class 1: 1 of 2, recall 1 of 2.
        assert_eq!(task.evaluate(&reduced, &targets), [0.5, 2.0 / 3.0, 0.75]);
        assert_eq!(task.class_iou(&reduced), Some(vec![0.5, 0.5]));
        assert_eq!(task.confusion(&reduced, &targets), [([0, 0], 1), ([1, 0], 1), ([1, 1], 1)].into());
        let sure = task.confidence(scores(&values, 2), &targets).unwrap();
        let p = |other: f64| 1.0 / (1.0 + other.exp());
        assert!((sure - (p(-2.0) + p(2.0) + p(-1.0)) / 3.0).abs() < 1e-6, "{sure}");
    }
}
