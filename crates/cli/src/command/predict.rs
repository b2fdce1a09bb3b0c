//! `counterpoint predict`.

use std::path::PathBuf;

use burn::tensor::{Device, activation::softmax};
use counterpoint::grad::Row;
use counterpoint::host::host;
use counterpoint::input::Inputs;
use counterpoint::layer::Pass;
use counterpoint::modality::{Modality, Present};
use counterpoint::model::Model as _;
use counterpoint::train::Checkpoint;
use counterpoint_batch::{Batch, Sample, Target};
use serde_json::json;

use super::print;
use crate::args::Predict;
use crate::config::suggestion;
use crate::exit::{Code, Failure};
use crate::{folder, model};

/// Prints class probabilities for what is present.
pub fn run(args: &Predict) -> Result<(), Failure> {
    let (loaded, info) = folder::read(&args.run)?;
    let files = files(args)?;
    let specs = info.specs();
    let known: Vec<&str> = specs.iter().map(|m| m.name.as_str()).collect();
    if let Some((unknown, _)) = files.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Failure::new(
            Code::Usage,
            format!(
                "the model has no modality `{unknown}`{}; it has {}",
                suggestion(unknown, &known),
                known.join(", ")
            ),
        ));
    }
    if files.is_empty() {
        return Err(Failure::new(Code::Usage, format!("give at least one file: {}", known.join(", "))));
    }
    let mut inputs = vec![None; specs.len()];
    for (index, preparation) in info.preparations.iter().enumerate() {
        if let Some((_, path)) = files.iter().find(|(name, _)| *name == preparation.modality) {
            inputs[index] = Some(preparation.prepare_file(path)?);
        }
    }
    let present = Present::of((0..specs.len()).filter(|&i| inputs[i].is_some()).map(Modality));
    let device = Device::flex();
    let task = info.task.build(&info.targets())?;
    let mut learner = model::build(&loaded.config, &specs, task.as_ref(), &device)?;
    let path = args.run.join("checkpoints").join(format!("{}.safetensors", args.checkpoint));
    Checkpoint::read(&path)?.restore(&mut learner, &device, false)?;
    let sample = Sample::new("input", inputs, Target::Class(0));
    let batch = Batch::collate(vec![sample], &specs).map_err(|e| Failure::new(Code::Data, e.to_string()))?;
    let names = learner.model.modalities().clone();
    let together = if present == names.all() { Row::Full } else { Row::Subset(present) };
    let alone = present.iter().map(Row::Solo).filter(|_| present.count() > 1);
    let rows: Vec<(Row, Vec<usize>)> =
        std::iter::once(together).chain(alone).map(|row| (row, vec![0])).collect();
    let inputs = Inputs::new(batch, &device);
    let scored = learner.frozen().forward(&rows, &inputs, &mut Pass::eval(&learner.buffers));
    let results: Vec<(String, Vec<f32>)> = rows
        .iter()
        .zip(scored)
        .map(|((row, _), s)| (row.label(&names), host(softmax(s.scores, 1))))
        .collect();
    if args.json {
        let part = |values: &[f32]| -> serde_json::Map<String, serde_json::Value> {
            info.classes.iter().cloned().zip(values.iter().map(|v| json!(v))).collect()
        };
        let all: serde_json::Map<String, serde_json::Value> =
            results.iter().map(|(row, values)| (row.clone(), part(values).into())).collect();
        let best = top(&results[0].1);
        print(json!({"class": info.classes[best], "probabilities": all}));
        return Ok(());
    }
    for (index, (row, values)) in results.iter().enumerate() {
        let what = match (index, row.as_str()) {
            (0, "full") => "all modalities together".to_owned(),
            (0, row) => format!("{row} (the others are absent)"),
            (_, row) => format!("{row} alone"),
        };
        let best = top(values);
        print(format!("{what}: {} ({:.1} %)", info.classes[best], values[best] * 100.0));
        if index == 0 {
            for (class, value) in info.classes.iter().zip(values) {
                print(format!("  {class:<12} {:>5.1} %", value * 100.0));
            }
        }
    }
    Ok(())
}

fn top(values: &[f32]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn files(args: &Predict) -> Result<Vec<(String, PathBuf)>, Failure> {
    let named = [("audio", &args.audio), ("image", &args.image), ("video", &args.video)];
    let mut files: Vec<(String, PathBuf)> =
        named.into_iter().filter_map(|(name, path)| Some((name.to_owned(), path.clone()?))).collect();
    for input in &args.inputs {
        let (name, path) = input
            .split_once('=')
            .ok_or_else(|| Failure::new(Code::Usage, format!("--input {input}: expected MODALITY=FILE")))?;
        files.push((name.to_owned(), path.into()));
    }
    Ok(files)
}
