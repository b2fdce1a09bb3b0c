//! What the model sees of some samples, before and after the random changes of training, on one sheet.

mod canvas;
mod colour;
mod font;
mod panel;

use counterpoint_batch::random::Random;
use counterpoint_batch::{Sample, Target};

use crate::decode::Bitmap;
use crate::error::DataError;
use crate::loader::Loader;
use canvas::{Canvas, PALE};
use panel::Panel;

/// Letters twice as large as they are drawn.
const SCALE: usize = 2;
const LINE: usize = (font::HEIGHT + 2) * SCALE;
/// Letters in a line beside the pictures, and lines at most of a name.
const LETTERS: usize = 16;
const LINES: usize = 3;
/// Between pictures, and around all.
const GAP: usize = 12;
/// Height of a row at least: name and class.
const ROW: usize = 4 * LINE;

/// One kind of picture: a modality, or the label map.
struct Column {
    heading: [String; 2],
    size: [usize; 2],
    /// Whether a second picture shows what training makes of it.
    varies: bool,
}

impl Column {
    /// Width of its pictures or of the words above them.
    fn width(&self) -> usize {
        let words = self.heading.iter().map(String::len).max().unwrap_or(0) * font::ADVANCE * SCALE;
        self.pictures().max(words)
    }

    fn pictures(&self) -> usize {
        if self.varies { 2 * self.side() + GAP } else { self.side() }
    }

    /// Width of one picture with the word above it.
    fn side(&self) -> usize {
        self.size[0].max("before".len() * font::ADVANCE * SCALE)
    }
}

/// A sheet of `count` samples from all over the split: one row each, with every modality as the model sees it
/// without random changes and, where training makes some, as `loader` hands it over in an epoch (from 0).
///
/// Pictures have their own colours. Spectrograms (low frequencies below), depth and features over time are
/// shown from dark blue to yellow over the range of the unchanged input; label maps and token ids have a
/// colour for each class or id, and features without time are bars. The title is the first line.
///
/// # Errors
/// If `count` is 0, or a file cannot be used.
pub fn sheet(loader: &Loader, count: usize, epoch: usize, title: &str) -> Result<Bitmap, DataError> {
    if count == 0 {
        return Err(DataError::config("0 samples make no sheet; show at least 1"));
    }
    let split = loader.split();
    let count = count.min(split.len());
    let samples: Vec<(Sample, Option<Sample>)> = spread(split.len(), count)
        .into_iter()
        .map(|index| {
            let plain = split.sample(index, None)?;
            let changed =
                loader.draw(epoch, index).map(|draw| split.sample(index, Some(draw))).transpose()?;
            Ok((plain, changed))
        })
        .collect::<Result<_, DataError>>()?;
    let panels: Vec<Panel<'_>> =
        split.preparations().iter().zip(split.modalities()).map(|(p, spec)| Panel::new(p, spec)).collect();
    let mut columns: Vec<Column> = panels
        .iter()
        .zip(split.preparations())
        .map(|(panel, preparation)| Column {
            heading: panel.heading(),
            size: panel.size(),
            varies: loader.options().augment && preparation.augments(),
        })
        .collect();
    if let Target::Map(map) = &samples[0].0.target {
        let picture = panel::classes(map);
        columns.push(Column {
            heading: ["label".into(), "by class".into()],
            size: [picture.width, picture.height],
            varies: loader.options().augment,
        });
    }
    let row = columns.iter().map(|column| column.size[1]).max().unwrap_or(0).max(ROW) + GAP;
    let left = GAP + LETTERS * font::ADVANCE * SCALE + GAP;
    let lefts: Vec<usize> = columns
        .iter()
        .scan(left, |at, column| {
            *at += column.width() + 2 * GAP;
            Some(*at - column.width() - 2 * GAP)
        })
        .collect();
    let right = lefts.iter().zip(&columns).map(|(at, column)| at + column.width()).max().unwrap_or(left);
    let width = (right + GAP).max(2 * GAP + title.chars().count() * font::ADVANCE * SCALE);
    let head = GAP + 5 * LINE;
    let mut canvas = Canvas::new(width, head + samples.len() * row);
    canvas.text([GAP, GAP], SCALE, title);
    for (left, column) in lefts.iter().zip(&columns) {
        let line = |number: usize| [*left, GAP + number * LINE + LINE / 2];
        canvas.text(line(1), SCALE, &column.heading[0]);
        canvas.text(line(2), SCALE, &column.heading[1]);
        if column.varies {
            canvas.text(line(3), SCALE, "before");
            canvas.text([left + column.side() + GAP, line(3)[1]], SCALE, "after");
        }
    }
    for (number, (plain, changed)) in samples.iter().enumerate() {
        let top = head + number * row;
        canvas.fill([0, top - GAP / 2 - 1], [width, 1], PALE);
        for (at, line) in words(plain, split.classes()).iter().enumerate() {
            canvas.text([GAP, top + at * LINE], SCALE, line);
        }
        for (place, (left, column)) in lefts.iter().zip(&columns).enumerate() {
            let shown = [Some(plain), changed.as_ref().filter(|_| column.varies)];
            for (second, sample) in shown.into_iter().flatten().enumerate() {
                let at = [left + second * (column.side() + GAP), top];
                match (panels.get(place), &sample.target) {
                    (Some(panel), _) => match (&sample.inputs[place], &plain.inputs[place]) {
                        (Some(input), Some(plain)) => canvas.picture(at, &panel.draw(input, plain)),
                        _ => canvas.text(at, SCALE, "absent"),
                    },
                    (None, Target::Map(map)) => canvas.picture(at, &panel::classes(map)),
                    (None, _) => {}
                }
            }
        }
    }
    Ok(canvas.finish())
}

