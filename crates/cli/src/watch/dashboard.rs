//! A whole screen about a run: `train --tui`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use counterpoint::modality::Modalities;
use counterpoint::train::StepReport;
use counterpoint_report::record::{Epoch, Warning};
use counterpoint_report::text::{row_title, shorten, width};
use indicatif::HumanDuration;

use super::{Display, RunHeader};
use crate::output;
use crate::screen;

/// Time between two frames: faster than the eye follows wastes the processor.
const FRAME: Duration = Duration::from_millis(200);

/// Loss, scores, gradients and suppression of every modality, drawn again and
/// again on the terminal's second screen.
pub struct Dashboard {
    state: State,
    drawn: Option<Instant>,
}

/// Everything that is shown.
struct State {
    header: RunHeader,
    begun: Instant,
    epoch: usize,
    batch: usize,
    samples: usize,
    losses: BTreeMap<String, f64>,
    gradients: BTreeMap<String, f64>,
    epochs: Vec<Epoch>,
    warnings: Vec<Warning>,
    notes: Vec<String>,
}

impl Dashboard {
    /// Takes the screen; `None` where there is no terminal.
    pub fn open(header: RunHeader) -> Option<Self> {
        screen::take().then(|| Self { state: State::new(header), drawn: None })
    }

    fn draw(&mut self) {
        let (columns, lines) = screen::size();
        screen::draw(&self.state.lines(columns, lines));
        self.drawn = Some(Instant::now());
    }
}

impl Display for Dashboard {
    fn step(&mut self, report: &StepReport<'_>, names: &Modalities) {
        let state = &mut self.state;
        (state.epoch, state.batch) = (report.at.epoch + 1, report.at.iteration() + 1);
        state.samples += report.samples;
        for (row, loss) in &report.record.losses {
            smooth(&mut state.losses, row.label(names), *loss);
        }
        for (&m, gradient) in report.gradients {
            smooth(&mut state.gradients, names.name(m).to_owned(), gradient.applied);
        }
        if self.drawn.is_none_or(|at| at.elapsed() >= FRAME) {
            self.draw();
        }
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.state.epochs.push(epoch.clone());
        self.draw();
    }

    fn warn(&mut self, warning: &Warning) {
        self.state.warnings.push(warning.clone());
        self.draw();
    }

    fn note(&mut self, note: &str) {
        self.state.notes.push(note.to_owned());
    }

    fn close(&mut self) {
        screen::leave();
        for Warning { message, remedy, .. } in self.state.warnings.drain(..) {
            output::say(format_args!("warning: {message}\n  remedy: {remedy}"));
        }
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        screen::leave();
    }
}

/// Nine tenths of the old value and one of the new.
fn smooth(values: &mut BTreeMap<String, f64>, name: String, new: f64) {
    values.entry(name).and_modify(|old| *old += 0.1 * (new - *old)).or_insert(new);
}

