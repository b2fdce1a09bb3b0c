//! What a checkpoint keeps of the way a method reads a single modality.

use std::fs;
use std::path::PathBuf;

use burn::tensor::Device;
use counterpoint::model::Model;
use counterpoint::strategy::{Joint, PmrConfig, StrategyConfig};
use counterpoint::task::Classification;
use counterpoint::train::{Besides, Checkpoint, Evaluation, Progress, TrainState, evaluate};

use crate::run::{CLASSES, Run};

/// A folder of its own, removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("counterpoint-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn scores<M: Model>(state: &TrainState<M>, run: &Run) -> Evaluation {
    let besides = Besides { native: state.strategy.native(), ..Besides::default() };
    let task = Classification::new(CLASSES);
    let (model, device) = (state.frozen(), Device::flex());
    evaluate(&model, &state.buffers, &task, &run.validation, &device, besides).unwrap()
}

#[test]
fn the_best_checkpoint_holds_the_prototypes_it_was_validated_with() {
    let run = Run { unimodal_heads: false, ..Run::new(2, 1, true) };
    let folder = Scratch::new("prototypes");
    let pmr = || StrategyConfig::from(PmrConfig::default()).build(&run.names()).unwrap();
    let mut state = run.train_state(pmr());
    run.go(&mut state, Progress::default(), 0, Some(&folder.0)).unwrap();
    let trained = scores(&state, &run);
    assert_eq!(trained.native.len(), 2);
    for name in ["best", "last"] {
        let mut again = run.train_state(pmr());
        assert!(scores(&again, &run).native.is_empty());
        let file = Checkpoint::read(&folder.0.join(format!("{name}.safetensors"))).unwrap();
        file.restore(&mut again, &Device::flex(), false).unwrap();
        assert_eq!(scores(&again, &run).native, trained.native, "{name}");
    }
}

#[test]
fn a_checkpoint_that_holds_no_prototypes_is_still_scored() {
    let run = Run { unimodal_heads: false, ..Run::new(2, 1, false) };
    let joint = run.train_state(StrategyConfig::from(Joint {}).build(&run.names()).unwrap());
    let mut pmr = run.train_state(StrategyConfig::from(PmrConfig::default()).build(&run.names()).unwrap());
    // What `best` was before strategies were kept in it: weights and nothing else.
    let old = Checkpoint::of(&joint, &Progress::default(), false);
    old.restore(&mut pmr, &Device::flex(), false).unwrap();
    let found = scores(&pmr, &run);
    assert!(found.native.is_empty() && found.reduced.len() == 3);
    // Training on needs them, though.
    let old = Checkpoint::of(&joint, &Progress::default(), true);
    let error = old.restore(&mut pmr, &Device::flex(), true).unwrap_err();
    assert!(error.to_string().contains("strategy state"), "{error}");
}
