//! The project's own data set, from its table to its batches.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use counterpoint_batch::{Batch, BatchSource};
use counterpoint_data::{
    DataConfig, ErrorKind, Loader, LoaderOptions, Normalise, Preparation, RngKey, Splits,
};

fn base() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn open(keys: &str) -> Splits {
    DataConfig::from_toml(&format!("name = \"spoken-digits\"\n{keys}")).unwrap().open(base()).unwrap()
}

fn refused(keys: &str) -> (ErrorKind, String) {
    let config = DataConfig::from_toml(&format!("name = \"spoken-digits\"\n{keys}"));
    let error = config.and_then(|config| config.open(base())).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn the_speaker_split_is_that_of_the_design() {
    let splits = open("");
    assert_eq!((splits.train.len(), splits.val.len(), splits.test.len()), (2000, 500, 1000));
    assert_eq!(splits.train.class_counts(), [200; 10]);
    assert_eq!(splits.val.class_counts(), [50; 10]);
    assert!(splits.train.groups().all(|who| !matches!(who, Some("theo" | "lucas") | None)));
    assert!(splits.val.groups().all(|who| who == Some("lucas")));
    let test = splits.test.open("count the samples of each class").unwrap();
    assert_eq!((test.class_counts(), test.present_counts()), (vec![100; 10], vec![1000; 2]));
    assert!(test.ids().all(|id| id.contains("_theo_")));
    let spec: Vec<_> = splits.modalities().iter().map(|m| (m.name.as_str(), &m.shape[..])).collect();
    assert_eq!(spec, [("audio", &[1, 64, 32][..]), ("image", &[1, 28, 28][..])]);
}

#[test]
fn inputs_are_those_of_an_independent_numpy_program() {
    let splits = open("");
    let expected = [(-5.347_996_5, 2.105_754_3), (0.131_554_95, 0.309_091_33)];
    for (preparation, (mean, std)) in splits.preparations.iter().zip(expected) {
        let Normalise::Scalar { mean: m, std: s } = preparation.normalise else { panic!("not fitted") };
        assert!((m - mean).abs() < 1e-5 && (s - std).abs() < 1e-5, "{m} {s}");
    }
    let first = splits.train.sample(0, None).unwrap();
    assert_eq!(first.id, "0_george_0-0");
    let audio = first.inputs[0].as_ref().unwrap().values();
    for (at, value) in [(0, 2.139_586), (5 * 32 + 7, 2.252_493_4), (63 * 32 + 31, -0.740_712_6)] {
        assert!((audio[at] - value).abs() < 1e-4, "{at}: {}", audio[at]);
    }
    assert!((audio.iter().sum::<f32>() + 129.232_28).abs() < 0.01);
    let image = first.inputs[1].as_ref().unwrap().values();
    assert!((image.iter().sum::<f32>() - 22.767_99).abs() < 0.01);
}

#[test]
fn a_saved_preparation_makes_the_same_input_from_a_file() {
    let splits = open("");
    let root = base().join("../../data/spoken-digits");
    let test = splits.test.open("compare a prepared file with its sample").unwrap();
    let index = test.ids().position(|id| id == "3_theo_0-1").unwrap();
    let sample = test.sample(index, None).unwrap();
    let files = ["audio/3_theo_0.wav", "png/3_theo_0-1.png"];
    for ((preparation, file), input) in splits.preparations.iter().zip(files).zip(sample.inputs) {
        let saved = serde_json::to_string(preparation).unwrap();
        let loaded: Preparation = serde_json::from_str(&saved).unwrap();
        assert_eq!(&loaded, preparation);
        assert_eq!(Some(loaded.prepare_file(&root.join(file)).unwrap()), input, "{file}");
    }
}

#[test]
fn inputs_for_a_residual_network_are_a_matter_of_keys() {
    let splits = open(
        "batch_size = 2\n[audio]\nfront = \"gdl188\"\n[image]\nsize = 112\nchannels = 3\nnormalise = \"imagenet\"",
    );
    let sample = splits.val.sample(0, None).unwrap();
    let shapes: Vec<_> = sample.inputs.iter().map(|i| i.as_ref().unwrap().shape().to_vec()).collect();
    assert_eq!(shapes, [vec![1, 257, 188], vec![3, 112, 112]]);
}

#[test]
fn the_fingerprint_knows_content_and_split_but_not_preparation() {
    let begun = Instant::now();
    let one = open("").fingerprint().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(one.len(), 64);
    assert_eq!(one, open("batch_size = 5\naugment = true\n[image]\nsize = 32").fingerprint().unwrap());
    assert_ne!(one, open("test_speaker = \"george\"").fingerprint().unwrap());
    assert_ne!(one, open("modalities = [\"image\"]").fingerprint().unwrap());
}

fn batches(keys: &str, options: impl Fn(&mut LoaderOptions), epoch: usize, from: usize) -> Vec<Batch> {
    let config = DataConfig::from_toml(&format!("name = \"spoken-digits\"\n{keys}")).unwrap();
    let splits = config.open(base()).unwrap();
    let mut chosen = LoaderOptions::train(&config.common, 7);
    options(&mut chosen);
    let loader = Loader::new(splits.val, chosen).unwrap();
    loader.epoch(epoch, from).map(Result::unwrap).collect()
}

#[test]
fn batches_are_the_same_bits_for_any_workers_and_cache() {
    let keys = "batch_size = 48\naugment = true\n";
    let alone = batches(&format!("{keys}cache_mb = 0"), |o| o.workers = 0, 3, 0);
    assert_eq!(alone.len(), 11);
    assert_eq!(alone[10].len(), 500 - 480);
    for workers in [1, 2, 4] {
        for cache in [0, 1, 512] {
            let together = batches(&format!("{keys}cache_mb = {cache}"), |o| o.workers = workers, 3, 0);
            assert!(alone == together, "{workers} workers, cache of {cache} MiB");
        }
    }
    assert!(alone[4..] == batches(keys, |o| o.workers = 2, 3, 4), "from the fourth batch on");
    let later = batches(keys, |o| o.workers = 2, 4, 0);
    assert_ne!(alone[0].ids, later[0].ids, "another epoch has another order");
    // Pinned: a later version must continue the runs of this one.
    assert_eq!(alone[0].ids[..2], ["3_lucas_9-0", "6_lucas_46-0"]);
    let mut seed = batches(keys, |o| o.seed = 8, 3, 0);
    assert_ne!(alone[0].ids, seed.remove(0).ids);
}

#[test]
fn augmentation_belongs_to_the_sample_and_the_epoch() {
    let splits = open("modalities = [\"image\"]\naugment = true");
    let image = |seed| splits.train.sample(3, Some(RngKey::new(seed))).unwrap();
    assert_eq!(image(1), image(1));
    assert_ne!(image(1), image(2));
    assert_ne!(image(1), splits.train.sample(3, None).unwrap());
}

#[test]
fn leaving_an_epoch_early_is_quick() {
    let config =
        DataConfig::from_toml("name = \"spoken-digits\"\nbatch_size = 500\nworkers = 4\ncache_mb = 0")
            .unwrap();
    let loader =
        Loader::new(config.open(base()).unwrap().train, LoaderOptions::train(&config.common, 1)).unwrap();
    let mut epoch = loader.epoch(0, 0);
    assert!(epoch.next().unwrap().is_ok());
    let begun = Instant::now();
    drop(epoch);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn evaluation_keeps_order_and_every_sample() {
    let config =
        DataConfig::from_toml("name = \"spoken-digits\"\naugment = true\ndrop_last = true\nbatch_size = 64")
            .unwrap();
    let splits = config.open(base()).unwrap();
    let eval = Loader::new(splits.val.clone(), LoaderOptions::eval(&config.common)).unwrap();
    assert_eq!((eval.samples(), eval.batches()), (500, 8));
    let ids: Vec<String> = eval.epoch(0, 0).flat_map(|batch| batch.unwrap().ids).collect();
    assert!(ids.iter().eq(splits.val.ids()));
    let train = Loader::new(splits.val, LoaderOptions::train(&config.common, 1)).unwrap();
    assert_eq!((train.samples(), train.batches()), (448, 7));
    assert_eq!(train.epoch(0, 0).count(), 7);
    assert_eq!(train.epoch(0, 99).count(), 0);
}

#[test]
fn keys_that_do_not_fit_are_refused_by_name() {
    for (keys, message) in [
        (
            "test_speaker = \"bob\"",
            "`test_speaker` = `bob` is not a speaker of this set, these are: george, jackson",
        ),
        ("val_speaker = \"theo\"", "are both `theo`"),
        ("modalities = [\"video\"]", "`modalities` names `video`, this data set has: audio, image"),
        ("modalities = []", "`modalities` must name at least one"),
        ("modalities = [\"audio\", \"audio\"]", "`modalities` names `audio` twice"),
        ("batch_size = 0", "`batch_size` must be from 1 to 65536, got 0"),
        ("batch_size = -1", "`batch_size`: invalid value: integer `-1`"),
        ("prefetch = 0", "`prefetch` must be from 1 to 1024, got 0"),
        ("workers = 1000", "`workers` must be from 0 to 256"),
        ("batchsize = 3", "unknown key `batchsize` of data set `spoken-digits`, did you mean `batch_size`?"),
        ("augment = 3", "`augment`: invalid type"),
        ("[audio]\nhopp = 3", "`audio.hopp`: unknown field `hopp`"),
        ("[audio]\nfront = \"gdl188\"\nhop = 3", "`hop` applies to front = \"grouped\" only"),
        ("[audio]\nfront = \"gdl200\"", "gdl200"),
        ("[audio]\nframes = 34", "`frames` must be from 1 to 1 + samples / hop = 33, got 34"),
        ("[audio]\nnormalise = \"imagenet\"", "is for pictures"),
        ("[audio]\nrate = 0", "`rate` must be from 1000"),
        ("[image]\nsize = 0", "`size` must be from 1 to 4096"),
        ("[image]\nchannels = 2", "`channels` must be 1 or 3"),
        ("[image]\ncrop = 0.0", "`crop` must be above 0"),
        ("[image]\nnormalise = \"imagenet\"", "needs `channels` = 3"),
        ("[image]\nreduce = 0", "`reduce` must be from 1 to 64"),
    ] {
        let (kind, text) = refused(keys);
        assert_eq!(kind, ErrorKind::Config, "{keys}: {text}");
        assert!(text.contains(message), "{keys}: {text}");
    }
    let (kind, text) = refused("root = \"nowhere\"");
    assert!(kind == ErrorKind::Missing && text.contains("pairs.csv` does not exist"), "{text}");
    let error = DataConfig::from_toml("name = \"spoken-digit\"").unwrap_err().to_string();
    assert!(error.contains("did you mean `spoken-digits`?"), "{error}");
    assert!(
        DataConfig::from_toml("batch_size = 3")
            .unwrap_err()
            .to_string()
            .contains("`name` is missing: expected one of spoken-digits")
    );
    assert!(DataConfig::from_toml("name = = 3").unwrap_err().to_string().contains("is not valid TOML"));
}

#[test]
fn a_configuration_survives_being_written() {
    let text = "name = \"spoken-digits\"\nbatch_size = 3\nmodalities = [\"image\"]\n[image]\nsize = [28, 14]";
    let config = DataConfig::from_toml(text).unwrap();
    let written = toml::to_string(&config).unwrap();
    assert_eq!(toml::from_str::<DataConfig>(&written).unwrap(), config, "{written}");
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<DataConfig>(&json).unwrap(), config);
}

#[test]
fn the_seal_needs_a_reason() {
    let splits = open("modalities = [\"image\"]");
    assert!(splits.test.open(" ").unwrap_err().to_string().contains("is sealed; give the reason"));
    assert_eq!(format!("{:?}", splits.test), "SealedTest(1000 samples)");
    assert!(splits.train.sample(2000, None).unwrap_err().to_string().contains("no index 2000"));
}
