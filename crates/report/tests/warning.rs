//! Warnings on hand-made curves, each with curves that must not give it.

use std::collections::BTreeMap;

use counterpoint_report::record::{Epoch, Start, UnimodalReading, Warning};
use counterpoint_report::warning::{Caution, GainIsLearningRate, GapUnresolved, of_run};

/// A run of ten classes with 500 validation samples.
fn start(epochs: usize) -> Start {
    Start {
        epochs,
        modalities: vec!["audio".into(), "image".into()],
        classes: (0..10).map(|k| k.to_string()).collect(),
        samples: BTreeMap::from([("val".to_owned(), 500)]),
        ..Start::default()
    }
}

/// One epoch from fused, audio and image validation accuracy and audio's train accuracy.
fn epoch(number: usize, fused: f64, audio: f64, image: f64, trained: f64) -> Epoch {
    let row = |value: f64| {
        BTreeMap::from([("accuracy".to_owned(), value), ("balanced_accuracy".to_owned(), value)])
    };
    let rows = |rows: &[(&str, f64)]| rows.iter().map(|(name, v)| ((*name).to_owned(), row(*v))).collect();
    Epoch {
        epoch: number,
        val: rows(&[("fused", fused), ("audio", audio), ("image", image)]),
        train: rows(&[("audio", trained)]),
        ..Epoch::default()
    }
}

/// Epochs 1, 2, .. of curves; what is not given stays at a healthy value.
fn curve(values: impl IntoIterator<Item = (f64, f64, f64)>) -> Vec<Epoch> {
    let mut epochs: Vec<Epoch> = values
        .into_iter()
        .enumerate()
        .map(|(i, (fused, audio, trained))| epoch(i + 1, fused, audio, 0.9, trained))
        .collect();
    let best = (0..epochs.len()).fold(0, |best, i| {
        let at = |i: usize| epochs[i].val["fused"]["accuracy"];
        if at(i) > at(best) { i } else { best }
    });
    epochs[best].best = true;
    epochs
}

fn kinds(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|w| w.kind.as_str()).collect()
}

#[test]
fn a_modality_that_stays_at_chance_is_named_with_a_remedy() {
    // AugmentKeys is 0.1; its standard error on 500 samples sqrt(0.09 / 500) = 0.0134, so 0.1268 is the limit.
    let stuck = curve([0.5, 0.8, 0.9, 0.9, 0.8].map(|fused| (fused, 0.11, 0.3)));
    let warnings = of_run(&start(5), &stuck);
    assert_eq!(kinds(&warnings), ["modality_at_chance"]);
    assert_eq!(warnings[0].epoch, Some(3), "half of five epochs is over in the third");
    assert!(
        warnings[0].message.starts_with("unimodal audio (zero-fill) stays near chance: 11.0 %"),
        "{}",
        warnings[0].message
    );
    assert!(warnings[0].remedy.contains("unimodal"));
    // Slightly above the limit, it has learned something; so has one that starts late.
    assert!(of_run(&start(5), &curve([0.5, 0.8, 0.9, 0.9, 0.8].map(|fused| (fused, 0.13, 0.3)))).is_empty());
    let late = curve([(0.5, 0.1, 0.1), (0.8, 0.1, 0.1), (0.9, 0.2, 0.3), (0.9, 0.4, 0.5), (0.8, 0.5, 0.6)]);
    assert!(of_run(&start(5), &late).is_empty());
    // Too early to say.
    assert!(of_run(&start(50), &stuck).is_empty());
}

#[test]
fn chance_is_of_the_classes_that_occur_and_no_warning_contradicts_its_number() {
    let occurring = |classes: u64, samples: u64| Start {
        occurring: BTreeMap::from([("val".to_owned(), classes)]),
        samples: BTreeMap::from([("val".to_owned(), samples)]),
        ..start(4)
    };
    let run = |start: &Start, audio: f64| {
        let warnings = of_run(start, &curve([0.5, 0.8, 0.9, 0.8].map(|fused| (fused, audio, 0.3))));
        let found = warnings.into_iter().find(|w| w.kind == "modality_at_chance");
        found.map(|warning| warning.message)
    };
    // Of ten classes two occur: half is chance, however little a tenth would be.
    let message = run(&occurring(2, 500), 0.5).unwrap();
    assert!(
        message.contains("50.0 % balanced accuracy on validation where a constant guess has 50.0 %"),
        "{message}"
    );
    assert_eq!(run(&occurring(2, 500), 0.7), None);
    // One class or one sample says nothing of chance, whatever the score.
    assert_eq!(run(&occurring(1, 12), 1.0), None);
    assert_eq!(run(&occurring(1, 12), 0.8), None);
    // Two standard errors on 4 samples of two classes are 0.5; all right is no chance for all that.
    assert_eq!(run(&occurring(2, 4), 1.0), None);
    assert_eq!(run(&occurring(2, 4), 0.75), None);
    assert!(run(&occurring(2, 4), 0.5).unwrap().contains("chance may add 12.5 points"));
}

