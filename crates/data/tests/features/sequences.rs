//! Token ids and steps in time, up to their own length.

use counterpoint_batch::BatchSource;
use counterpoint_data::{DataConfig, Loader, LoaderOptions};

use crate::arrays::*;

#[test]
fn token_ids_end_before_their_padding_and_are_left_as_they_are() {
    let splits = open(&sequences(), "modalities = [\"tokens\", \"sound\"]\ntokens = [\"tokens\"]").unwrap();
    let spec = &splits.modalities()[0];
    assert_eq!((&spec.shape[..], spec.vocabulary, spec.ragged), (&[4][..], Some(6), true));
    let tokens = |row: usize| {
        let sample = splits.train.sample(row, None).unwrap();
        sample.inputs[0].as_ref().map(|array| array.values().to_vec())
    };
    assert_eq!(tokens(0), Some(vec![5.0, 2.0]));
    assert_eq!(tokens(1), Some(vec![1.0, 0.0, 3.0]), "0 inside a text is an id");
    assert_eq!(tokens(2), None, "a text without a word is absent");
    let batch = Loader::new(
        splits.train.clone(),
        LoaderOptions::eval(&DataConfig::from_toml("name = \"features\"").unwrap().common),
    )
    .unwrap();
    let batch = batch.epoch(0, 0).next().unwrap().unwrap();
    assert_eq!(batch.inputs[0].lengths, Some(vec![2, 3, 0, 4]));
    assert_eq!(batch.inputs[0].array.values()[..8], [5.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0, 0.0]);
}

#[test]
fn given_lengths_cut_sequences_before_anything_is_fitted() {
    let keys =
        "modalities = [\"sound\", \"text\"]\nlengths = { sound = \"n\" }\ndrop_constant = false\nlimit = 0";
    let splits = open(&sequences(), keys).unwrap();
    assert!(splits.modalities()[0].ragged);
    // Real training values: 0, 1; 2; none; 6, 7. Mean 3.2, the padding not among them.
    let mean = 16.0 / 5.0;
    let deviation =
        ([0.0, 1.0, 2.0, 6.0, 7.0].iter().map(|v: &f32| (v - mean).powi(2)).sum::<f32>() / 5.0).sqrt();
    let sample = splits.train.sample(1, None).unwrap();
    let array = sample.inputs[0].as_ref().unwrap();
    assert_eq!(array.shape(), [1, 1]);
    assert!((array.values()[0] - (2.0 - mean) / deviation).abs() < 1e-5);
    assert!(message(&sequences(), &keys.replace("sound =", "text =")).contains("no steps in time"));
    assert!(
        message(&sequences(), "modalities = [\"sound\"]\ntokens = [\"toks\"]")
            .contains("`tokens` names `toks`")
    );
    assert!(message(&sequences(), "modalities = [\"text\"]\ntokens = [\"text\"]").contains("no integers"));
}

#[test]
fn a_sheet_shows_sequences_of_any_length_and_what_is_absent() {
    let splits = open(&sequences(), "modalities = [\"tokens\", \"sound\"]\ntokens = [\"tokens\"]").unwrap();
    let common = DataConfig::from_toml("name = \"features\"").unwrap().common;
    let loader = Loader::new(splits.train, LoaderOptions::train(&common, 1)).unwrap();
    let sheet = counterpoint_data::preview::sheet(&loader, 9, 0, "all").unwrap();
    let one = counterpoint_data::preview::sheet(&loader, 1, 0, "all").unwrap();
    assert_eq!(sheet.width, one.width);
    assert!(sheet.height > 3 * (one.height / 2), "four rows");
}
