//! What a tools measures and changes.

use counterpoint::Error;
use counterpoint::modality::{Modalities, Modality};
use counterpoint::step::Position;
use counterpoint::step::{Group, LossTerm, Phase, Routing, StepOutputs};
use counterpoint::strategy::{EpochTools, Joint, RelearnConfig, Split, Stat, Strategy, StrategyConfig};
use counterpoint::train::Progress;

use crate::run::{CLASSES, Run, values};

/// What happens in a tools.
pub type Event = Box<dyn FnMut(&mut dyn EpochTools) -> Result<(), Error> + Send>;

/// Joint training with something at the end of the first epoch.
pub struct AtEnd(pub Event);

impl Strategy for AtEnd {
    fn phases(&self, _at: Position, _modalities: &Modalities) -> Vec<Phase> {
        vec![Phase::of([LossTerm::Fused])]
    }

    fn route(&mut self, _outputs: &StepOutputs<'_>, modalities: &Modalities) -> Result<Routing, Error> {
        Ok(Routing::default().to_all(LossTerm::Fused, 1.0, modalities))
    }

    fn epoch_end(&mut self, at: Position, tools: &mut dyn EpochTools) -> Result<(), Error> {
        if at.epoch == 0 { (self.0)(tools) } else { Ok(()) }
    }

    fn needs_initial(&self) -> bool {
        true
    }
}

fn with_event(
    epochs: usize,
    event: impl FnMut(&mut dyn EpochTools) -> Result<(), Error> + Send + 'static,
) -> Vec<(String, Vec<f32>)> {
    let run = Run { unimodal_heads: false, ..Run::new(2, epochs, true) };
    let mut state = run.train_state(Box::new(AtEnd(Box::new(event))));
    run.go(&mut state, Progress::default(), 0, None).unwrap();
    values(&state)
}

#[test]
fn a_trial_leaves_no_trace_and_tells_losses_that_fall() {
    let plain = with_event(2, |_| Ok(()));
    let tried = with_event(2, |tools| {
        let curve = tools.trial(&[LossTerm::Fused], 10)?;
        assert!(curve.end.train < curve.start.train && curve.end.validation < curve.start.validation);
        let again = tools.trial(&[LossTerm::Fused], 10)?;
        assert_eq!(curve, again);
        // A single modality, too: only its term trains.
        let unimodal = tools.trial(&[LossTerm::Unimodal(Modality(1))], 10)?;
        assert!(unimodal.end.train < unimodal.start.train && unimodal != curve);
        Ok(())
    });
    assert_eq!(plain, tried);
}

#[test]
fn measurements_cover_every_sample_that_has_the_modality() {
    with_event(1, |tools| {
        for (split, count) in [(Split::Train, 24), (Split::Validation, 9)] {
            let mut seen = 0;
            for m in tools.modalities().clone().iter() {
                let features = tools.features(split, m)?;
                let samples = features.targets.len();
                assert_eq!((features.width, features.values.len()), (5, samples * 5));
                assert!(samples < count);
                seen += samples;
            }
            // Every gap is of one modality.
            let scores = tools.scores(split, LossTerm::Fused)?;
            assert_eq!((scores.width, scores.values.len()), (CLASSES, scores.targets.len() * CLASSES));
            assert_eq!(count - scores.targets.len(), 2 * count - seen);
        }
        Ok(())
    });
}

#[test]
fn pulling_by_nothing_changes_no_bit_and_by_one_restores_the_start() {
    let plain = with_event(1, |_| Ok(()));
    let still = with_event(1, |tools| tools.pull_to_init(Group::Encoder(Modality(0)), 0.0));
    assert_eq!(plain, still);
    let back = with_event(1, |tools| tools.pull_to_init(Group::Encoder(Modality(0)), 1.0));
    let run = Run { unimodal_heads: false, ..Run::new(2, 1, true) };
    let initial = values(&run.train_state(StrategyConfig::from(Joint {}).build(&run.names()).unwrap()));
    for ((now, start), trained) in back.iter().zip(&initial).zip(&plain) {
        let pulled = now.0.starts_with("encoder.m0.");
        assert_eq!(&now.1, if pulled { &start.1 } else { &trained.1 }, "{}", now.0);
        assert!(start.1 != trained.1);
    }
    let half = with_event(1, |tools| tools.pull_to_init(Group::Encoder(Modality(0)), 0.25));
    let (now, start, trained) = (&half[0].1, &initial[0].1, &plain[0].1);
    assert!(
        now.iter().zip(start.iter().zip(trained)).all(|(n, (s, t))| (n - (0.25 * s + 0.75 * t)).abs() < 1e-6)
    );
}

#[test]
fn relearning_shows_a_gap_for_each_modality() {
    let run = Run { unimodal_heads: false, ..Run::new(2, 3, false) };
    let config = RelearnConfig { every: 1, times: 1, ..RelearnConfig::default() };
    let mut state = run.train_state(StrategyConfig::from(config).build(&run.names()).unwrap());
    run.go(&mut state, Progress::default(), 0, None).unwrap();
    let stats = state.strategy.stats();
    assert_eq!(stats.len(), 2);
    assert!(stats.iter().all(|f: &Stat| f.name == "gap" && (0.0..=1.0).contains(&f.value)));
}
