//! What a sample costs on its way from a file to a batch.
//!
//! `cargo bench --workspace --bench loader -- FOLDER [audio] [image] [both] [parts] [workers=N] [epochs=N]` reads a folder of
//! `audio/NAME.wav`, `image/NAME.jpg` and `labels.csv` (lines `NAME,label`). Recordings become the front `gdl188`,
//! pictures random crops of 224 x 224 pixels, batches have 16 samples. Every row is an epoch
//! without a cache, from memory and from the disk: processor time a sample (user and system, all threads) and wall time a
//! sample, medians of the epochs. `parts` prints what each step costs by itself.
#![allow(clippy::print_stdout, missing_docs)]

mod parts;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use counterpoint_batch::BatchSource;
use counterpoint_data::{DataConfig, Loader, LoaderOptions};
use counterpoint_kernels::Recycler;

// As the command has it.
#[global_allocator]
static MEMORY: Recycler = Recycler::new();

const BATCH: usize = 16;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let number = |key: &str| args.iter().find_map(|a| a.strip_prefix(key)?.parse().ok());
    let (workers, epochs) = (number("workers=").unwrap_or(0), number("epochs=").unwrap_or(5));
    let named = |what: &str| args.iter().any(|a| a == what);
    let words = ["audio", "image", "both", "parts"];
    let Some(folder) = args.iter().find(|a| !a.contains('=') && !words.contains(&a.as_str())) else {
        println!("name a folder with audio/NAME.wav, image/NAME.jpg and labels.csv");
        return;
    };
    let folder = fs::canonicalize(folder).expect("the folder exists");
    let all = !words.iter().any(|what| named(what));
    let work = std::env::temp_dir().join(format!("counterpoint-loader-{}", std::process::id()));
    fs::create_dir_all(&work).expect("a folder for the list and the cache");
    list(&folder, &work);
    if all || named("parts") {
        parts::print(&folder);
    }
    println!("{:6} {:8} {:>22} {:>12}", "", "", "processor, ms a sample", "wall");
    for what in ["audio", "image", "both"].into_iter().filter(|what| all || named(what)) {
        for (cache, keys) in caches(&work) {
            let (processor, wall) = measure(&work, what, &keys, workers, epochs);
            println!("{what:6} {cache:8} {processor:22.3} {wall:12.3}");
        }
    }
    fs::remove_dir_all(&work).expect("the folder is removed");
}

/// What is printed, and keys of `[data]`.
fn caches(work: &Path) -> [(&'static str, String); 3] {
    let disk = format!("cache_mb = 0\ncache_dir = {:?}", work.join("cache"));
    [("none", "cache_mb = 0".into()), ("memory", "cache_mb = 4096".into()), ("disk", disk)]
}

/// Writes a list with every pair in the train split; the other splits, which are never read, hold one.
fn list(folder: &Path, work: &Path) {
    let labels = fs::read_to_string(folder.join("labels.csv")).expect("labels.csv");
    let mut csv = "id,split,label,audio,image\n".to_owned();
    for (at, line) in labels.lines().enumerate() {
        let (name, label) = line.split_once(',').expect("NAME,label");
        let file = |kind: &str, endings: &[&str]| -> PathBuf {
            let all = endings.iter().map(|ending| folder.join(kind).join(format!("{name}.{ending}")));
            all.into_iter().find(|path| path.exists()).expect("a file for every label")
        };
        let files = (file("audio", &["wav"]), file("image", &["jpg", "png"]));
        let mut row = |id: String, split: &str| {
            csv += &format!("{id},{split},{label},{},{}\n", files.0.display(), files.1.display());
        };
        row(name.to_owned(), "train");
        match at {
            0 => row("v".into(), "val"),
            1 => row("t".into(), "test"),
            _ => {}
        }
    }
    fs::write(work.join("manifest.csv"), csv).expect("the list is written");
}

/// Medians of processor and wall time of a sample in milliseconds, after an epoch that warms up.
fn measure(work: &Path, what: &str, keys: &str, workers: usize, epochs: usize) -> (f64, f64) {
    let modalities = if what == "both" { "\"audio\", \"image\"".into() } else { format!("\"{what}\"") };
    let config = format!(
        "name = \"manifest\"\nroot = \".\"\nmodalities = [{modalities}]\nbatch_size = {BATCH}\nworkers = {workers}\n\
         augment = true\ncheck = \"off\"\n{keys}\n[modality.audio]\nkind = \"audio\"\nfront = \"gdl188\"\n\
         [modality.image]\nkind = \"image\"\nsize = 224\nchannels = 3\n"
    );
    let config = DataConfig::from_toml(&config).expect("the configuration is read");
    let splits = config.open(work).expect("the data open");
    let loader = Loader::new(splits.train, LoaderOptions::train(&config.common, 1)).expect("a loader");
    let (mut processor, mut wall) = (Vec::new(), Vec::new());
    for epoch in 0..=epochs {
        let (begun, before, mut samples) = (Instant::now(), processor_seconds(), 0);
        for batch in loader.epoch(epoch, 0) {
            samples += batch.expect("a batch").len();
        }
        if epoch > 0 {
            let of = |seconds: f64| 1e3 * seconds / samples as f64;
            wall.push(of(begun.elapsed().as_secs_f64()));
            processor.push(of(processor_seconds() - before));
        }
    }
    (median(processor), median(wall))
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// User and system time of this process, threads that have ended included; 0 where the system does not tell.
pub fn processor_seconds() -> f64 {
    let line = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may hold blanks; it ends with the last parenthesis. Ticks are hundredths of a second on all usual kernels.
    let after = line.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
