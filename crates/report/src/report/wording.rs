//! Sentences that differ in their numbers only.

/// A sentence taken apart into its numbers and what stands between them.
pub(super) struct Wording {
    /// What stands before each number and after the last: one more than numbers.
    words: Vec<String>,
    numbers: Vec<Range>,
}

/// The least and the most a number was, each as it was written.
struct Range {
    low: (f64, String),
    high: (f64, String),
}

impl Wording {
    /// Takes a sentence apart. Digits within a word and within one of the
    /// `names` are not numbers: `camera 2` is another thing than `camera 1`.
    pub fn of(text: &str, names: &[&str]) -> Self {
        let mut wording = Self { words: vec![String::new()], numbers: Vec::new() };
        let mut rest = text;
        let mut before = ' ';
        while let Some(first) = rest.chars().next() {
            let fresh = !within_word(before);
            let named = names.iter().filter(|name| fresh && !name.is_empty() && rest.starts_with(**name));
            let name = named.map(|name| name.len()).filter(|at| ends_word(&rest[*at..])).max();
            let number = number(rest).filter(|at| name.is_none() && fresh && ends_word(&rest[*at..]));
            let taken = name.or(number).unwrap_or(first.len_utf8());
            let piece = &rest[..taken];
            match number.and_then(|_| piece.parse().ok()) {
                Some(value) => {
                    let end = (value, piece.to_owned());
                    wording.numbers.push(Range { low: end.clone(), high: end });
                    wording.words.push(String::new());
                }
                None => wording.words.last_mut().into_iter().for_each(|word| word.push_str(piece)),
            }
            before = piece.chars().last().unwrap_or(first);
            rest = &rest[taken..];
        }
        wording
    }

    /// Whether both are the same but for their numbers.
    pub fn matches(&self, other: &Self) -> bool {
        self.words == other.words
    }

    /// Takes in the numbers of a sentence that [matches](Self::matches).
    pub fn widen(&mut self, other: &Self) {
        for (range, new) in self.numbers.iter_mut().zip(&other.numbers) {
            if new.low.0 < range.low.0 {
                range.low.clone_from(&new.low);
            }
            if new.high.0 > range.high.0 {
                range.high.clone_from(&new.high);
            }
        }
    }

    /// The sentence, with `least to most` for a number that differs.
    pub fn text(&self) -> String {
        let number = |range: &Range| match range.low.0 < range.high.0 {
            true => format!("{} to {}", range.low.1, range.high.1),
            false => range.low.1.clone(),
        };
        let numbers = self.numbers.iter().map(number).chain([String::new()]);
        self.words.iter().zip(numbers).map(|(word, number)| format!("{word}{number}")).collect()
    }
}

/// Length of the decimal number that a text begins with.
fn number(text: &str) -> Option<usize> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let whole = Some(digits(sign)).filter(|count| *count > 0)?;
    let point = sign + whole;
    let part = if text[point..].starts_with('.') { digits(point + 1) } else { 0 };
    Some(if part > 0 { point + 1 + part } else { point })
}

fn within_word(c: char) -> bool {
    c.is_alphanumeric() || "_-./".contains(c)
}

/// Whether a word ends where this text begins.
fn ends_word(text: &str) -> bool {
    let mut next = text.chars();
    match next.next() {
        Some('.' | '-') => !next.next().is_some_and(char::is_alphanumeric),
        Some(c) => !within_word(c),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(texts: &[&str], names: &[&str]) -> Option<String> {
        let mut all = texts.iter().map(|text| Wording::of(text, names));
        let mut first = all.next()?;
        for other in all {
            if !first.matches(&other) {
                return None;
            }
            first.widen(&other);
        }
        Some(first.text())
    }

    #[test]
    fn numbers_become_ranges_and_nothing_else_does() {
        let texts = ["epoch 9 of 10: 20.5 %, gap -0.3.", "epoch 10 of 10: 9.25 %, gap 0.1."];
        assert_eq!(merged(&texts, &[]).unwrap(), "epoch 9 to 10 of 10: 9.25 to 20.5 %, gap -0.3 to 0.1.");
        assert_eq!(merged(&["all is well"], &[]).unwrap(), "all is well");
        assert_eq!(merged(&["(1.5) 2", "(1.5) 2"], &[]).unwrap(), "(1.5) 2");
        for (first, second) in [
            ("camera2 fails", "camera3 fails"),
            ("run-1/seed0 ends", "run-1/seed1 ends"),
            ("v1.2.3 x", "v1.2.4 x"),
        ] {
            assert_eq!(merged(&[first, second], &[]), None, "{first}");
        }
        let names = ["camera 1", "camera 2", "3"];
        assert_eq!(merged(&["camera 1 has 5", "camera 2 has 6"], &names), None);
        assert_eq!(merged(&["camera 1 has 5", "camera 1 has 6"], &names).unwrap(), "camera 1 has 5 to 6");
        // A name is not read out of a longer number.
        assert_eq!(merged(&["3 has 30.5", "3 has 31"], &names).unwrap(), "3 has 30.5 to 31");
    }
}