/// One sample of each of `count` equal stretches. Where in it is drawn, once for all: lists are often sorted
/// by class and speaker, so that even steps would meet the same speaker again and again.
fn spread(all: usize, count: usize) -> Vec<usize> {
    let mut random = Random::new(0, &["preview"]);
    let begin = |i: usize| i * all / count;
    (0..count).map(|i| begin(i) + random.below(begin(i + 1) - begin(i))).collect()
}

/// Name and truth of a sample in short lines.
fn words(sample: &Sample, classes: &[String]) -> Vec<String> {
    let name = |class: usize| classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    let truth = match &sample.target {
        Target::Class(class) => format!("class {}", name(*class)),
        Target::Value(value) => format!("value {value}"),
        Target::Labels(flags) => {
            let on: Vec<String> = (0..flags.len()).filter(|&i| flags[i]).map(name).collect();
            if on.is_empty() { "no label".into() } else { format!("labels {}", on.join("; ")) }
        }
        _ => String::new(),
    };
    let mut lines = wrapped(&sample.id, LINES);
    if !truth.is_empty() {
        lines.extend(wrapped(&truth, 4 - lines.len().min(3)));
    }
    lines
}

/// Text in lines of [`LETTERS`]; what does not fit into so many is cut.
fn wrapped(text: &str, lines: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut all: Vec<String> = letters.chunks(LETTERS).map(|line| line.iter().collect()).collect();
    if all.len() > lines {
        all.truncate(lines);
        if let Some(last) = all.last_mut() {
            last.truncate(last.char_indices().nth(LETTERS - 2).map_or(last.len(), |(at, _)| at));
            last.push_str("..");
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_wrapped_and_cut() {
        assert_eq!(wrapped("7_george_12", 3), ["7_george_12"]);
        assert_eq!(wrapped("abcdefghijklmnopqrstuvwxyz", 3), ["abcdefghijklmnop", "qrstuvwxyz"]);
        assert_eq!(wrapped("abcdefghijklmnopqrstuvwxyz", 1), ["abcdefghijklmn.."]);
    }

    #[test]
    fn samples_come_from_all_over_the_split() {
        let chosen = spread(2000, 8);
        assert!(chosen.iter().enumerate().all(|(i, at)| at / 250 == i), "{chosen:?}");
        assert_eq!((spread(3, 3), spread(1, 1)), (vec![0, 1, 2], vec![0]));
    }

    #[test]
    fn truths_are_in_words() {
        let classes = ["cat".to_owned(), "dog".to_owned()];
        let said = |target| words(&Sample::new("a", Vec::new(), target), &classes).join("|");
        assert_eq!(said(Target::Class(1)), "a|class dog");
        assert_eq!(said(Target::Labels(vec![true, true])), "a|labels cat; dog");
        assert_eq!(said(Target::Labels(vec![false, false])), "a|no label");
        assert_eq!(said(Target::Value(0.5)), "a|value 0.5");
    }
}
