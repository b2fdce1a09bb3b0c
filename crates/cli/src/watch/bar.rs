//! A bar over the whole run and one line per epoch.

use std::io::{IsTerminal, stderr};
use std::time::Instant;

use counterpoint::modality::Modalities;
use counterpoint::train::StepReport;
use counterpoint_report::record::{Epoch, Warning};
use counterpoint_report::text::{row_title, visible_lines, width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Display, RunHeader};
use crate::output;
use crate::screen;

/// A bar, or plain lines where stderr is not a terminal.
pub struct Bar {
    header: RunHeader,
    bar: ProgressBar,
    plain: bool,
    scores: String,
    begun: Instant,
    samples: usize,
}

impl Bar {
    /// A bar over a run; silent if `quiet`.
    pub fn new(header: RunHeader, quiet: bool) -> Self {
        let terminal = stderr().is_terminal();
        let target =
            if quiet || !terminal { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(header.batches as u64), target)
            .with_style(
                ProgressStyle::with_template(if screen::columns() < 80 {
                    "{prefix} {pos}/{len}  ETA {eta}  {wide_msg}"
                } else {
                    "{prefix} {bar:24} {pos}/{len}  ETA {eta}  {wide_msg}"
                })
                .expect("the template is constant"),
            )
            .with_position(header.done as u64);
        Self {
            header,
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
            .record
            .losses
            .iter()
            .map(|(row, loss)| format!("{} {loss:.3}", row_title(&row.label(names))))
            .collect();
        let rate = self.samples as f64 / self.begun.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_prefix(format!("epoch {}/{}", report.at.epoch + 1, self.header.epochs));
        self.bar.set_message(format!("{rate:.0} samples/s  loss {}  {}", losses.join(" "), self.scores));
        self.bar.set_position(report.at.iteration() as u64 + 1);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        if epoch.epoch == 0 {
            return;
        }
        let RunHeader { rows, metric, epochs, unimodal, .. } = &self.header;
        let score = |row: &String| {
            let value = unimodal.values(&epoch.val, row)?.get(&metric.name)?;
            Some(format!("{} {}", row_title(row), metric.number(*value)))
        };
        let scores: Vec<String> = rows.iter().filter_map(score).collect();
        let by = self.header.read_by().map(|head| format!(" (unimodal: {head})")).unwrap_or_default();
        self.scores = format!("val {} {}{by}", metric.heading(), scores.join(" "));
        let losses: Vec<String> =
            epoch.losses.iter().map(|(row, loss)| format!("{} {loss:.3}", row_title(row))).collect();
        let parts = [
            format!("epoch {}/{epochs}", epoch.epoch),
            format!("loss {}", losses.join(" ")),
            self.scores.clone(),
            format!("{:.1} s{}", epoch.seconds, if epoch.best { "  best" } else { "" }),
        ];
        self.say(&fitted(&parts, screen::columns()));
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

/// The parts of a line side by side as far as they fit, otherwise word by word
/// on further lines, indented.
fn fitted(parts: &[String], columns: usize) -> String {
    let whole = parts.join("  ");
    if width(&whole) <= columns {
        return whole;
    }
    let mut lines = vec![String::new()];
    for (part, word) in
        parts.iter().flat_map(|part| part.split(' ').filter(|w| !w.is_empty()).map(move |w| (part, w)))
    {
        let begins = part.starts_with(word);
        let line = lines.last_mut().map_or(0, |line| width(line));
        let gap = if begins { "  " } else { " " };
        if line > 0 && line + gap.len() + width(word) > columns {
            lines.push(format!("  {word}"));
        } else if let Some(last) = lines.last_mut() {
            *last = if last.is_empty() { word.to_owned() } else { format!("{last}{gap}{word}") };
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_forty_columns_and_loses_no_word() {
        let parts = [
            "epoch 3/10",
            "loss audio 0.123 fused 0.456 image 0.789",
            "val accuracy, % fused 90.0 audio 54.0",
            "1.2 s  best",
        ]
        .map(String::from);
        assert_eq!(fitted(&parts, 200), parts.join("  "));
        let narrow = fitted(&parts, 40);
        assert!(narrow.lines().count() > 1 && narrow.lines().all(|line| width(line) <= 40), "{narrow}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&narrow), words(&parts.join(" ")));
    }
}
