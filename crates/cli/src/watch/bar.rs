//! A bar over the whole run and a line an epoch.

use std::io::{IsTerminal, stderr};
use std::time::Instant;

use counterpoint::modality::Modalities;
use counterpoint::train::StepReport;
use counterpoint_report::record::{Epoch, Warning};
use counterpoint_report::text::visible_lines;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Display, Outlook};
use crate::output;

/// A bar, or plain lines where stderr is no terminal.
pub struct Bar {
    outlook: Outlook,
    bar: ProgressBar,
    plain: bool,
    scores: String,
    begun: Instant,
    samples: usize,
}

impl Bar {
    /// A bar over a run; silent if `quiet`.
    pub fn new(outlook: Outlook, quiet: bool) -> Self {
        let terminal = stderr().is_terminal();
        let target =
            if quiet || !terminal { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(outlook.batches as u64), target)
            .with_style(
                ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len}  ETA {eta}  {msg}")
                    .expect("the template is constant"),
            )
            .with_position(outlook.done as u64);
        Self {
            outlook,
            bar,
            plain: !quiet && !terminal,
            scores: String::new(),
            begun: Instant::now(),
            samples: 0,
        }
    }

    fn say(&self, line: &str) {
        if self.plain {
            output::say(line);
        } else {
            self.bar.println(visible_lines(line));
        }
    }
}

impl Display for Bar {
    fn step(&mut self, report: &StepReport<'_>, names: &Modalities) {
        self.samples += report.samples;
        let losses: Vec<String> = report
            .ledger
            .losses
            .iter()
            .map(|(row, loss)| format!("{} {loss:.3}", row.label(names)))
            .collect();
        let rate = self.samples as f64 / self.begun.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_prefix(format!("epoch {}/{}", report.at.epoch + 1, self.outlook.epochs));
        self.bar.set_message(format!("{rate:.0} samples/s  loss {}  {}", losses.join(" "), self.scores));
        self.bar.set_position(report.at.iteration() as u64 + 1);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        if epoch.epoch == 0 {
            return;
        }
        let Outlook { rows, metric, epochs, alone, .. } = &self.outlook;
        let score = |row: &String| {
            let value = alone.values(&epoch.val, row)?.get(metric)?;
            Some(format!("{row} {}", self.outlook.score(*value)))
        };
        let scores: Vec<String> = rows.iter().filter_map(score).collect();
        let by = self.outlook.read_by().map(|head| format!(" (alone: {head})")).unwrap_or_default();
        self.scores = format!("val {} {}{by}", self.outlook.unit(), scores.join(" "));
        let losses: Vec<String> = epoch.losses.iter().map(|(row, loss)| format!("{row} {loss:.3}")).collect();
        self.say(&format!(
            "epoch {}/{epochs}  loss {}  {}  {:.1} s{}",
            epoch.epoch,
            losses.join(" "),
            self.scores,
            epoch.seconds,
            if epoch.best { "  best" } else { "" }
        ));
    }

    fn warn(&mut self, warning: &Warning) {
        self.say(&format!("warning: {}\n  remedy: {}", warning.message, warning.remedy));
    }

    fn note(&mut self, note: &str) {
        self.say(&format!("note: {note}"));
    }

    fn close(&mut self) {
        self.bar.finish_and_clear();
    }
}
