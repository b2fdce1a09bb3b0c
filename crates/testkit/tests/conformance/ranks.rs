//! Two ranks that share a batch compute the gradients of one process.

use std::sync::Arc;
use std::thread;

use burn::tensor::Device;
use counterpoint::grad::{Cut, Evaluator, PerRow};
use counterpoint::input::Inputs;
use counterpoint::layer::Buffers;
use counterpoint::model::{AnyModel, CubeMlpConfig, LateFusionConfig, Model, ModelConfig};
use counterpoint::peers::{Alone, Counted, Peers, Synchronised, Threads};
use counterpoint::strategy::{AgmConfig, StrategyConfig};
use counterpoint::task::{Classification, Task};
use counterpoint_batch::{Batch, BatchSource, share};
use counterpoint_testkit::conformance::{
    Evaluated, Subject, agree_in_families, evaluate_among, part, sequence_subjects, subjects, told,
};
use counterpoint_testkit::problem::Problem;
use libtest_mimic::Trial;

use crate::agreement::{TOLERANCE, batches};
use crate::{task, trial};

fn seen<M: Model>(
    model: &M,
    strategy: &StrategyConfig,
    task: &dyn Task,
    batch: &Batch,
    evaluator: &dyn Evaluator<M>,
    peers: &dyn Peers,
) -> (Vec<Evaluated>, Buffers) {
    let own = share(batch.len(), peers.rank(), peers.size());
    let inputs = Inputs::new(batch.clone().part(own).unwrap(), &Device::flex()).shared(peers);
    let (mut buffers, mut strategy) = (Buffers::default(), strategy.build(model.modalities()).unwrap());
    let seen = evaluate_among(peers, evaluator, model, &inputs, task, strategy.as_mut(), &mut buffers);
    (seen.unwrap(), buffers)
}

/// Whose rows batch norm looks at.
#[derive(Clone, Copy, PartialEq)]
enum Norm {
    Local,
    Synchronised,
}

/// What two ranks compute, which has to be the same; the first of them.
fn of_two(
    norm: Norm,
    run: impl Fn(&dyn Peers) -> (Vec<Evaluated>, Buffers) + Sync,
) -> Result<(Vec<Evaluated>, Buffers), String> {
    let run = &run;
    let mut ranks: Vec<_> = thread::scope(|scope| {
        let start = |peers: Threads| {
            scope.spawn(move || match norm {
                Norm::Local => run(&peers),
                Norm::Synchronised => run(&Synchronised::new(Arc::new(peers))),
            })
        };
        let started: Vec<_> = Threads::of(2).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().expect("a rank panicked")).collect()
    });
    let (second, first) = ranks.pop().zip(ranks.pop()).ok_or("there are two ranks")?;
    for (first, second) in first.0.iter().zip(&second.0) {
        if first.losses != second.losses || first.record.boundary_norms != second.record.boundary_norms {
            return Err("ranks do not read the same losses and norms".into());
        }
    }
    agree_in_families((&first.0, &first.1), (&second.0, &second.1), 0.0, part)?;
    Ok(first)
}

fn compare(
    subject: &Subject,
    problem: &Problem,
    evaluator: fn() -> Box<dyn Evaluator<AnyModel>>,
    norm: Norm,
) -> Result<(), String> {
    let (task, batch) = (Classification::new(3), problem.whole());
    let seen = |peers: &dyn Peers| {
        let model = subject.model(problem.modalities(), 1).unwrap();
        seen(&model, &subject.strategy, &task, &batch, evaluator().as_ref(), peers)
    };
    let first = of_two(norm, seen)?;
    let alone = seen(&Alone);
    // Batch norm normalises by what one rank has, unless it is told otherwise.
    if norm == Norm::Local && alone.1.iter().next().is_some() {
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

/// Of few scenes the smallest maps have so few pixels that batch norm multiplies rounding.
const SCENES: usize = 11;

/// A class for every pixel of scenes, of which one rank has more: losses are sums of ranks' shares.
fn maps(text: &str) -> Result<(), String> {
    let (batch, spec) = task::scenes(SCENES);
    let (strategy, segmentation) = (task::config(text), task::segmentation(0.5));
    let seen = |peers: &dyn Peers| seen(&task::network(&spec), &strategy, &segmentation, &batch, &Cut, peers);
    of_two(Norm::Local, seen)?;
    let (first, alone) = (of_two(Norm::Synchronised, seen)?, seen(&Alone));
    agree_in_families((&first.0, &first.1), (&alone.0, &alone.1), 1e-5, |_| "")?;
    let [joint, ..] = task::COMMON;
    match text == joint {
        false => Ok(()),
        true => scores_stay(&seen),
    }
}

/// Ranks tell each other gradients, statistics and label maps, and not what the network says of every pixel.
fn scores_stay<T>(seen: &(impl Fn(&dyn Peers) -> T + Sync)) -> Result<(), String> {
    let told: Vec<usize> = thread::scope(|scope| {
        let start = |peers: Threads| {
            scope.spawn(move || {
                let counted = Counted::new(peers);
                seen(&counted);
                counted.traffic().gathered
            })
        };
        let started: Vec<_> = Threads::of(2).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().expect("a rank panicked")).collect()
    });
    // Maps have a byte for each pixel; scores would be three numbers of four bytes for each.
    let (maps, scores) = (SCENES * 32 * 32, SCENES * 32 * 32 * 3 * 4);
    match told.iter().all(|&told| (maps..scores / 2).contains(&told)) {
        true => Ok(()),
        false => Err(format!("{told:?} bytes are told, {maps} of label maps; scores would be {scores}")),
    }
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
                        compare(subject, problem, evaluator, Norm::Local).map_err(|e| format!("{what}: {e}"))
                    })
                })
            }));
        }
    }
    trials.extend(subjects(3).into_iter().map(|subject| {
        trial("ranks that synchronise batch norm agree", subject, |subject| {
            batches(Problem::new(3, 9, 9, 3)).iter().try_for_each(|(what, problem)| {
                let cut = || Box::new(Cut) as Box<dyn Evaluator<AnyModel>>;
                compare(subject, problem, cut, Norm::Synchronised).map_err(|e| format!("{what}: {e}"))
            })
        })
    }));
    let all = task::COMMON.into_iter().chain(task::CLASSES);
    trials
        .extend(all.map(|text| trial("ranks agree on maps", told(&task::config(text)), move |_| maps(text))));
    trials
}
