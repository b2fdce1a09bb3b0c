//! RGB-D segmentation: two encoders that meet at five points, and a decoder.

use std::collections::BTreeMap;

use burn::tensor::Device;
use counterpoint::layer::BnPolicy;
use counterpoint::model::encoder::BlockKind;
use counterpoint::model::esanet::EsaNetConfig;
use counterpoint::model::{AnyModel, ModelSettings};
use counterpoint::step::Group;
use counterpoint::task::{Segmentation, Task};
use counterpoint_batch::{Array, Batch, ClassMap, Input, ModalitySpec, Targets};
use serde::Deserialize;
use serde_json::Value;

use super::architecture::batch;
use super::maps::Maps;
use super::{Architecture, Salted, Settings};
use crate::fill::fill;
use crate::report::Report;

#[derive(Deserialize)]
pub(super) struct Case {
    #[serde(flatten)]
    settings: Settings,
    classes: usize,
    base_width: usize,
    se_reduction: usize,
    blocks: [usize; 4],
    decoder_blocks: usize,
    bins: Vec<usize>,
    input: [usize; 2],
    bn_policy: String,
    residual_gain: f64,
}

pub(super) struct Esa(pub Case);

impl Esa {
    fn salted(&self) -> Salted<'_> {
        Salted(&self.0.settings.salt)
    }

    fn maps(&self) -> Maps {
        Maps { batch: self.0.settings.batch, classes: self.0.classes, size: self.0.input }
    }

    fn weights(&self) -> Vec<f64> {
        let draws = fill(&format!("{}input.class_weight", self.0.settings.salt), self.0.classes, 0.5);
        draws.into_iter().map(|v| f64::from((1.0 + v) as f32)).collect()
    }

    /// Pictures, each brighter or darker as a whole.
    fn pictures(&self, name: &str, channels: usize, step: &str) -> Input {
        let ([height, width], count) = (self.0.input, self.0.settings.batch);
        let shape = [count, channels, height, width];
        let mut values = self.salted().numbers(&format!("input.{name}.{step}"), shape.iter().product(), 1.0);
        let offsets = self.salted().numbers(&format!("input.{name}_offset.{step}"), count * channels, 1.5);
        for (plane, offset) in values.chunks_exact_mut(height * width).zip(offsets) {
            plane.iter_mut().for_each(|v| *v += offset);
        }
        let array = Array::new(shape, values).expect("sized by its shape");
        Input { array, present: vec![true; count], lengths: None }
    }
}

impl Architecture for Esa {
    fn settings(&self) -> &Settings {
        &self.0.settings
    }

    fn modalities(&self) -> Vec<String> {
        vec!["rgb".into(), "depth".into()]
    }

    fn model(&self, device: &Device) -> Result<AnyModel, String> {
        let case = &self.0;
        let policy = Value::from(case.bn_policy.replace('_', "-"));
        let config = EsaNetConfig {
            width: case.base_width,
            blocks: case.blocks,
            block: BlockKind::NonBottleneck1D,
            decoder_blocks: case.decoder_blocks,
            se_reduction: case.se_reduction,
            bins: case.bins.clone(),
            batch_norm: serde_json::from_value::<BnPolicy>(policy)
                .map_err(|e| format!("case.bn_policy: {e}"))?,
            ..EsaNetConfig::default()
        };
        let [h, w] = case.input;
        let data = [ModalitySpec::new("rgb", [3, h, w]), ModalitySpec::new("depth", [1, h, w])];
        config.build(&data, case.classes, false, 0, device).map_err(|e| e.to_string())
    }

    fn name(&self, ours: &str) -> String {
        let name = ours.replace("encoder.rgb.", "rgb_net.").replace("encoder.depth.", "depth_net.");
        let name = name.strip_prefix("head.").unwrap_or(&name);
        // The fusion points are numbered, what follows them has names.
        match name.strip_prefix("fusion.") {
            Some(rest) if !rest.starts_with(|c: char| c.is_ascii_digit()) => rest.into(),
            _ => name.into(),
        }
    }

    fn group(&self, name: &str, _group: Group) -> String {
        let owner = match name.split('.').next() {
            Some("rgb_net") => "encoder.rgb",
            Some("depth_net") => "encoder.depth",
            Some("out") => "head",
            Some("decoder") if name.contains(".side.") => "head",
            first => first.unwrap_or_default(),
        };
        owner.into()
    }

