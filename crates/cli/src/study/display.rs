//! What the user sees of a study while it runs.

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use counterpoint_report::record::{Log, Metric};
use counterpoint_report::text::visible_lines;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::job::Job;
use super::pool::End;
use crate::output;
use crate::scores::written;

/// A bar over all runs and one for each that runs; plain lines where stderr is not a terminal.
pub struct Display {
    screen: MultiProgress,
    whole: ProgressBar,
    plain: bool,
    shown: Vec<Shown>,
    begun: Instant,
    /// The score that is shown.
    metric: Metric,
    /// Epochs of all runs, of those that are finished, and of those that were
    /// finished when this process began.
    total: u64,
    finished: u64,
    before: u64,
    runs: (usize, usize),
}

struct Shown {
    place: String,
    title: String,
    bar: ProgressBar,
    epochs: u64,
}

impl Display {
    /// A display of `runs` runs with `epochs` epochs in total.
    pub fn new(runs: usize, epochs: u64, metric: &Metric, quiet: bool) -> Self {
        let terminal = stderr().is_terminal();
        let target =
            if quiet || !terminal { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let screen = MultiProgress::with_draw_target(target);
        let whole = screen.add(ProgressBar::new(epochs).with_style(style("{prefix} {bar:24} {msg}")));
        Self {
            screen,
            whole,
            plain: !quiet && !terminal,
            shown: Vec::new(),
            begun: Instant::now(),
            metric: metric.clone(),
            total: epochs,
            finished: 0,
            before: 0,
            runs: (0, runs),
        }
    }

    /// Counts a run that an earlier process finished.
    pub fn known(&mut self, epochs: u64) {
        self.runs.0 += 1;
        self.finished += epochs;
        self.before += epochs;
    }

    /// A run begins, or begins again.
    pub fn begin(&mut self, job: &Job, folder: &Path) {
        let epochs = job.config.train.epochs as u64;
        let bar = ProgressBar::new(epochs).with_style(style("  {bar:16} epoch {pos}/{len}  {msg}"));
        let bar = self.screen.insert_before(&self.whole, bar);
        bar.set_message(job.title.clone());
        let was = epochs_done(&folder.join(&job.place), &self.metric).0;
        self.before += was;
        self.shown.push(Shown { place: job.place.clone(), title: job.title.clone(), bar, epochs });
    }

    /// A run ended.
    pub fn end(&mut self, job: &Job, folder: &Path, end: &End) {
        if let Some(at) = self.shown.iter().position(|s| s.place == job.place) {
            let shown = self.shown.remove(at);
            shown.bar.finish_and_clear();
            self.screen.remove(&shown.bar);
            self.finished += shown.epochs;
        }
        self.runs.0 += 1;
        let (_, seconds, words) = epochs_done(&folder.join(&job.place), &self.metric);
        let what = match end {
            End::Finished => format!("{seconds:.0} s  {words}"),
            End::Failed(code, message) => format!("failed ({code}): {message}"),
        };
        let (done, all) = self.runs;
        self.say(&format!("[{done}/{all}] {}  {what}{}", job.title, self.eta(0)));
    }

    /// Reads how far the runs are.
    pub fn refresh(&mut self, folder: &Path) {
        if self.plain || self.whole.is_hidden() {
            return;
        }
        let mut current = 0;
        for shown in &self.shown {
            let (epochs, _, words) = epochs_done(&folder.join(&shown.place), &self.metric);
            current += epochs;
            shown.bar.set_position(epochs);
            shown.bar.set_message(format!("{}  {words}", shown.title));
        }
        let (done, all) = self.runs;
        self.whole.set_prefix(format!("{done}/{all} runs"));
        self.whole.set_position(self.finished + current);
        self.whole.set_message(self.eta(current));
    }

    /// Takes the bars off the screen.
    pub fn clear(&self) {
        self.whole.finish_and_clear();
    }

    /// Says something above the bars.
    pub fn say(&self, line: &str) {
        if self.plain {
            output::say(line);
        } else {
            // Nothing is lost if the terminal is gone.
            let _ = self.screen.println(visible_lines(line));
        }
    }

    fn eta(&self, current: u64) -> String {
        let new = (self.finished + current).saturating_sub(self.before);
        if new == 0 || self.finished >= self.total {
            return String::new();
        }
        let left = self.total.saturating_sub(self.finished + current) as f64;
        let seconds = self.begun.elapsed().as_secs_f64() / new as f64 * left;
        format!("  ETA {}", indicatif::HumanDuration(Duration::from_secs_f64(seconds)))
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is constant")
}

/// Epochs a run has finished, their seconds, and its last validation in words.
fn epochs_done(folder: &Path, metric: &Metric) -> (u64, f64, String) {
    let epochs = Log::read(folder.join("metrics.jsonl")).map(|log| log.epochs()).unwrap_or_default();
    let seconds = epochs.iter().map(|e| e.seconds).sum();
    let Some(last) = epochs.last() else { return (0, seconds, String::new()) };
    let words =
        last.val.get("fused").map(|fused| format!("val {} {}", metric.title(), written(fused, metric)));
    (last.epoch as u64, seconds, words.unwrap_or_default())
}
