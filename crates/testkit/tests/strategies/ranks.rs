//! Ranks that share every batch do what one process does with all of it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::thread;

use counterpoint::ErrorKind;
use counterpoint::peers::{Alone, Peers, Threads};
use counterpoint::step::{Incomplete, LossTerm};
use counterpoint::strategy::{GBlendConfig, Joint, StrategyConfig};
use counterpoint::train::{EpochReport, Observer, Outcome, Progress, StepReport};

use crate::run::{CLASSES, Run, configs, values};
use crate::training::scratch;

/// What one rank made and saw of a run.
#[derive(Debug, Default)]
struct Seen {
    parameters: Vec<(String, Vec<f32>)>,
    strategy: BTreeMap<String, Vec<f64>>,
    losses: Vec<f64>,
    norms: Vec<f64>,
    /// Of every epoch the names of the validation samples and their scores.
    ids: Vec<String>,
    scores: Vec<f32>,
    stats: Vec<f64>,
}

impl Observer for Seen {
    fn step(&mut self, report: &StepReport<'_>) {
        self.losses.extend(report.record.losses.values());
        self.norms.extend(report.record.boundary_norms.values());
    }

    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), counterpoint::Error> {
        let validation = report.validation;
        self.ids.extend(validation.ids.iter().cloned());
        let mut rows: Vec<(LossTerm, usize, Vec<f32>)> = Vec::new();
        for (term, (of, scores)) in &validation.reduced {
            let width = scores.len() / of.len();
            let each = of.iter().zip(scores.chunks_exact(width));
            rows.extend(each.map(|(sample, scores)| (*term, *sample, scores.to_vec())));
        }
        rows.sort_by_key(|(term, sample, _)| (*term, *sample));
        self.scores.extend(rows.into_iter().flat_map(|(_, _, scores)| scores));
        self.stats.extend(report.stats.values().flat_map(|of| of.values().copied()));
        self.stats
            .extend(report.train.values().flat_map(|(loss, running)| [Some(*loss), *running]).flatten());
        self.stats.extend(report.term_samples.values().map(|&count| count as f64));
        self.stats.push(report.samples as f64);
        Ok(())
    }
}

fn seen(run: &Run, config: &StrategyConfig, incomplete: Incomplete, peers: &dyn Peers) -> Seen {
    let mut state = run.train_state(config.build(&run.names()).unwrap());
    state.incomplete = incomplete;
    let (mut seen, stop) = (Seen::default(), AtomicBool::new(false));
    let outcome = run.shared(&mut state, Progress::default(), &mut seen, &stop, None, peers);
    assert_eq!(outcome.unwrap(), Outcome::Finished, "{config:?}");
    seen.parameters = values(&state);
    seen.strategy = state.strategy.save().0.into_iter().map(|(name, (_, values))| (name, values)).collect();
    seen
}

