//! What the user sees of a training run while it runs, and what its folder records.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::Instant;

use counterpoint::modality::Modalities;
use counterpoint::task::Task;
use counterpoint::train::{EpochReport, Observer, StepReport};
use counterpoint::{Error, ErrorKind};
use counterpoint_report::record::{Appender, Epoch, Scores};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::scores;

/// Draws a bar, and writes each epoch to `metrics.jsonl`.
pub struct Progress<'a> {
    /// The metrics file.
    pub log: Appender,
    /// Names of the modalities.
    pub names: &'a Modalities,
    /// The task.
    pub task: &'a dyn Task,
    bar: ProgressBar,
    plain: bool,
    epochs: usize,
    standing: String,
    begun: Instant,
    samples: usize,
}

impl<'a> Progress<'a> {
    /// A bar over the whole run of `steps` steps, or plain lines where stderr is no terminal.
    pub fn new(
        log: Appender,
        names: &'a Modalities,
        task: &'a dyn Task,
        epochs: usize,
        steps: usize,
        done: usize,
        quiet: bool,
    ) -> Self {
        let terminal = stderr().is_terminal();
        let target =
            if quiet || !terminal { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps as u64), target)
            .with_style(
                ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len}  ETA {eta}  {msg}")
                    .expect("the template is constant"),
            )
            .with_position(done as u64);
        Self {
            log,
            names,
            task,
            bar,
            plain: !quiet && !terminal,
            epochs,
            standing: String::new(),
            begun: Instant::now(),
            samples: 0,
        }
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    #[expect(clippy::print_stderr, reason = "progress belongs on stderr")]
    fn say(&self, line: &str) {
        if self.plain {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }
}

impl Observer for Progress<'_> {
    fn step(&mut self, report: &StepReport<'_>) {
        self.samples += report.samples;
        let losses: Vec<String> = report
            .ledger
            .losses
            .iter()
            .map(|(row, loss)| format!("{} {loss:.3}", row.label(self.names)))
            .collect();
        let rate = self.samples as f64 / self.begun.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_prefix(format!("epoch {}/{}", report.at.epoch + 1, self.epochs));
        self.bar.set_message(format!("{rate:.0} samples/s  loss {}  {}", losses.join(" "), self.standing));
        self.bar.set_position(report.at.iteration() as u64 + 1);
    }

    fn epoch(&mut self, report: &EpochReport<'_>) -> Result<(), Error> {
        let val = scores::records(report.validation, self.task, self.names);
        let rows = std::iter::once("full").chain(self.names.names().iter().map(String::as_str));
        let standing: Vec<String> = rows
            .filter_map(|row| Some(format!("{row} {}", scores::primary(val.get(row)?, self.task))))
            .collect();
        self.standing = format!("val {} {}", self.task.metrics().primary().name, standing.join(" "));
        let losses: BTreeMap<String, f64> =
            report.train.iter().map(|(row, (loss, _))| (row.label(self.names), *loss)).collect();
        let train: Scores = report
            .train
            .iter()
            .filter_map(|(row, (_, running))| {
                let metric = self.task.running()?;
                Some((row.label(self.names), [(metric.name.to_owned(), (*running)?)].into()))
            })
            .collect();
        let loss_text: Vec<String> = losses.iter().map(|(row, loss)| format!("{row} {loss:.3}")).collect();
        self.say(&format!(
            "epoch {}/{}  loss {}  {}  {:.1} s{}",
            report.epoch + 1,
            self.epochs,
            loss_text.join(" "),
            self.standing,
            report.seconds,
            if report.best { "  best" } else { "" }
        ));
        let epoch = Epoch {
            epoch: report.epoch + 1,
            seconds: report.seconds,
            learning_rate: report.lr,
            samples: report.samples as u64,
            train,
            val,
            losses,
            grad_norm: report.clip.map(|(_, norm)| norm),
            clipped_share: report.clip.map(|(share, _)| share),
            best: report.best,
            ..Epoch::default()
        };
        self.log.append(epoch).map_err(|e| Error::new(ErrorKind::Io, "cannot record the epoch").because(e))
    }
}
