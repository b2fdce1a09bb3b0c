//! Every strategy in the loop: any number of modalities, gaps, resumption.

use std::path::PathBuf;

use burn::tensor::Device;
use counterpoint::train::{Checkpoint, Outcome, Progress};

use crate::run::{Run, configs, encoders, values};

#[test]
fn every_strategy_trains_one_to_six_modalities_with_and_without_gaps() {
    for modalities in 1..=6 {
        for gaps in [false, true] {
            for (config, unimodal_heads) in configs() {
                let run = Run { unimodal_heads, ..Run::new(modalities, 2 * modalities, gaps) };
                let strategy = config.build(&run.names()).unwrap();
                let mut state = run.train_state(strategy);
                let before = values(&state);
                let outcome = run.go(&mut state, Progress::default(), 0, None);
                assert_eq!(outcome.unwrap(), Outcome::Finished, "{config:?}, {modalities} modalities");
                let after = values(&state);
                for (a, b) in encoders(&before).into_iter().zip(encoders(&after)) {
                    assert!(b.1.iter().all(|v| v.is_finite()), "{config:?}: {}", b.0);
                    // Boosting needs two epochs for each modality.
                    assert!(a.1 != b.1, "{config:?}, {modalities} modalities: {} never moved", b.0);
                }
            }
        }
    }
}

#[test]
fn an_interrupted_run_continues_to_the_same_bits() {
    for (index, (config, unimodal_heads)) in configs().into_iter().enumerate() {
        let run = Run { unimodal_heads, ..Run::new(3, 5, true) };
        let build = || run.train_state(config.build(&run.names()).unwrap());
        let mut whole = build();
        run.go(&mut whole, Progress::default(), 0, None).unwrap();
        // In the middle of an epoch, and at its last batch: the tools is then still to come.
        for stop_after in [6, 8] {
            let folder = scratch(&format!("resume{index}_{stop_after}"));
            let mut first = build();
            let outcome = run.go(&mut first, Progress::default(), stop_after, Some(&folder)).unwrap();
            assert_eq!(outcome, Outcome::Interrupted);
            let checkpoint = Checkpoint::read(&folder.join("last.safetensors")).unwrap();
            let progress = checkpoint.progress.clone();
            let mut second = build();
            checkpoint.restore(&mut second, &Device::flex(), true).unwrap();
            run.go(&mut second, progress, 0, Some(&folder)).unwrap();
            assert_eq!(values(&whole), values(&second), "{config:?} after step {stop_after}");
            assert_eq!(whole.strategy.save(), second.strategy.save(), "{config:?}");
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}

pub fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("counterpoint_{}_{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