fn ranks(run: &Run, config: &StrategyConfig, incomplete: Incomplete, count: usize) -> Vec<Seen> {
    thread::scope(|scope| {
        let start = |peers| scope.spawn(move || seen(run, config, incomplete, &peers));
        let started: Vec<_> = Threads::of(count).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// How far ranks may be from one process, relative to the norm. Weights that are estimated are quotients of
/// differences of losses, which are some ten times as far apart as the losses.
fn tolerance(config: &StrategyConfig) -> f64 {
    let estimates = config.get::<GBlendConfig>().is_some_and(|gblend| gblend.every.is_some());
    if estimates { 2e-5 } else { 1e-6 }
}

fn close(a: Vec<f64>, b: Vec<f64>, tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let norm = a.iter().map(|v| v * v).sum::<f64>().sqrt().max(1.0);
    let apart = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    assert!(apart <= tolerance * norm, "{what}: {apart:.3e} of {norm:.3e} apart");
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| value.into()).collect()
}

/// A run, and how its strategy takes samples that lack something.
fn cases() -> Vec<(Run, StrategyConfig, Incomplete)> {
    let mut cases = Vec::new();
    for (config, unimodal_heads) in configs() {
        let mut ways = vec![(false, Incomplete::Skip), (true, Incomplete::Skip)];
        if config.check_incomplete(Incomplete::ZeroFill).is_ok() {
            ways.push((true, Incomplete::ZeroFill));
        }
        for (gaps, incomplete) in ways {
            // Five epochs of four batches of six samples.
            let mut run = Run { unimodal_heads, ..Run::new(3, 5, gaps) };
            run.config.clip = Some(0.5);
            cases.push((run, config.clone(), incomplete));
        }
    }
    cases
}

#[test]
fn every_strategy_does_the_same_alone_and_on_ranks() {
    for (run, config, incomplete) in cases() {
        let alone = seen(&run, &config, incomplete, &Alone);
        let close = |a, b, what: &str| close(a, b, tolerance(&config), what);
        // Seven share six samples: one has none of each batch.
        for count in [2, 7] {
            let all = ranks(&run, &config, incomplete, count);
            for (rank, seen) in all.iter().enumerate() {
                let what = |part: &str| format!("{config:?}, {incomplete:?}, rank {rank} of {count}: {part}");
                // Ranks hold the same bits, and close to those of one process.
                assert_eq!(seen.parameters, all[0].parameters, "{}", what("parameters"));
                assert_eq!(seen.strategy, all[0].strategy, "{}", what("strategy"));
                for ((name, a), (_, b)) in alone.parameters.iter().zip(&seen.parameters) {
                    close(doubles(a), doubles(b), &what(name));
                }
                for (name, values) in &alone.strategy {
                    close(values.clone(), seen.strategy[name].clone(), &what(name));
                }
                close(alone.losses.clone(), seen.losses.clone(), &what("losses"));
                close(alone.norms.clone(), seen.norms.clone(), &what("norms"));
                close(alone.stats.clone(), seen.stats.clone(), &what("stats"));
                assert_eq!(alone.ids, seen.ids, "{}", what("validation samples"));
                close(doubles(&alone.scores), doubles(&seen.scores), &what("validation scores"));
            }
        }
    }
}

#[test]
fn ranks_would_write_the_same_checkpoints() {
    for name in ["joint", "dgl", "pmr", "gblend"] {
        let (config, unimodal_heads) =
            configs().into_iter().find(|(config, _)| config.name() == name).expect("it is in the catalogue");
        let run = Run { unimodal_heads, ..Run::new(3, 3, true) };
        let folders = [0, 1].map(|rank| scratch(&format!("rank{rank}_{name}")));
        thread::scope(|scope| {
            for (peers, folder) in Threads::of(2).into_iter().zip(&folders) {
                let (run, config) = (&run, &config);
                scope.spawn(move || {
                    let mut state = run.train_state(config.build(&run.names()).unwrap());
                    let (mut seen, stop) = (Seen::default(), AtomicBool::new(false));
                    run.shared(&mut state, Progress::default(), &mut seen, &stop, Some(folder), &peers)
                        .unwrap()
                });
            }
        });
        for file in ["last.safetensors", "best.safetensors"] {
            let [first, second] = [0, 1].map(|rank| std::fs::read(folders[rank].join(file)).unwrap());
            assert!(first == second, "{name}: {file} differs between ranks");
        }
        folders.iter().for_each(|folder| std::fs::remove_dir_all(folder).unwrap());
    }
}

#[test]
fn ranks_whose_models_differ_are_refused() {
    let run = Run { unimodal_heads: false, ..Run::new(2, 2, false) };
    let ends: Vec<_> = thread::scope(|scope| {
        let start = |peers: Threads| {
            let run = &run;
            scope.spawn(move || {
                let mut state = run.train_state(StrategyConfig::from(Joint {}).build(&run.names()).unwrap());
                if peers.rank() == 1 {
                    state.assign(|parameter| (parameter.name == "head.bias").then(|| vec![0.5; CLASSES]));
                }
                let (mut seen, stop) = (Seen::default(), AtomicBool::new(false));
                run.shared(&mut state, Progress::default(), &mut seen, &stop, None, &peers)
            })
        };
        let started: Vec<_> = Threads::of(2).into_iter().map(start).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for end in ends {
        let error = end.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let what = "the parameters of rank 1 are not those of rank 0 after epoch 1";
        assert!(error.to_string().contains(what), "{error}");
    }
}
