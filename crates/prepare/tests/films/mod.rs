//! Tiny raw recordings, made by ffmpeg's synthetic sources, and jobs on them.

use std::fs;
use std::path::Path;
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
        uncut: false,
        jobs: 2,
        command: vec!["counterpoint".into(), "prepare".into()],
    }
}

/// Does it.
pub fn run(job: &Job) -> Result<Summary, PrepareError> {
    let plan = job.plan()?;
    job.run(&plan, &AtomicBool::new(false), &|_, _| {})
}