#[test]
fn a_metric_that_no_epoch_defines_leaves_no_best_one() {
    let start = Start { metric: "r2".into(), classes: Vec::new(), ..start(3) };
    let epoch = |number: usize, r2: f64| Epoch {
        epoch: number,
        val: BTreeMap::from([("fused".to_owned(), BTreeMap::from([("r2".to_owned(), r2)]))]),
        ..Epoch::default()
    };
    let undefined: Vec<Epoch> = (0..=3).map(|number| epoch(number, f64::NAN)).collect();
    let warnings = of_run(&start, &undefined);
    assert_eq!(kinds(&warnings), ["no_best_epoch"]);
    assert!(warnings[0].message.starts_with("r2 of the fused output is not defined"), "{warnings:?}");
    assert!(of_run(&start, &undefined[..3]).is_empty(), "an epoch is left");
    let mut one = undefined.clone();
    one[2] = Epoch { best: true, ..epoch(2, 0.5) };
    assert!(of_run(&start, &one).is_empty());
}

#[test]
fn a_memorised_modality_is_named_only_when_the_fused_accuracy_falls() {
    let rising = [0.6, 0.7, 0.76, 0.77, 0.77, 0.77, 0.76, 0.77];
    let falling = [0.6, 0.7, 0.76, 0.77, 0.77, 0.75, 0.72, 0.71];
    let run = |fused: [f64; 8], train: f64| of_run(&start(50), &curve(fused.map(|f| (f, 0.55, train))));
    // Best median of three 0.77; a standard error is 0.0188. The median of epochs 5 to 7 is 0.75.
    let warnings = run(falling, 0.95);
    assert_eq!(kinds(&warnings), ["modality_memorised"]);
    assert_eq!(warnings[0].epoch, Some(7));
    assert!(warnings[0].message.contains("95.0 % on the train and 55.0 % on the validation split"));
    assert!(warnings[0].remedy.contains("stop early") && warnings[0].remedy.contains("smaller"));
    assert!(run(rising, 0.95).is_empty(), "nothing is lost");
    assert!(run(falling, 0.70).is_empty(), "train is not far above validation");
    // A model of one modality has no unimodal losses to weaken.
    let unimodal = Start { modalities: vec!["audio".into()], ..start(50) };
    let warnings = of_run(&unimodal, &curve(falling.map(|f| (f, 0.55, 0.95))));
    assert!(warnings[0].remedy.contains("weight_decay") && !warnings[0].remedy.contains("alpha"));
    // One lucky epoch is no peak.
    assert!(run([0.6, 0.74, 0.74, 0.80, 0.74, 0.74, 0.74, 0.74], 0.95).is_empty());
}

/// The same epochs with audio read by a head of its own, on both splits.
fn own_heads(mut epochs: Vec<Epoch>, validation: f64, train: f64) -> (Start, Vec<Epoch>) {
    let row = |value: f64| ["accuracy", "balanced_accuracy"].map(|name| (name.to_owned(), value)).into();
    for epoch in &mut epochs {
        epoch.val.insert("native:audio".into(), row(validation));
        epoch.train.insert("aux:audio".into(), row(train));
        let zero_filled = BTreeMap::from([("train_accuracy".to_owned(), 0.97)]);
        epoch.diagnostics.insert("audio".into(), zero_filled);
    }
    let unimodal =
        UnimodalReading { native: "own head".into(), native_trained: true, ..UnimodalReading::default() };
    (Start { unimodal, ..start(50) }, epochs)
}

#[test]
fn a_head_that_the_method_trains_is_what_warnings_look_at() {
    // Zero-filled, audio is at chance; its own head is not, and the other way round.
    let stuck = || curve([0.5, 0.8, 0.9, 0.9, 0.8, 0.9].map(|fused| (fused, 0.11, 0.3)));
    let of = |(start, epochs): (Start, Vec<Epoch>)| of_run(&Start { epochs: 6, ..start }, &epochs);
    assert!(!kinds(&of((start(6), stuck()))).is_empty());
    assert!(of(own_heads(stuck(), 0.54, 0.6)).is_empty());
    let healthy = || curve([0.5, 0.8, 0.9, 0.9, 0.8, 0.9].map(|fused| (fused, 0.5, 0.6)));
    let warnings = of(own_heads(healthy(), 0.1, 0.1));
    assert_eq!(kinds(&warnings), ["modality_at_chance"]);
    assert!(
        warnings[0].message.starts_with("unimodal audio (own head) stays near"),
        "{}",
        warnings[0].message
    );

    let falling = || curve([0.6, 0.7, 0.76, 0.77, 0.77, 0.75, 0.72, 0.71].map(|f| (f, 0.55, 0.95)));
    let of = |(start, epochs): (Start, Vec<Epoch>)| of_run(&start, &epochs);
    assert!(of(own_heads(falling(), 0.6, 0.7)).is_empty(), "the own head has not memorised");
    let warnings = of(own_heads(falling(), 0.6, 0.93));
    assert!(
        warnings[0].message.contains("(own head) has accuracy 93.0 % on the train and 60.0 %"),
        "{warnings:?}"
    );
}

