//! Tiny raw data sets, made by ffmpeg's synthetic sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use counterpoint_prepare::{Job, PrepareError, Settings, SplitSettings, Summary, layout};

/// Runs ffmpeg; without it these tests have nothing to test, so they fail and say what to do.
pub fn ffmpeg(arguments: &str, output: &Path) {
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(arguments.split_whitespace()).arg(output);
    let status = command.status().expect("these tests need ffmpeg: apt-get install ffmpeg");
    assert!(status.success(), "ffmpeg {arguments}");
}

/// Sound and picture of a made-up clip.
pub fn film(output: &Path, seconds: f64, size: &str, rate: u32, channels: u32, codecs: &str) {
    ffmpeg(
        &format!(
            "-f lavfi -i testsrc=d={seconds}:s={size}:r=25 -f lavfi -i sine=d={seconds}:sample_rate={rate} -ac {channels} \
             {codecs}"
        ),
        output,
    );
}

/// A folder for one test, empty at first.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("counterpoint-prepare-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A job with usual settings.
pub fn job(layout: &str, root: &Path) -> Job {
    Job {
        layout: layout::named(layout).unwrap(),
        from: root.join("raw"),
        to: root.join("set"),
        settings: Settings::default(),
        split: SplitSettings { test: 0.25, val: 0.25, ..Default::default() },
        complete: false,
        keep_damaged: false,
        jobs: 2,
        command: vec!["counterpoint".into(), "prepare".into()],
    }
}

/// Does it.
pub fn run(job: &Job) -> Result<Summary, PrepareError> {
    let plan = job.plan()?;
    job.run(&plan, &AtomicBool::new(false), &|_, _| {})
}

/// The cells of a list that was written, with its header.
pub fn table(root: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root.join("set").join(name)).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Cells of some columns, for each row, joined by blanks and sorted.
pub fn cells(root: &Path, name: &str, columns: &[&str]) -> Vec<String> {
    let table = table(root, name);
    let at = |column: &&str| table[0].iter().position(|c| c == column).unwrap_or_else(|| panic!("{column}"));
    let columns: Vec<usize> = columns.iter().map(at).collect();
    let line = |row: &Vec<String>| columns.iter().map(|&c| row[c].as_str()).collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = table[1..].iter().map(line).collect();
    lines.sort();
    lines
}
