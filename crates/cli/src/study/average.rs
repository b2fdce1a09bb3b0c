//! The average of the unimodal models: made of their predictions, never trained.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use counterpoint::task::{Classification, Task as _};
use counterpoint_batch::Targets;
use counterpoint_report::predictions::{CheckpointPredictions, Numbers, PredictionFile, Truth};
use counterpoint_report::record::{
    Appender, End, Kind, Log, PLAIN, Scores, Start, State, StudyRun, Test, UnimodalReading,
};

use super::arm::{AVERAGE_WITH_VAL, Arm};
use super::drive::StudyRunner;
use super::plan::place;
use super::readout::{self, OVER_UNIMODAL};
use super::spec::Spec;
use super::union::Union;
use crate::exit::{Code, Failure};
use crate::run::{FINISHED, FITTED};
use crate::scores;

impl StudyRunner<'_> {
    /// Makes the averages of the unimodal models, where all of them are there.
    pub fn average(&mut self) -> Result<(), Failure> {
        let made = self.arms.iter().filter(|arm| arm.kind == Kind::Average).map(|arm| arm.name.clone());
        for name in made.collect::<Vec<_>>() {
            self.combine(&name)?;
        }
        Ok(())
    }

    /// Makes one of them for every seed and variant.
    fn combine(&mut self, arm: &str) -> Result<(), Failure> {
        let spec = self.spec;
        for &seed in &spec.seeds {
            for variant in self.variants() {
                let name = variant.map(|v| v.name.as_str());
                let here = |r: &&StudyRun| r.chosen && r.seed == seed && r.variant.as_deref() == name;
                let is_member = |r: &&StudyRun| {
                    let only = |m: &Arm| m.kind == Kind::Reference && m.modality().is_some();
                    let alike = |m: &Arm| readout::is_with_validation(m) == (arm == AVERAGE_WITH_VAL);
                    self.arms.iter().any(|m| m.name == r.method && only(m) && alike(m))
                };
                let members: Vec<&StudyRun> = self.study.runs.iter().filter(here).filter(is_member).collect();
                let place = place(arm, variant, None, seed);
                let all = members.len() > 1 && members.iter().all(|r| r.state == State::Finished);
                let waiting = members.iter().any(|r| r.state == State::Waiting);
                let state = if waiting {
                    State::Waiting
                } else if all {
                    let folders: Vec<_> = members.iter().map(|r| self.folder.join(&r.place)).collect();
                    let readout = (arm == OVER_UNIMODAL).then_some(spec);
                    match make(arm, &folders, &self.folder.join(&place), seed, readout) {
                        Ok(()) => State::Finished,
                        Err(failure) => {
                            let (code, message) = failure.parts();
                            State::Failed { code: code as i32, message: message.to_owned() }
                        }
                    }
                } else {
                    let message = "it needs models of at least two modalities, and one is missing".into();
                    State::Failed { code: Code::Data as i32, message }
                };
                let run = StudyRun {
                    place,
                    method: arm.into(),
                    variant: variant.map(|v| v.name.clone()),
                    seed,
                    chosen: true,
                    state,
                    ..StudyRun::default()
                };
                self.note(run);
            }
        }
        Ok(self.study.write(&self.folder)?)
    }
}

