//! The cache on the disk, and how batches are shared among processes.

mod support;

use std::fs;
use std::path::PathBuf;

use counterpoint_batch::{Batch, BatchSource};
use counterpoint_data::{DataConfig, DataError, Loader, LoaderOptions, Splits};
use support::{Folder, write_png, write_wav};

const SAMPLES: usize = 11;

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    let mut csv = "id,split,label,sound,face\n".to_owned();
    for i in 0..SAMPLES + 2 {
        write_wav(&folder.file(&format!("{i}.wav")), 700 + 10 * i, 0.1 + 0.01 * i as f32);
        write_png(&folder.file(&format!("{i}.png")), 20, 14, i as u32);
        let split = ["val", "test"].get(i.wrapping_sub(SAMPLES)).unwrap_or(&"train");
        csv += &format!("{i},{split},{},{i}.wav,{i}.png\n", ["a", "b"][i % 2]);
    }
    fs::write(folder.file("manifest.csv"), csv).unwrap();
    folder
}

fn config(keys: &str) -> DataConfig {
    DataConfig::from_toml(&format!(
        "name = \"manifest\"\nroot = \".\"\nbatch_size = 4\ncache_mb = 0\n{keys}\n[modality.sound]\nkind = \"audio\"\nrate = 8000\n\
         samples = 800\nn_fft = 64\nhop = 100\nbins_per_group = 4\nframes = 8\n[modality.face]\nkind = \"image\"\nsize = [6, 8]\n"
    ))
    .unwrap()
}

fn open(folder: &Folder, keys: &str) -> (Splits, LoaderOptions) {
    let config = config(keys);
    (config.open(&folder.0).unwrap(), LoaderOptions::train(&config.common, 5))
}

fn epoch(splits: &Splits, options: LoaderOptions) -> Vec<Batch> {
    Loader::new(splits.train.clone(), options).unwrap().epoch(1, 0).map(Result::unwrap).collect()
}

fn entries(folder: &Folder) -> Vec<PathBuf> {
    let parts = fs::read_dir(folder.file("cache")).unwrap().map(|part| part.unwrap().path());
    let mut all: Vec<PathBuf> =
        parts.flat_map(|part| fs::read_dir(part).unwrap()).map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

const CACHE: &str = "cache_dir = \"cache\"\n";

#[test]
fn hits_and_misses_give_the_bits_of_no_cache() {
    for augment in ["", "augment = true\n"] {
        let folder = folder("cached");
        let (plain, options) = open(&folder, augment);
        let expected = epoch(&plain, options.clone());
        for round in 0..3 {
            let (splits, options) = open(&folder, &format!("{CACHE}{augment}"));
            for workers in [0, 2] {
                let found = epoch(&splits, LoaderOptions { workers, ..options.clone() });
                assert_eq!(found, expected, "round {round}, {workers} workers, {augment}");
            }
            assert_eq!(splits.cache_notes(), [""; 0]);
            // Validation and test samples are not asked for.
            assert_eq!(entries(&folder).len(), 2 * SAMPLES);
        }
    }
}

#[test]
fn damaged_entries_are_made_again_and_told() {
    let folder = folder("damaged");
    let (plain, options) = open(&folder, "");
    let expected = epoch(&plain, options.clone());
    epoch(&open(&folder, CACHE).0, options.clone());
    for (number, file) in entries(&folder).iter().enumerate() {
        let mut bytes = fs::read(file).unwrap();
        match number % 2 {
            0 => bytes.truncate(bytes.len() / 2),
            _ => *bytes.last_mut().unwrap() ^= 0x80,
        }
        fs::write(file, bytes).unwrap();
    }
    let (splits, options) = open(&folder, CACHE);
    assert_eq!(epoch(&splits, options.clone()), expected);
    let notes = splits.cache_notes();
    assert!(notes.len() == 1 && notes[0].ends_with("removed and made again: 22"), "{notes:?}");
    let (again, options) = open(&folder, CACHE);
    assert_eq!((epoch(&again, options), again.cache_notes()), (expected, Vec::new()));
}

#[test]
fn another_file_or_other_settings_are_not_served_from_before() {
    let folder = folder("changed");
    let (splits, options) = open(&folder, CACHE);
    let before = epoch(&splits, options.clone());
    write_wav(&folder.file("3.wav"), 400, 0.7);
    let (splits, options) = open(&folder, CACHE);
    let (plain, _) = open(&folder, "");
    let found = epoch(&splits, options.clone());
    assert_eq!(found, epoch(&plain, options));
    assert_ne!(found, before);
    let coarser = |keys: &str| {
        let mut config = config(keys);
        let table = toml::Table::from(config.clone());
        let text = table.to_string().replace("hop = 100", "hop = 90");
        assert!(text.contains("hop = 90"), "{text}");
        config = DataConfig::from_toml(&text).unwrap();
        let splits = config.open(&folder.0).unwrap();
        epoch(&splits, LoaderOptions::train(&config.common, 5))
    };
    assert_eq!(coarser(CACHE), coarser(""));
}

#[test]
fn a_folder_that_cannot_be_used_is_refused() {
    let folder = folder("refused");
    let message = |keys| config(keys).open(&folder.0).unwrap_err().to_string();
    let text = message("cache_dir = \"manifest.csv/cache\"");
    assert!(text.contains("`cache_dir`") && text.contains("cannot be used"), "{text}");
    let text = DataConfig::from_toml("name = \"manifest\"\ncache_dir_mb = 0").unwrap_err().to_string();
    assert!(text.contains("`cache_dir_mb` must be from 1 to"), "{text}");
}

#[test]
fn the_shares_of_all_processes_are_the_batch_of_one() {
    let folder = folder("shares");
    let (splits, options) = open(&folder, "augment = true\n");
    let whole = epoch(&splits, options.clone());
    assert_eq!(whole.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 3]);
    // With four, the last batch leaves one of them empty-handed.
    for ranks in 2..=4 {
        let share = |rank| {
            Loader::new(splits.train.clone(), LoaderOptions { rank, ranks, ..options.clone() }).unwrap()
        };
        let loaders: Vec<Loader> = (0..ranks).map(share).collect();
        assert!(loaders.iter().all(|loader| loader.samples() == SAMPLES));
        assert!(loaders.iter().all(|loader| loader.batches() == 3));
        let mut shares: Vec<_> = loaders.iter().map(|loader| loader.epoch(1, 0)).collect();
        for batch in &whole {
            let parts: Vec<Batch> = shares.iter_mut().map(|share| share.next().unwrap().unwrap()).collect();
            let ids: Vec<&String> = parts.iter().flat_map(|part| &part.ids).collect();
            assert_eq!(ids, batch.ids.iter().collect::<Vec<_>>());
            for (m, input) in batch.inputs.iter().enumerate() {
                let values: Vec<f32> =
                    parts.iter().flat_map(|part| part.inputs[m].array.values().to_vec()).collect();
                assert_eq!(values, input.array.values());
            }
        }
        assert!(shares.iter_mut().all(|share| share.next().is_none()));
    }
    let refused = |rank, ranks| -> DataError {
        Loader::new(splits.train.clone(), LoaderOptions { rank, ranks, ..options.clone() }).unwrap_err()
    };
    assert!(refused(2, 2).to_string().contains("`rank` must be below `ranks` = 2, got 2"));
}
