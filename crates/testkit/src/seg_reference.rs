//! Reference numbers of the segmentation loss by itself: class frequencies and
//! weights, the loss at four scales, gradients at the scores, confusion, mIoU.

use burn::tensor::{Tensor, TensorData};
use counterpoint::host::{host, scalar};
use counterpoint::task::{Segmentation, Task, median_frequency};
use counterpoint_batch::{ClassFrequency, ClassMap, Targets};
use serde::Deserialize;

use crate::fill::{fill, fill_f32};
use crate::report::Report;

/// The scales of the files.
const SCALES: [usize; 4] = [1, 8, 16, 32];

#[derive(Deserialize)]
struct File {
    salt: String,
    classes: usize,
    batch: usize,
    size: [usize; 2],
    label_counts: Vec<usize>,
    label_first_row: Vec<usize>,
    frequency_all_pixels: Vec<f64>,
    weights: Vec<f64>,
    loss_scales: Vec<f64>,
    loss: f64,
    gradients: Vec<Gradient>,
    confusion: Vec<Vec<f64>>,
    miou: f64,
}

#[derive(Deserialize)]
struct Gradient {
    shape: [usize; 4],
    norm: f64,
    sum: f64,
    stride: usize,
    sample: Vec<f64>,
}

impl File {
    /// Raw labels: 0 = void, else the class plus 1. Pixels that the last scale
    /// sees are void, and the last class is void in the first picture.
    fn labels(&self) -> Vec<usize> {
        let [height, width] = self.size;
        let area = height * width;
        let draws = fill(&format!("{}label", self.salt), self.batch * area, 1.0);
        let label = |(i, draw): (usize, f64)| {
            let raw = ((draw + 1.0) / 2.0 * (self.classes + 1) as f64).floor() as usize;
            let (y, x) = (i % area / width, i % width);
            let seen = y % SCALES[3] == 0 && x % SCALES[3] == 0;
            if seen || (i < area && raw == self.classes) { 0 } else { raw }
        };
        draws.into_iter().enumerate().map(label).collect()
    }

    /// Rows and columns of a scale.
    fn side(&self, scale: usize) -> [usize; 2] {
        self.size.map(|side| side.div_ceil(scale))
    }

    /// `[batch * places, classes]` with the scales of a sample one after another.
    fn scores(&self, scales: &[usize]) -> Vec<f32> {
        let maps: Vec<Vec<f32>> = scales
            .iter()
            .map(|&scale| {
                let [h, w] = self.side(scale);
                fill_f32(&format!("{}scores.{scale}", self.salt), self.batch * self.classes * h * w, 3.0)
            })
            .collect();
        let mut rows = Vec::new();
        for sample in 0..self.batch {
            for map in &maps {
                let places = map.len() / (self.batch * self.classes);
                let of = &map[sample * self.classes * places..];
                rows.extend(
                    (0..places * self.classes).map(|i| of[i % self.classes * places + i / self.classes]),
                );
            }
        }
        rows
    }

    /// The part of one scale in the gradient, as `[batch, classes, height, width]`.
    fn part(&self, gradient: &[f32], scale: usize) -> Vec<f64> {
        let size = |scale: usize| self.side(scale).iter().product::<usize>();
        let all: usize = SCALES.iter().map(|&scale| size(scale)).sum();
        let before: usize = SCALES.iter().take_while(|&&s| s != scale).map(|&s| size(s)).sum();
        let places = size(scale);
        let at = |i: usize| {
            let (sample, class, place) = (i / (self.classes * places), i / places % self.classes, i % places);
            f64::from(gradient[(sample * all + before + place) * self.classes + class])
        };
        (0..self.batch * self.classes * places).map(at).collect()
    }
}