/// Averages the predictions of runs, whose seals are broken already, into a
/// folder that reads like a run's; or adds them up by a readout, if there is the study of one.
fn make(
    arm: &str,
    members: &[PathBuf],
    folder: &Path,
    seed: u64,
    readout: Option<&Spec>,
) -> Result<(), Failure> {
    let metrics = folder.join("metrics.jsonl");
    if Log::read(&metrics).is_ok_and(|log| log.end().is_some()) {
        return Ok(());
    }
    let read = |name: &str| -> Result<Vec<PredictionFile>, Failure> {
        members.iter().map(|member| Ok(PredictionFile::read(member.join(name))?)).collect()
    };
    let files = read(PredictionFile::NAME)?;
    let fitted = if readout.is_some() { read(FITTED)? } else { Vec::new() };
    let mismatch = |what: &str| {
        Failure::new(Code::Files, format!("{}: {what}, so there is no average", members[0].display()))
    };
    let Some(first) = files.first() else { return Err(mismatch("there are no predictions")) };
    if !first.columns.is_empty() {
        let most = Classification::MOST_SCORES;
        return Err(mismatch(&format!(
            "above {most} classes predictions do not hold every score (references.average = false leaves it out)"
        )));
    }
    let Union { ids, classes, places } = Union::of(&files).map_err(mismatch)?;
    let names: Vec<String> = members.iter().map(|member| modality(member)).collect::<Result<_, _>>()?;
    let task = Classification::new(first.classes.len());
    let evaluate = |numbers: &Numbers| {
        let seen: Vec<usize> =
            (0..classes.len()).filter(|&i| numbers.values[i * numbers.width].is_finite()).collect();
        let reduced: Vec<f32> = seen
            .iter()
            .flat_map(|&i| &numbers.values[i * numbers.width..(i + 1) * numbers.width])
            .copied()
            .collect();
        let targets = Targets::Classes(seen.iter().map(|&i| classes[i]).collect());
        let values = task.evaluate(&reduced, &targets);
        task.metrics().names().map(str::to_owned).zip(values).collect::<BTreeMap<_, _>>()
    };
    let (count, targets) = (ids.len(), Truth::Classes(classes.clone()));
    let mut made = PredictionFile { ids, targets, checkpoints: BTreeMap::new(), ..first.clone() };
    let mut tests = Vec::new();
    for checkpoint in first.checkpoints.keys() {
        let of = |(file, places): (&PredictionFile, &Vec<usize>)| {
            let one = file.checkpoints.get(checkpoint)?;
            // An average is of the models as they are; their readout is for a readout over them.
            let plain = one.scores.get(PLAIN).filter(|_| readout.is_none());
            let scores = plain.or_else(|| one.scores.get("fused"))?;
            Some((one.epoch, Numbers::spread(count, places, &scores.values)))
        };
        let parts: Option<Vec<(usize, Numbers)>> = files.iter().zip(&places).map(of).collect();
        let parts = parts.ok_or_else(|| mismatch("a checkpoint is missing"))?;
        let unimodal = names.iter().cloned().zip(parts.iter().map(|(_, numbers)| numbers.clone()));
        let mut scores: BTreeMap<String, Numbers> = unimodal.collect();
        let all: Vec<&Numbers> = parts.iter().map(|(_, numbers)| numbers).collect();
        let fused = match readout {
            None => average(&all),
            Some(spec) => readout::sum(&all, &readout::fit(spec, &fitted, checkpoint)?),
        };
        scores.insert("fused".into(), fused);
        let epoch = parts.iter().map(|(epoch, _)| *epoch).max().unwrap_or(0);
        let judged: Scores = scores.iter().map(|(row, numbers)| (row.clone(), evaluate(numbers))).collect();
        let (split, samples) = (first.split.clone(), count as u64);
        tests.push(Test {
            split,
            checkpoint: checkpoint.clone(),
            epoch,
            samples,
            scores: judged,
            ..Test::default()
        });
        made.checkpoints.insert(
            checkpoint.clone(),
            CheckpointPredictions { epoch, scores, ..CheckpointPredictions::default() },
        );
    }
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("create", folder, &e))?;
    made.write(folder.join(PredictionFile::NAME))?;
    // What a killed process left is made again from the start.
    let _ = std::fs::remove_file(&metrics);
    let mut log = Appender::open(&metrics)?;
    let classes = first.classes.clone();
    log.append(Start {
        strategy: arm.into(),
        seed: Some(seed),
        modalities: names,
        unimodal: UnimodalReading { plain: UnimodalReading::OWN_MODEL.into(), ..UnimodalReading::default() },
        classes,
        metric: task.metrics().primary().name.into(),
        metrics: scores::descriptions(&task),
        ..Start::default()
    })?;
    tests.into_iter().try_for_each(|test| log.append(test))?;
    Ok(log.append(End { reason: FINISHED.into(), ..End::default() })?)
}

/// The modality of a unimodal run.
fn modality(member: &Path) -> Result<String, Failure> {
    let log = Log::read(member.join("metrics.jsonl"))?;
    let name = log.start().and_then(|start| start.modalities.first().cloned());
    name.ok_or_else(|| Failure::new(Code::Files, format!("{} does not record a start", member.display())))
}

/// Mean of the log-probabilities of the models that see a sample.
fn average(parts: &[&Numbers]) -> Numbers {
    let width = parts[0].width;
    let samples = parts[0].values.len() / width.max(1);
    let mut values = Vec::with_capacity(samples * width);
    for sample in 0..samples {
        let rows = parts.iter().map(|p| &p.values[sample * width..(sample + 1) * width]);
        let seen: Vec<Vec<f64>> =
            rows.filter(|row| row.iter().all(|v| v.is_finite())).map(log_softmax).collect();
        let mean = |class: usize| seen.iter().map(|row| row[class]).sum::<f64>() / seen.len() as f64;
        values.extend((0..width).map(|class| mean(class) as f32));
    }
    Numbers { width, values }
}

fn log_softmax(row: &[f32]) -> Vec<f64> {
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = row.iter().map(|v| f64::from(v - top).exp()).sum();
    row.iter().map(|v| f64::from(v - top) - sum.ln()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_averaged_in_logarithms_over_those_who_see() {
        // Softmax of (ln 3, 0) is (3/4, 1/4), of (0, 0) it is (1/2, 1/2).
        let ln3 = 3.0_f32.ln();
        let a = Numbers { width: 2, values: vec![ln3, 0.0, f32::NAN, f32::NAN] };
        let b = Numbers { width: 2, values: vec![5.0, 5.0, 0.0, ln3] };
        let got = average(&[&a, &b]).values;
        let want = [
            (0.75_f64.ln() + 0.5_f64.ln()) / 2.0,
            (0.25_f64.ln() + 0.5_f64.ln()) / 2.0,
            0.25_f64.ln(),
            0.75_f64.ln(),
        ];
        assert!(got.iter().zip(want).all(|(g, w)| (f64::from(*g) - w).abs() < 1e-6), "{got:?}");
    }
}
