//! `counterpoint predict`.

use std::path::PathBuf;

use burn::tensor::{Tensor, TensorData};
use counterpoint::device::Processor;
use counterpoint::input::Inputs;
use counterpoint::layer::ForwardContext;
use counterpoint::modality::{Modality, Present};
use counterpoint::model::Model as _;
use counterpoint::step::LossTerm;
use counterpoint::train::{Checkpoint, Predictor as _};
use counterpoint_batch::{Batch, Sample, Target};
use counterpoint_report::record::PLAIN;
use counterpoint_report::text::row_title;

use super::answer::{Answer, json};
use super::{print, print_json};
use crate::args::Predict;
use crate::exit::{Code, Failure};
use crate::{folder, located, model, output, target};
use counterpoint::catalog::unknown;

/// Prints what the model says of what is present.
pub fn run(args: &Predict) -> Result<(), Failure> {
    args.out.as_ref().map_or(Ok(()), |out| target::check_in_folder(out, args.force))?;
    // Predictions need no data, but whoever says where they are means that they are there.
    let (mut loaded, info) =
        if args.set.is_empty() { folder::read(&args.run)? } else { located::located(&args.run, &args.set)? };
    args.computing.apply(&mut loaded.config);
    let files = files(args)?;
    let specs = info.specs();
    let known: Vec<&str> = specs.iter().map(|m| m.name.as_str()).collect();
    if let Some((wrong, _)) = files.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Failure::new(
            Code::Usage,
            unknown(&format!("the model has no modality `{wrong}`"), wrong, &known),
        ));
    }
    if files.is_empty() {
        return Err(Failure::new(Code::Usage, format!("give at least one file: {}", known.join(", "))));
    }
    let mut inputs = vec![None; specs.len()];
    for (index, preparation) in info.preparations.iter().enumerate() {
        if let Some((_, path)) = files.iter().find(|(name, _)| *name == preparation.modality) {
            inputs[index] = preparation.prepare_present(path)?;
            if inputs[index].is_none() {
                output::say(format!(
                    "note: modality `{}`: every value of {} is NaN, so it counts as absent",
                    preparation.modality,
                    path.display()
                ));
            }
        }
    }
    if inputs.iter().all(Option::is_none) {
        return Err(Failure::new(
            Code::Data,
            "every value of every input is NaN: there is nothing to predict from",
        ));
    }
    let present = Present::of((0..specs.len()).filter(|&i| inputs[i].is_some()).map(Modality));
    let device = Processor::named(&loaded.config.train.device)?.open()?;
    let task = info.task.build(&info.targets())?;
    let mut state = model::build(&loaded.config, &specs, task.as_ref(), &device)?;
    Checkpoint::read(&folder::checkpoint(&args.run, &args.checkpoint)?)?
        .restore(&mut state, &device, false)?;
    let sample = Sample::new("input", inputs, Target::Class(0));
    let batch = Batch::collate(vec![sample], &specs).map_err(|e| Failure::new(Code::Data, e.to_string()))?;
    let names = state.model.modalities().clone();
    let together = if present == names.all() { LossTerm::Fused } else { LossTerm::Subset(present) };
    let unimodal = present.iter().map(LossTerm::Unimodal).filter(|_| present.count() > 1);
    let terms: Vec<(LossTerm, Vec<usize>)> =
        std::iter::once(together).chain(unimodal).map(|term| (term, vec![0])).collect();
    let inputs = Inputs::new(batch, &device);
    let scored = state.frozen().forward(&terms, &inputs, &mut ForwardContext::eval(&state.buffers));
    let mut answers: Vec<(String, Answer)> = terms
        .iter()
        .zip(scored)
        .map(|((term, _), scored)| (term.label(&names), Answer::of(task.kind(), scored.scores, info.map)))
        .collect();
    let read = state.readout.as_ref().and_then(|readout| readout.predict(&inputs).into_iter().next()?);
    if let Some(read) = read {
        let scores = TensorData::new(read.clone(), [1, read.len()]);
        let read = Answer::of(task.kind(), Tensor::from_data(scores, &device), info.map);
        let plain = std::mem::replace(&mut answers[0].1, read);
        answers.insert(1, (PLAIN.to_owned(), plain));
    }
    match (&args.out, &answers[0].1) {
        (None, _) => {}
        (Some(path), Answer::Map(map)) => {
            let bytes = map.to_png()?;
            target::write(&[(path.clone(), bytes)])?;
        }
        (Some(_), _) => {
            return Err(Failure::new(
                Code::Usage,
                format!("--out is for segmentation, but this run's task is {}", task.kind().name()),
            ));
        }
    }
    if args.json {
        print_json(&json(&answers, &info.classes));
        return Ok(());
    }
    for (index, (term, answer)) in answers.iter().enumerate() {
        let what = match (index, term.as_str()) {
            (0, "fused") if answers.get(1).is_some_and(|(term, _)| term == PLAIN) => {
                "fused, readout".to_owned()
            }
            (0, "fused") => "fused".to_owned(),
            (_, PLAIN) if present == names.all() => row_title(PLAIN),
            (_, PLAIN) => format!("{}, without the readout", together.label(&names)),
            (0, term) => format!("{term} (the others are absent)"),
            (_, term) => format!("unimodal {term}"),
        };
        print(format!("{what}: {}", answer.headline(&info.classes)));
        if index == 0 {
            for (class, share) in answer.shares(&info.classes) {
                print(format!("  {class:<12} {:>5.1} %", share * 100.0));
            }
        }
    }
    if let Some(path) = &args.out {
        print(format!("{}: the class of every pixel", path.display()));
    }
    Ok(())
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
    for (at, (name, path)) in files.iter().enumerate() {
        if let Some((_, other)) = files[..at].iter().find(|(other, _)| other == name) {
            return Err(Failure::new(
                Code::Usage,
                format!(
                    "modality `{name}` is given twice: {} and {}; give one file for each modality",
                    other.display(),
                    path.display()
                ),
            ));
        }
    }
    Ok(files)
}
