//! DGL on arrays that are in memory: build, train, read the scores.
//!
//! `cargo run --release --example dgl_on_arrays`

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::error::Error;
use std::sync::atomic::AtomicBool;

use counterpoint::device::Processor;
use counterpoint::diagnose::Diagnostics;
use counterpoint::grad::Cut;
use counterpoint::model::encoder::MlpConfig;
use counterpoint::model::{LateFusionConfig, ModelSettings};
use counterpoint::peers::Alone;
use counterpoint::strategy::{Dgl, Strategy};
use counterpoint::task::Classification;
use counterpoint::train::{
    EpochReport, Observer, OptimizerConfig, Progress, ScheduleConfig, TrainConfig, TrainState, Trainer,
};
use counterpoint_batch::random::Random;
use counterpoint_batch::{Array, InMemory, ModalitySpec, Sample, Target};

/// Two modalities of four numbers: the first tells three classes well, the second hardly.
pub fn data(count: usize, seed: u64) -> Result<InMemory, Box<dyn Error>> {
    let spec = ["strong", "weak"].map(|name| ModalitySpec::new(name, [4])).to_vec();
    let sample = |i: usize| -> Result<Sample, Box<dyn Error>> {
        let noise = |spread: f64| {
            let mut random = Random::new(seed, &["noise", &i.to_string(), &spread.to_string()]);
            let of = |k| if k == i % 3 { 1.0 } else { 0.0 };
            Array::new([4], (0..4).map(|k| (of(k) + spread * random.normal()) as f32).collect())
        };
        Ok(Sample::new(
            format!("{seed}-{i}"),
            vec![Some(noise(0.3)?), Some(noise(0.9)?)],
            Target::Class(i % 3),
        ))
    };
    Ok(InMemory::new(spec, (0..count).map(sample).collect::<Result<_, _>>()?, 32, seed)?)
}

/// Prints the validation accuracy of the fused output and of each modality alone.
struct Print(Classification);

impl Observer for Print {
    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), counterpoint::Error> {
        for (row, metrics) in report.validation.metrics(&self.0) {
            println!("epoch {}  {row:?}  accuracy {:.3}", report.epoch + 1, metrics["accuracy"]);
        }
        Ok(())
    }
}

/// Trains a model by a strategy and prints its scores after each epoch.
pub fn train(model: &LateFusionConfig, strategy: Box<dyn Strategy>) -> Result<(), Box<dyn Error>> {
    let (train, validation) = (data(600, 1)?, data(300, 2)?);
    let (device, task) = (Processor::named("cpu")?.open()?, Classification::new(3));
    let spec = ["strong", "weak"].map(|name| ModalitySpec::new(name, [4]));
    let model = model.build(&spec, 3, false, 7, &device)?;
    let mut state = TrainState::new(model, OptimizerConfig::sgd(0.1), strategy);
    let trainer = Trainer {
        config: &TrainConfig {
            epochs: 5,
            seed: 7,
            clip: None,
            schedule: ScheduleConfig::default(),
            checkpoint_steps: 0,
        },
        evaluator: &Cut,
        task: &task,
        train: &train,
        validation: &validation,
        folder: None,
        stop: &AtomicBool::new(false),
        device: &device,
        diagnostics: &Diagnostics::off(),
        peers: &Alone,
    };
    trainer.run(&mut state, Progress::default(), &mut Print(task))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let model = LateFusionConfig { encoder: MlpConfig { widths: vec![16] }.into(), ..Default::default() };
    train(&model, Box::new(Dgl::default()))
}