    fn parameter(&self, name: &str, shape: &[usize]) -> Vec<f64> {
        let gain = if name.ends_with(".bn2.weight") { self.0.residual_gain } else { 1.0 };
        self.salted().parameter(name, shape).into_iter().map(|v| v * gain).collect()
    }

    fn task(&self) -> Box<dyn Task> {
        let scales = Maps::SCALES.map(|(scale, _)| scale);
        Box::new(Segmentation::new(self.0.input, self.weights(), &scales).expect("the scales are ours"))
    }

    fn batch(&self, step: &str) -> Batch {
        let ([height, width], count, classes) = (self.0.input, self.0.settings.batch, self.0.classes);
        let raw = self.salted().integers(&format!("input.label.{step}"), count * height * width, classes + 1);
        let class = |raw: usize| if raw == 0 { ClassMap::VOID } else { (raw - 1) as u8 };
        let pixels = raw.into_iter().map(class).collect();
        let inputs = vec![self.pictures("rgb", 3, step), self.pictures("depth", 1, step)];
        batch(inputs, Targets::Maps { height, width, pixels })
    }

    fn compare_labels(&self, report: &mut Report, batch: &Batch, expected: &Value) {
        for (scale, name) in Maps::SCALES {
            let counts = self.maps().counts(labels(batch), scale);
            report.holds(format_args!("labels at {name}"), expected[name] == Value::from(counts));
        }
    }

    fn compare_scores(&self, report: &mut Report, what: &str, got: &[f64], expected: &Value, tolerance: f64) {
        for (scale, name) in Maps::SCALES {
            let (maps, expected) = (self.maps().of(got, scale), &expected[name]);
            let number = |key: &str| expected[key].as_f64().unwrap_or(f64::NAN);
            let norm = maps.iter().map(|v| v * v).sum::<f64>().sqrt();
            report.number(format_args!("{what} {name}: norm"), norm, number("norm"), tolerance * norm);
            let size: f64 = maps.iter().map(|v| v.abs()).sum();
            report.number(
                format_args!("{what} {name}: sum"),
                maps.iter().sum(),
                number("sum"),
                tolerance * size,
            );
            let sample: Vec<f64> = serde_json::from_value(expected["sample"].clone()).unwrap_or_default();
            let stride = expected["stride"].as_u64().unwrap_or(0) as usize;
            let seen: Vec<f64> = (0..sample.len()).filter_map(|i| maps.get(i * stride).copied()).collect();
            let largest = maps.iter().fold(0.0_f64, |top, v| top.max(v.abs()));
            report.holds(format_args!("{what} {name}: the file has samples"), !sample.is_empty());
            report.numbers(format_args!("{what} {name}"), &seen, &sample, tolerance * largest);
        }
    }

    fn compare_more(
        &self,
        report: &mut Report,
        row: &str,
        scores: &[f64],
        entry: &BTreeMap<String, Value>,
        batch: &Batch,
    ) {
        let maps = self.maps();
        if let Some(parts) = entry.get("loss_parts") {
            let expected: Vec<f64> = serde_json::from_value(parts[row].clone()).unwrap_or_default();
            let weights = self.weights();
            let got = Maps::SCALES.map(|(scale, _)| maps.loss(scores, labels(batch), scale, &weights));
            report.numbers(format_args!("loss of {row} by scale"), &got, &expected, 1e-5 * got[0]);
        }
        if let Some(expected) = entry.get("confusion") {
            let expected: Vec<Vec<f64>> = serde_json::from_value(expected.clone()).unwrap_or_default();
            let confusion = maps.confusion(scores, labels(batch));
            let share = 0.002; // of all valid pixels
            let pixels: f64 = confusion.iter().sum();
            report.numbers(
                format_args!("eval {row}: confusion"),
                &confusion,
                &expected.concat(),
                share * pixels,
            );
            let reduced: Vec<f32> = confusion.iter().map(|count| *count as f32).collect();
            let miou = self.task().evaluate(&reduced, &batch.targets)[0];
            let expected = entry.get("miou").and_then(Value::as_f64).unwrap_or(f64::NAN);
            report.number(format_args!("eval {row}: miou"), miou, expected, share);
        }
    }
}

fn labels(batch: &Batch) -> &[u8] {
    match &batch.targets {
        Targets::Maps { pixels, .. } => pixels,
        _ => unreachable!("the batch was made here"),
    }
}