#[test]
fn the_best_epoch_last_is_told_once_training_is_over() {
    let growing = curve([0.5, 0.6, 0.7].map(|fused| (fused, 0.5, 0.5)));
    assert_eq!(kinds(&of_run(&start(3), &growing)), ["best_epoch_last"]);
    assert!(of_run(&start(4), &growing).is_empty(), "another epoch is planned");
    assert!(of_run(&start(3), &curve([0.5, 0.7, 0.7].map(|fused| (fused, 0.5, 0.5)))).is_empty());
}

#[test]
fn warnings_of_a_longer_run_begin_with_those_of_a_shorter() {
    let falling = [0.6, 0.7, 0.76, 0.77, 0.77, 0.75, 0.72, 0.71, 0.70, 0.78];
    let mut epochs = curve(falling.map(|f| (f, 0.55, 0.95)));
    for e in &mut epochs {
        e.val.get_mut("image").unwrap().insert("balanced_accuracy".into(), 0.1);
    }
    let start = start(10);
    let all = of_run(&start, &epochs);
    assert_eq!(kinds(&all), ["modality_at_chance", "modality_memorised", "best_epoch_last"]);
    for count in 0..=epochs.len() {
        assert!(all.starts_with(&of_run(&start, &epochs[..count])), "after {count} epochs");
    }
}

#[test]
fn records_with_holes_and_strange_numbers_give_no_warning_and_no_panic() {
    assert!(of_run(&Start::default(), &[]).is_empty());
    let bare: Vec<Epoch> = (1..9).map(|epoch| Epoch { epoch, ..Epoch::default() }).collect();
    assert!(of_run(&start(8), &bare).is_empty());
    let nan = curve((0..8).map(|_| (f64::NAN, f64::NAN, f64::NAN)));
    assert!(of_run(&start(20), &nan).is_empty());
}

#[test]
fn a_gap_below_the_resolution_says_how_many_samples_it_needs() {
    // d = 0.08, gap 0.012: variance 0.079856; 1.96 * sqrt(0.079856 / 229) = 0.0366.
    let gap = GapUnresolved::find(("joint", 0.776), ("dgl", 0.788), 229, Some(0.08)).unwrap();
    assert_eq!(gap.methods, ["dgl", "joint"]);
    assert!((gap.resolution - 0.0366).abs() < 1e-4);
    // (1.96 / 0.012)^2 * 0.079856 = 2130.3
    assert_eq!(gap.needed, Some(2131));
    assert!(gap.record().message.contains("1.2 points ahead"));
    assert!(GapUnresolved::find(("joint", 0.70), ("dgl", 0.788), 229, Some(0.08)).is_none());
    // Without predictions independent errors are assumed: 0.788 * 0.224 + 0.776 * 0.212 = 0.341.
    let coarse = GapUnresolved::find(("joint", 0.776), ("dgl", 0.788), 229, None).unwrap();
    assert!((coarse.resolution - 1.96 * (0.340_880_f64 / 229.0).sqrt()).abs() < 1e-4);
    assert_eq!(GapUnresolved::find(("a", 0.5), ("b", 0.5), 100, None).unwrap().needed, None);
    assert!(GapUnresolved::find(("a", f64::NAN), ("b", 0.5), 100, None).is_none());
}

#[test]
fn a_gain_that_the_learning_rate_explains_is_told_from_one_that_it_does_not() {
    let (dgl, joint) = (("dgl", &[0.98, 0.97, 0.99][..]), ("joint", &[0.93, 0.93, 0.94][..]));
    let find = |control: &[f64]| GainIsLearningRate::find(dgl, joint, ("joint, lr x4", control));
    let gone = find(&[0.98, 0.98, 0.98]).unwrap();
    assert!((gone.gain - 0.046_67).abs() < 1e-4 && gone.left.abs() < 1e-12 && gone.pairs == 3);
    assert!(gone.record().message.contains("nothing is left of it against joint, lr x4 (3 pairs of runs)"));
    assert!(find(&[0.935, 0.93, 0.945]).is_none(), "most of the gain survives");
    assert!(find(&[0.961, 0.951, 0.971]).is_none(), "0.019 of 0.047 is left, and beyond noise");
    // No gain, nothing to explain; a single pair is judged by the share that is left.
    assert!(GainIsLearningRate::find(joint, dgl, ("x", &[0.9, 0.9, 0.9])).is_none());
    assert!(GainIsLearningRate::find(("a", &[0.9]), ("b", &[0.8]), ("c", &[0.89])).is_some());
    assert!(GainIsLearningRate::find(("a", &[0.9]), ("b", &[0.8]), ("c", &[0.81])).is_none());
    assert!(GainIsLearningRate::find(("a", &[]), ("b", &[]), ("c", &[])).is_none());
}
