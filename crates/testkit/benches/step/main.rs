//! Cost of a training step of each strategy against joint training of the same
//! model, in alternation within one process.
//!
//! `cargo bench --workspace --bench step [-- CASE] [rounds] [strategy ..] [batch=N] [modalities=N]`
//! with CASE one of `small`, `resnet18` and `mlp` (late fusion), `mmtm` (MMTM-ResNet-18),
//! `esanet` and `cube` (CubeMLP) prints milliseconds for each strategy, the ratio of the medians and
//! what its first step took; `evaluate` among the strategies is a forward pass in evaluation mode;
//! `-- memory CASE [strategy ..]` prints the peak memory of three steps, every
//! strategy in a process of its own; `-- growth CASE [steps] [strategy]` what is resident after more and
//! more steps; `-- layers` prints what each kind of layer of
//! ResNet-18 costs. It computes on the CPU, or where `COUNTERPOINT_DEVICE` says, with factors in bf16
//! or f16 where `COUNTERPOINT_PRECISION` says so.
//! PMR, re-learning and ReconBoost are not here: their steps are joint's or a part
//! of it, and what they do between epochs is no step.

mod case;
mod layers;
mod memory;

use std::time::Instant;

use case::{CASES, Case, STRATEGIES};
use counterpoint::Recycler;
use counterpoint::grad::{Cut, Evaluator, StepContext};
use counterpoint::input::Inputs;
use counterpoint::layer::ForwardContext;
use counterpoint::model::{AnyModel, Model};
use counterpoint::peers::Alone;
use counterpoint::step::{LossTerm, Position};
use counterpoint::task::Task;
use counterpoint::train::TrainState;
use counterpoint_testkit::device::device;
use counterpoint_testkit::parameters::values;

#[global_allocator]
static MEMORY: Recycler = Recycler::new();

/// A forward pass in evaluation mode, in the place of a strategy.
const EVALUATE: &str = "evaluate";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let named = |names: &[&'static str]| -> Vec<&'static str> {
        names.iter().filter(|n| args.iter().any(|a| a == *n)).copied().collect()
    };
    let mut case = Case::named(named(&CASES).first().copied().unwrap_or(CASES[0]));
    let batch = args.iter().find_map(|a| a.strip_prefix("batch=")?.parse().ok());
    if args.iter().any(|a| a == "layers") {
        return layers::time(batch.unwrap_or(16), args.iter().find_map(|a| a.parse().ok()).unwrap_or(5));
    }
    if let Some(count) = batch {
        case = case.with_batch(count);
    }
    if let Some(count) = args.iter().find_map(|a| a.strip_prefix("modalities=")?.parse().ok()) {
        case = case.with_modalities(count);
    }
    let mut strategies = named(&STRATEGIES);
    strategies.extend(named(&[EVALUATE]));
    if strategies.is_empty() {
        strategies = case.strategies.clone();
    }
    let rounds = args.iter().find_map(|a| a.parse().ok());
    if args.iter().any(|a| a == "peak") {
        memory::peak(&case, strategies[0]);
    } else if args.iter().any(|a| a == "memory") {
        memory::memory(&case, &strategies);
    } else if args.iter().any(|a| a == "growth") {
        memory::growth(&case, strategies[0], rounds.unwrap_or(10_000));
    } else {
        time(&case, &strategies, rounds.unwrap_or(case.rounds));
    }
}

#[expect(clippy::print_stdout, reason = "a command")]
fn time(case: &Case, strategies: &[&'static str], rounds: usize) {
    let inputs = Inputs::new(case.batch(), &device());
    let mut runs: Vec<_> =
        strategies.iter().map(|name| (*name, case.train_state(name), 0.0, Vec::new())).collect();
    for round in 0..rounds + 2 {
        for (name, state, first, times) in &mut runs {
            let begun = Instant::now();
            match *name {
                EVALUATE => evaluate(state, &inputs, case.count),
                _ => step(state, &inputs, case.task.as_ref()),
            }
            let took = begun.elapsed().as_secs_f64() * 1e3;
            // The first two rounds warm up caches and the allocator; on a GPU they compile kernels.
            match round {
                0 => *first = took,
                1 => {}
                _ => times.push(took),
            }
        }
    }
    let state = &runs[0].1;
    let parameters: usize = values(&state.model, &state.groups).values().map(Vec::len).sum();
    println!("{}, batch {}, {rounds} rounds, {parameters} parameters", case.what, case.count);
    let mut joint = None;
    for (name, _, first, times) in &mut runs {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        let ratio = median / *joint.get_or_insert(median);
        let (least, most) = (times[0], times[times.len() - 1]);
        println!("{name:>9}: {median:8.1} ms ({least:.1}-{most:.1})  {ratio:.3}  first {first:.1}");
    }
}

/// The fused scores of the batch, without a graph.
fn evaluate(state: &TrainState<AnyModel>, inputs: &Inputs, count: usize) {
    let fused = [(LossTerm::Fused, (0..count).collect())];
    let scored = state.frozen().forward(&fused, inputs, &mut ForwardContext::eval(&state.buffers));
    assert_eq!(scored.len(), 1);
    device().sync().expect("the device finishes the pass");
}

fn step<M: Model>(state: &mut TrainState<M>, inputs: &Inputs, task: &dyn Task) {
    let at = Position { epoch: 0, epochs: 1, batch: 0, batches: 1, seed: 0 };
    for phase in state.strategy.phases(at, state.model.modalities()) {
        let scale = state.optimizer.loss_scale();
        let mut pass = ForwardContext::train(&mut state.buffers).scaled(scale);
        let context =
            StepContext { model: &state.model, groups: &state.groups, inputs, task, at, peers: &Alone };
        let (gradients, _) =
            Cut.evaluate(context, &phase, state.strategy.as_mut(), &mut pass).expect("routing succeeds");
        let model = state.model.clone();
        state.model = state.optimizer.step(model, gradients, &state.groups, 1.0);
    }
    device().sync().expect("the device finishes the step");
}
