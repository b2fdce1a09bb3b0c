//! The figures of one run that TensorBoard shows as pictures.

use std::collections::{BTreeMap, BTreeSet};

use crate::plot::{Axis, Figure, HeatMap, LinePlot, Series};
use crate::record::{Confusion, Epoch, Scores};
use crate::report::measure;
use crate::text::row_title;

/// Accuracy curves, curves of gradients and suppression as far as they were
/// measured, and the confusion matrices of the validation split where the
/// classes are not too many to draw, each with its tag.
pub fn pictures(
    epochs: &[Epoch],
    classes: &[String],
    confusions: &BTreeMap<String, Confusion>,
) -> Vec<(String, Figure)> {
    let mut pictures = Vec::new();
    let accuracy = |split: fn(&Epoch) -> &Scores, name: &str| {
        let axis = Axis::new("accuracy, %").within(0.0, 100.0);
        curves(epochs, split, "accuracy", 100.0, &format!("Accuracy, {name} split"), axis)
    };
    pictures.extend(accuracy(|e| &e.val, "validation").map(|f| ("curves/accuracy/val".to_owned(), f)));
    pictures.extend(accuracy(|e| &e.train, "train").map(|f| ("curves/accuracy/train".to_owned(), f)));
    for name in [
        measure::GRADIENT_FULL,
        measure::GRADIENT_SOLO,
        measure::GRADIENT_TENSORS,
        measure::SUPPRESSION_EFFECTIVE,
    ] {
        let figure = measure::axis(name)
            .and_then(|(title, axis)| curves(epochs, |e| &e.diagnostics, name, 1.0, title, axis));
        pictures.extend(figure.map(|f| (format!("curves/{name}"), f)));
    }
    for (row, counts) in confusions.iter().filter(|(_, c)| c.classes() <= HeatMap::MOST_CLASSES) {
        let title = format!("Confusion on validation: {}", row_title(row));
        pictures.push((format!("confusion/{row}"), HeatMap::confusion(title, classes, counts).figure()));
    }
    pictures
}

/// One curve for each row that has the measure; `None` if none has.
fn curves(
    epochs: &[Epoch],
    of: fn(&Epoch) -> &Scores,
    measure: &str,
    factor: f64,
    title: &str,
    axis: Axis,
) -> Option<Figure> {
    let rows: BTreeSet<&String> = epochs.iter().flat_map(|e| of(e).keys()).collect();
    let mut plot = LinePlot::new(title, Axis::new("epoch").whole(), axis);
    for row in rows {
        let point = |e: &Epoch| Some([e.epoch as f64, factor * of(e).get(row)?.get(measure)?]);
        let points: Vec<[f64; 2]> = epochs.iter().filter_map(point).collect();
        if !points.is_empty() {
            plot.series.push(Series::new(row_title(row), points));
        }
    }
    (!plot.series.is_empty()).then(|| plot.figure())
}