/// Checks one file.
///
/// # Errors
/// If it is not of this schema.
pub fn check(text: &str) -> Result<Report, String> {
    let file: File = serde_json::from_str(text).map_err(|e| format!("not a segmentation file: {e}"))?;
    let mut report = Report::default();
    let wholes = |numbers: &[usize]| numbers.iter().map(|&n| n as f64).collect::<Vec<_>>();
    let labels = file.labels();
    let counts: Vec<usize> =
        (0..=file.classes).map(|raw| labels.iter().filter(|&&label| label == raw).count()).collect();
    report.numbers("label counts", &wholes(&counts), &wholes(&file.label_counts), 1e-9);
    report.numbers("first row", &wholes(&labels[..file.size[1]]), &wholes(&file.label_first_row), 1e-9);

    let [height, width] = file.size;
    let pixels: Vec<u8> =
        labels.iter().map(|&raw| raw.checked_sub(1).map_or(ClassMap::VOID, |class| class as u8)).collect();
    let mut frequency = ClassFrequency::new(file.classes);
    for pixels in pixels.chunks_exact(height * width) {
        frequency.add(&ClassMap { height, width, pixels: pixels.to_vec() });
    }
    report.numbers("frequency", &frequency.shares(), &file.frequency_all_pixels, 1e-9);
    let weights = median_frequency(&frequency.shares());
    report.numbers("weights", &weights, &file.weights, 1e-9);

    let device = crate::device::device().autodiff();
    let targets = Targets::Maps { height, width, pixels };
    let task =
        |scales: &[usize]| Segmentation::new(file.size, weights.clone(), scales).map_err(|e| e.to_string());
    let scores = |scales: &[usize]| {
        let values = file.scores(scales);
        let rows = values.len() / file.classes;
        Tensor::<2>::from_data(TensorData::new(values, [rows, file.classes]), &device)
    };
    let full = scalar(task(&SCALES[..1])?.loss(scores(&SCALES[..1]), &targets));
    for (&scale, &expected) in SCALES.iter().zip(&file.loss_scales) {
        let got = match scale {
            1 => full,
            scale => scalar(task(&[1, scale])?.loss(scores(&[1, scale]), &targets)) - full,
        };
        report.number(format_args!("loss of scale {scale}"), got, expected, 1e-5 * file.loss);
    }

    let task = task(&SCALES)?;
    let scores = scores(&SCALES).require_grad();
    let loss = task.loss(scores.clone(), &targets);
    report.number("loss", scalar(loss.clone()), file.loss, 1e-5 * file.loss);
    let gradient = scores.grad(&loss.backward()).ok_or("the loss has no gradient at the scores")?;
    let gradient = host(gradient);
    for (&scale, expected) in SCALES.iter().zip(&file.gradients) {
        let got = file.part(&gradient, scale);
        let [h, w] = file.side(scale);
        report.holds(
            format_args!("shape of scale {scale}"),
            expected.shape == [file.batch, file.classes, h, w],
        );
        let tolerance = 1e-4 * expected.norm.max(1e-9);
        let norm = got.iter().map(|g| g * g).sum::<f64>().sqrt();
        report.number(format_args!("gradient norm of scale {scale}"), norm, expected.norm, tolerance);
        report.number(
            format_args!("gradient sum of scale {scale}"),
            got.iter().sum(),
            expected.sum,
            tolerance,
        );
        let sample: Vec<f64> =
            got.iter().step_by(expected.stride).take(expected.sample.len()).copied().collect();
        report.numbers(format_args!("gradient of scale {scale}"), &sample, &expected.sample, tolerance);
    }

    let reduced = task.reduce(scores.inner(), &targets);
    let mut confusion = vec![0.0; file.classes * file.classes];
    for sample in reduced.chunks_exact(confusion.len()) {
        confusion.iter_mut().zip(sample).for_each(|(sum, &count)| *sum += f64::from(count));
    }
    report.numbers("confusion", &confusion, &file.confusion.concat(), 1e-9);
    report.number("mIoU", task.evaluate(&reduced, &targets)[0], file.miou, 1e-9);
    Ok(report)
}
