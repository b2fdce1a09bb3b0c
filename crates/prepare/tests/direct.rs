//! A data set that names recordings itself sees what `prepare` would have written.

mod films;
mod support;

use std::fs;
use std::path::Path;

use counterpoint_batch::{Batch, BatchSource};
use counterpoint_data::{DataConfig, Loader, LoaderOptions};
use films::{film, job, run};
use support::{cells, folder};

fn batches(folder: &Path, list: &str, keys: &str) -> Vec<Batch> {
    let text = format!(
        "name = \"manifest\"\nroot = \"{list}\"\nbatch_size = 3\n{keys}\n[modality.audio]\nkind = \"audio\"\n\
         [modality.video]\nkind = \"video\"\nsize = 24\nchannels = 3\nframes = 2"
    );
    let config = DataConfig::from_toml(&text).unwrap();
    let splits = config.open(folder).unwrap();
    let options = LoaderOptions::train(&config.common, 3);
    let loader = |split| Loader::new(split, options.clone()).unwrap();
    let epoch = |loader: Loader| loader.epoch(1, 0).map(Result::unwrap).collect::<Vec<_>>();
    [splits.train.clone(), splits.val.clone()].into_iter().flat_map(|split| epoch(loader(split))).collect()
}

#[test]
fn films_in_a_manifest_are_served_as_if_they_had_been_prepared() {
    let root = folder("direct");
    for (at, class) in ["a", "b", "a", "b", "a", "b", "a", "b"].iter().enumerate() {
        let codecs = ["-c:v mpeg4 -c:a aac", "-c:v flv1 -c:a mp3 -f flv"][at % 2];
        film(
            &root.join(format!("raw/{class}/{at}.mp4")),
            3.0,
            &format!("{}x32", 40 + 2 * at),
            44_100,
            2,
            codecs,
        );
    }
    run(&job("generic", &root)).unwrap();
    let lines = cells(&root, "manifest.csv", &["id", "split", "label"]);
    assert_eq!(lines.len(), 8);
    let mut list = "id,split,label,audio,video\n".to_owned();
    for row in &support::table(&root, "manifest.csv")[1..] {
        let [id, split, label] = ["id", "split", "label"].map(|name| {
            let at = support::table(&root, "manifest.csv")[0].iter().position(|c| c == name).unwrap();
            row[at].clone()
        });
        list += &format!("{id},{split},{label},{id}.mp4,{id}.mp4\n");
    }
    fs::write(root.join("raw/clips.csv"), list).unwrap();
    for augment in ["", "augment = true\n"] {
        let prepared = batches(&root, "set", augment);
        let direct = batches(&root, "raw/clips.csv", &format!("{augment}cache_dir = \"cache\"\nworkers = 2"));
        assert_eq!(direct.iter().map(|batch| batch.ids.len()).sum::<usize>(), 6, "train and val");
        assert!(direct == prepared, "{augment}");
        let again = batches(&root, "raw/clips.csv", &format!("{augment}cache_dir = \"cache\""));
        assert!(again == prepared, "{augment}");
    }
    fs::remove_dir_all(&root).unwrap();
}
