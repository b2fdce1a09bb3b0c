//! What ranks that share every batch would gain: one step measured here, its messages counted, and the time that they
//! take on a network.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use counterpoint::grad::Cut;
use counterpoint::peers::{Alone, Counted, Peers, Threads, Traffic};
use counterpoint::step::Position;
use counterpoint::train::try_step;
use counterpoint_batch::{Batch, BatchSource, share};
use serde_json::{Value, json};

use crate::args::Network;
use crate::exit::{Code, Failure};
use crate::run::Run;

/// One step on so many ranks.
pub struct Scale {
    /// Ranks.
    pub ranks: usize,
    /// Samples of the batch that the busiest rank has.
    pub samples: usize,
    /// Seconds that a rank computes.
    pub compute: f64,
    /// Seconds that messages take.
    pub messages: f64,
}

impl Scale {
    fn seconds(&self) -> f64 {
        self.compute + self.messages
    }
}

/// The step on 1, 2, 4 .. ranks, up to `ranks`.
pub fn scales(run: &Run, network: &Network, ranks: usize) -> Result<(Traffic, Vec<Scale>), Failure> {
    let batch = first_batch(run)?;
    let traffic = traffic(run, &batch)?;
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|n| *n < ranks).collect();
    counts.push(ranks);
    let mut all = Vec::new();
    for ranks in counts {
        let samples = batch.len().div_ceil(ranks);
        let compute = compute(run, batch.clone(), samples)?;
        all.push(Scale { ranks, samples, compute, messages: messages(&traffic, network, ranks) });
    }
    Ok((traffic, all))
}

fn first_batch(run: &Run) -> Result<Batch, Failure> {
    let first = run.train_loader()?.epoch(0, 0).next().transpose();
    let first = first.map_err(|e| Failure::new(Code::Data, e.to_string()))?;
    first.ok_or_else(|| Failure::new(Code::Data, "the train split has no batch"))
}

fn start(run: &Run) -> Position {
    let train = &run.config.train;
    Position { epoch: 0, epochs: train.epochs, batch: 0, batches: 1, seed: train.seed }
}

/// Steps of a measurement; the first is not timed.
const STEPS: usize = 4;

/// Seconds of the shortest of some steps of one rank with its share of the batch.
fn step(run: &Run, share: Batch, peers: &dyn Peers) -> Result<f64, Failure> {
    let (mut state, device, task) = (run.train_state()?, run.device()?, run.task.as_ref());
    // The first step of a process makes threads and takes memory.
    try_step(&mut state, &Cut, task, share.clone(), start(run), &device, peers)?;
    let mut shortest = f64::INFINITY;
    for _ in 1..STEPS {
        let begun = Instant::now();
        try_step(&mut state, &Cut, task, share.clone(), start(run), &device, peers)?;
        shortest = shortest.min(begun.elapsed().as_secs_f64());
    }
    Ok(shortest)
}

fn compute(run: &Run, batch: Batch, samples: usize) -> Result<f64, Failure> {
    let part = batch.part(0..samples).map_err(|e| Failure::new(Code::Bug, e.0))?;
    step(run, part, &Alone)
}

/// What the ranks say in one step, counted by two of them.
fn traffic(run: &Run, batch: &Batch) -> Result<Traffic, Failure> {
    let said = thread::scope(|scope| {
        let start = |peers: Threads| {
            scope.spawn(move || {
                let own = share(batch.len(), peers.rank(), peers.size());
                let part = batch.clone().part(own).map_err(|e| Failure::new(Code::Bug, e.0))?;
                let counted = Arc::new(Counted::new(peers));
                let peers = run.peers(counted.clone());
                step(run, part, peers.as_ref()).map(|_| counted.traffic())
            })
        };
        let started: Vec<_> = Threads::of(2).into_iter().map(start).collect();
        started
            .into_iter()
            .map(|rank| rank.join().expect("a panic ends the process"))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let Traffic { sums, summed, gathers, gathered } = said[0];
    Ok(Traffic {
        sums: sums / STEPS,
        summed: summed / STEPS,
        gathers: gathers / STEPS,
        gathered: gathered / STEPS,
    })
}

/// Seconds that the messages of a step take: a sum sends all but one's own part twice, and a gather all but one's own
/// part once; each is preceded by sizes, and waits for the network as often as its tree is deep, or a sum for
/// every other rank.
fn messages(traffic: &Traffic, network: &Network, ranks: usize) -> f64 {
    let others = (ranks - 1) as f64 / ranks as f64;
    let bytes = (2 * traffic.summed + traffic.gathered) as f64 * others;
    let depth = (ranks as f64).log2().ceil();
    let waits = traffic.gathers as f64 * 2.0 * depth + traffic.sums as f64 * ((ranks - 1) as f64 + depth);
    bytes / network.bandwidth + waits * network.latency
}

/// For people.
pub fn text(traffic: &Traffic, all: &[Scale], network: &Network) -> String {
    let mut text = format!(
        "A step on ranks that share its batch, computing as this machine does with {} threads, on a network of {:.3} GB/s \
         and {:.1} us:\n  {:.2} MB of gradients and statistics are added up in {} sums, {:.3} MB of results are told in {} \
         messages\n\n{:>5}  {:>12}  {:>10}  {:>10}  {:>10}  {:>10}",
        rayon::current_num_threads(),
        network.bandwidth * 1e-9,
        network.latency * 1e6,
        traffic.summed as f64 * 1e-6,
        traffic.sums,
        traffic.gathered as f64 * 1e-6,
        traffic.gathers,
        "ranks",
        "samples each",
        "compute",
        "messages",
        "step",
        "efficiency",
    );
    for scale in all {
        text += &format!(
            "\n{:>5}  {:>12}  {:>8.4} s  {:>8.4} s  {:>8.4} s  {:>8.0} %",
            scale.ranks,
            scale.samples,
            scale.compute,
            scale.messages,
            scale.seconds(),
            100.0 * efficiency(scale, all)
        );
    }
    text
}

/// The part of the ranks' time that is gain: one rank's time by that of all.
fn efficiency(scale: &Scale, all: &[Scale]) -> f64 {
    all[0].seconds() / (scale.ranks as f64 * scale.seconds())
}

/// For programs.
pub fn value(traffic: &Traffic, all: &[Scale]) -> Value {
    let each = |scale: &Scale| {
        json!({
            "ranks": scale.ranks, "samples": scale.samples, "compute_seconds": scale.compute,
            "message_seconds": scale.messages, "step_seconds": scale.seconds(), "efficiency": efficiency(scale, all),
        })
    };
    json!({
        "summed_bytes": traffic.summed, "sums": traffic.sums, "gathered_bytes": traffic.gathered,
        "gathers": traffic.gathers, "scales": all.iter().map(each).collect::<Vec<_>>(),
    })
}
