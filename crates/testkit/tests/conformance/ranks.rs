//! Two ranks that share a batch compute the gradients of one process.

use std::thread;

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, PerRow};
use counterpoint::input::Inputs;
use counterpoint::layer::Buffers;
use counterpoint::model::{AnyModel, CubeMlpConfig, LateFusionConfig, ModelConfig};
use counterpoint::peers::{Alone, Peers, Threads};
use counterpoint::strategy::AgmConfig;
use counterpoint::task::Classification;
use counterpoint_batch::{BatchSource, share};
use counterpoint_testkit::conformance::{
    Evaluated, Subject, agree_in_families, evaluate_among, part, sequence_subjects, subjects,
};
use counterpoint_testkit::problem::Problem;
use libtest_mimic::Trial;

use crate::agreement::{TOLERANCE, batches};
use crate::trial;

fn seen(
    subject: &Subject,
    problem: &Problem,
    evaluator: &dyn Evaluator<AnyModel>,
    peers: &dyn Peers,
) -> (Vec<Evaluated>, Buffers) {
    let model = subject.model(problem.modalities(), 1).unwrap();
    let batch = problem.whole();
    let own = share(batch.len(), peers.rank(), peers.size());
    let inputs = Inputs::new(batch.part(own).unwrap(), &Device::flex()).shared(peers);
    let (mut buffers, mut strategy) = (Buffers::default(), subject.strategy().unwrap());
    let task = Classification::new(3);
    let seen = evaluate_among(peers, evaluator, &model, &inputs, &task, strategy.as_mut(), &mut buffers);
    buffers.average(peers, &Device::flex());
    (seen.unwrap(), buffers)
}

fn compare(
    subject: &Subject,
    problem: &Problem,
    evaluator: fn() -> Box<dyn Evaluator<AnyModel>>,
) -> Result<(), String> {
    let ranks: Vec<_> = thread::scope(|scope| {
        let start =
            |peers: Threads| scope.spawn(move || seen(subject, problem, evaluator().as_ref(), &peers));
        let started: Vec<_> = Threads::of(2).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().expect("a rank panicked")).collect()
    });
    let [first, second] = &ranks[..] else { return Err("there are two ranks".into()) };
    for (first, second) in first.0.iter().zip(&second.0) {
        if first.losses != second.losses || first.record.boundary_norms != second.record.boundary_norms {
            return Err("ranks do not read the same losses and norms".into());
        }
    }
    agree_in_families((&first.0, &first.1), (&second.0, &second.1), 0.0, part)?;
    let alone = seen(subject, problem, evaluator().as_ref(), &Alone);
    // Batch norm normalises by what one rank has, as everywhere; so only models without it are the same.
    if alone.1.iter().next().is_some() {
        return Ok(());
    }
    // Sums over two halves are rounded otherwise than one, and by cubes, whose first layer norm is nearly a
    // sign function, a hundred times as much.
    let cube = subject.model.is::<CubeMlpConfig>();
    let all: fn(&str) -> &str = |_| "";
    let (tolerance, family) = match cube || subject.strategy.is::<AgmConfig>() {
        true => (if cube { 100.0 * TOLERANCE } else { TOLERANCE }, all),
        false => (10.0 * TOLERANCE, part as fn(&str) -> &str),
    };
    for (rank, alone) in first.0.iter().zip(&alone.0) {
        for (at, norm) in &alone.record.boundary_norms {
            let is = rank.record.boundary_norms[at];
            if (is - norm).abs() > tolerance * norm.max(1e-2) {
                return Err(format!("the norm at {at:?} is {is}, {norm} in one process"));
            }
        }
    }
    agree_in_families((&first.0, &first.1), (&alone.0, &alone.1), tolerance, family)
}

/// Without the convolutions, which have batch norm.
fn of_layers(subject: Subject) -> Subject {
    let plain = |config: &LateFusionConfig| LateFusionConfig { encoders: [].into(), ..config.clone() };
    let model =
        subject.model.get().map_or_else(|| subject.model.clone(), |config| ModelConfig::new(plain(config)));
    Subject { model, ..subject }
}

/// Every strategy on every model, by both evaluators, whatever samples lack.
pub fn trials() -> Vec<Trial> {
    type Make = fn() -> Box<dyn Evaluator<AnyModel>>;
    let evaluators: [(&str, Make); 2] = [("cut", || Box::new(Cut)), ("per row", || Box::new(PerRow))];
    let mut trials = Vec::new();
    for (name, evaluator) in evaluators {
        // Cubes have dropout.
        for (sequences, subjects) in [(false, subjects(3)), (true, sequence_subjects(3))] {
            trials.extend(subjects.into_iter().map(of_layers).map(|subject| {
                trial(&format!("ranks agree ({name})"), subject, move |subject| {
                    let all =
                        if sequences { Problem::sequences(3, 9, 9, 3) } else { Problem::new(3, 9, 9, 3) };
                    batches(all).iter().try_for_each(|(what, problem)| {
                        compare(subject, problem, evaluator).map_err(|e| format!("{what}: {e}"))
                    })
                })
            }));
        }
    }
    trials
}