impl State {
    fn new(header: RunHeader) -> Self {
        Self {
            batch: header.done,
            header,
            begun: Instant::now(),
            epoch: 0,
            samples: 0,
            losses: BTreeMap::new(),
            gradients: BTreeMap::new(),
            epochs: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The screen, at most as many lines, none wider than the columns.
    fn lines(&self, columns: usize, lines: usize) -> Vec<String> {
        let mut all = self.head(columns);
        all.push(String::new());
        all.extend(self.scores(columns));
        all.push(String::new());
        all.extend(self.inside(columns));
        if !(self.warnings.is_empty() && self.notes.is_empty()) {
            all.push(String::new());
        }
        all.extend(self.notes.iter().map(|note| paint(DIM, &shorten(&format!(" {note}"), columns))));
        for Warning { message, remedy, .. } in &self.warnings {
            all.push(paint(YELLOW, &shorten(&format!(" ! {message}"), columns)));
            all.push(shorten(&format!("   remedy: {remedy}"), columns));
        }
        all.truncate(lines.max(1));
        all
    }

    fn head(&self, columns: usize) -> Vec<String> {
        let RunHeader { name, epochs, batches, done, .. } = &self.header;
        let share = self.batch as f64 / (*batches).max(1) as f64;
        let spent = self.begun.elapsed();
        let here = self.batch.saturating_sub(*done);
        let left = match here {
            0 => "-".to_owned(),
            _ => HumanDuration(spent.mul_f64(batches.saturating_sub(self.batch) as f64 / here as f64))
                .to_string(),
        };
        let rate = self.samples as f64 / spent.as_secs_f64().max(1e-9);
        let text = format!(
            " epoch {}/{epochs}  step {}/{batches}  {rate:.0} samples/s  {} spent  ETA {left}",
            self.epoch,
            self.batch,
            HumanDuration(spent)
        );
        let long = columns.saturating_sub(9).min(60);
        vec![
            paint(BOLD, &shorten(&format!(" {name}"), columns)),
            shorten(&text, columns),
            format!(" {} {:>4.0} %", bar(share, long), 100.0 * share),
        ]
    }

    /// A line for each row: loss, train and validation score, best, curve.
    fn scores(&self, columns: usize) -> Vec<String> {
        let RunHeader { rows, metric, unimodal, .. } = &self.header;
        let name = self.name_width();
        let unit = metric.heading();
        let by = self.header.read_by().map(|head| format!(", unimodal: {head}")).unwrap_or_default();
        let head =
            format!(" {:name$}     loss    train      val     best  {unit}, validation by epoch{by}", "");
        let mut lines = vec![paint(DIM, &shorten(&head, columns))];
        for row in rows {
            let read = |e: &Epoch| unimodal.values(&e.val, row)?.get(&metric.name).copied();
            let curve: Vec<f64> = self.epochs.iter().filter_map(read).collect();
            let cell = |value: Option<f64>| metric.number(value.unwrap_or(f64::NAN));
            let best = curve.iter().copied().filter(|v| v.is_finite());
            let best = best.reduce(|best, new| if metric.beats(new, best) { new } else { best });
            let trained =
                self.epochs.last().and_then(|e| unimodal.trained(&e.train, row)?.get(&metric.name).copied());
            let loss = self.losses.get(row).or_else(|| self.losses.get(&format!("aux:{row}")));
            let loss = loss.map_or("-".to_owned(), |loss| format!("{loss:.3}"));
            let text = format!(
                " {:name$} {loss:>8} {:>8} {:>8} {:>8}  ",
                shorten(&row_title(row), name),
                cell(trained),
                cell(curve.last().copied()),
                cell(best),
            );
            let room = columns.saturating_sub(width(&text));
            lines.push(shorten(&(text + &sparkline(&curve, room)), columns));
        }
        lines
    }

    /// A line for each modality: the gradient that its encoder gets, and how
    /// much of its error the others leave.
    fn inside(&self, columns: usize) -> Vec<String> {
        let name = self.name_width();
        let most = self.gradients.values().copied().filter(|v| v.is_finite()).fold(0.0, f64::max);
        let effective = |row: &String| {
            let seen =
                self.epochs.iter().rev().find_map(|e| e.diagnostics.get(row)?.get("suppression_effective"));
            seen.copied()
        };
        let modalities = || self.header.rows.iter().skip(1);
        if self.gradients.is_empty() && modalities().all(|row| effective(row).is_none()) {
            return vec![paint(DIM, &shorten(" diagnostics are off (diagnostics.level)", columns))];
        }
        let long = (columns.saturating_sub(name + 32) / 2).clamp(4, 30);
        let head = format!(
            " {:name$} {:<wide$} s_eff (1: no suppression)",
            "",
            "gradient at the encoder",
            wide = long + 11
        );
        let mut lines = vec![paint(DIM, &shorten(&head, columns))];
        for row in modalities() {
            let gradient = self.gradients.get(row).copied();
            let share = gradient.map_or(0.0, |g| if most > 0.0 { g / most } else { 0.0 });
            let suppression = effective(row);
            let text = format!(
                " {:name$} {} {:>9} {} {:>6}",
                shorten(&row_title(row), name),
                bar(share, long),
                gradient.map_or("-".into(), |g| format!("{g:.2e}")),
                bar(suppression.unwrap_or(0.0) / 2.0, long),
                suppression.map_or("-".into(), |s| format!("{s:.2}")),
            );
            lines.push(shorten(&text, columns));
        }
        lines
    }

    fn name_width(&self) -> usize {
        self.header.rows.iter().map(|row| width(&row_title(row))).max().unwrap_or(0).clamp(4, 16)
    }
}

const BOLD: &str = "1";
const DIM: &str = "2";
const YELLOW: &str = "33";

/// A line in a style; the text must already have its final width.
fn paint(style: &str, text: &str) -> String {
    format!("\x1b[{style}m{text}\x1b[0m")
}

/// A bar of a share from 0 to 1, in eighths of a column.
fn bar(share: f64, long: usize) -> String {
    let eighths = (share.clamp(0.0, 1.0) * 8.0 * long as f64).round() as usize;
    let (whole, rest) = (eighths / 8, eighths % 8);
    let part = if rest > 0 { PARTS[rest - 1].to_string() } else { String::new() };
    let used = whole + usize::from(rest > 0);
    format!("{}{part}{}", "█".repeat(whole), "·".repeat(long.saturating_sub(used)))
}

/// Blocks that fill a column from the left.
const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// Blocks that fill a column from below.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last values as columns between the lowest and the highest of them.
fn sparkline(values: &[f64], room: usize) -> String {
    let shown = &values[values.len().saturating_sub(room)..];
    let finite = || shown.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let level = |v: &f64| match v.is_finite() {
        false => ' ',
        true if high > low => LEVELS[(7.0 * (v - low) / (high - low)).round() as usize],
        true => LEVELS[3],
    };
    shown.iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterpoint_report::record::{Metric, UnimodalReading};

    fn state() -> State {
        let rows = vec!["fused".into(), "audio".into(), "image".into()];
        let (metric, unimodal) = (Metric::undescribed("accuracy"), UnimodalReading::default());
        let mut state = State::new(RunHeader {
            name: "runs/a".into(),
            epochs: 4,
            batches: 40,
            done: 0,
            rows,
            unimodal,
            metric,
        });
        let row = |value: f64| BTreeMap::from([("accuracy".to_owned(), value)]);
        state.epochs = (0..3)
            .map(|i| Epoch {
                epoch: i,
                val: [("fused", 0.1 + 0.4 * i as f64), ("audio", 0.1)]
                    .map(|(n, v)| (n.to_owned(), row(v)))
                    .into(),
                diagnostics: [("audio".to_owned(), [("suppression_effective".to_owned(), 1.0)].into())]
                    .into(),
                ..Epoch::default()
            })
            .collect();
        state.gradients = BTreeMap::from([("audio".into(), 0.5), ("image".into(), 1.0)]);
        state.losses.insert("fused".into(), 0.25);
        (state.epoch, state.batch) = (2, 20);
        state
    }

    #[test]
    fn the_screen_holds_loss_scores_curve_and_bars() {
        let lines = state().lines(100, 40);
        let find = |part: &str| {
            lines.iter().find(|l| l.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:#?}"))
        };
        assert!(find("epoch 2/4").contains("step 20/40"));
        assert!(find(" 50 %").contains('█'));
        let fused = find(" fused ");
        assert!(fused.contains("0.250") && fused.contains("90.0") && fused.ends_with("▁▅█"), "{fused}");
        let audio = lines.iter().rfind(|l| l.contains(" audio ")).unwrap();
        // Half of the larger gradient, and half of a bar that ends at 2.
        assert!(audio.contains("5.00e-1") && audio.contains("1.00"), "{audio}");
        assert_eq!(
            audio.matches('█').count() + audio.matches('▌').count(),
            2 * audio.matches('·').count() / 2
        );
    }

    #[test]
    fn no_line_leaves_the_screen_whatever_its_size() {
        let mut state = state();
        state.header.rows.push("a modality with a very long name ".repeat(5));
        state.warnings.push(Warning {
            message: "m".repeat(300),
            remedy: "\x1b[2Jr".repeat(90),
            ..Warning::default()
        });
        for (columns, lines) in [(0, 0), (1, 1), (20, 5), (80, 24), (300, 100)] {
            let drawn = state.lines(columns, lines);
            assert!(drawn.len() <= lines.max(1));
            for line in drawn {
                let plain = console::strip_ansi_codes(&line);
                assert!(width(&plain) <= columns.max(40), "{columns}: {plain}");
                assert!(!plain.contains('\x1b'));
            }
        }
    }

    #[test]
    fn bars_and_curves_by_hand() {
        assert_eq!(bar(0.5, 4), "██··");
        assert_eq!(bar(0.4, 4), "█▋··");
        assert_eq!(bar(7.0, 2), "██");
        assert_eq!(bar(f64::NAN, 2), "··");
        assert_eq!(sparkline(&[0.0, 1.0, f64::NAN, 0.5], 9), "▁█ ▅");
        assert_eq!(sparkline(&[5.0, 1.0, 2.0], 2), "▁█");
        assert_eq!(sparkline(&[], 5), "");
    }
}
