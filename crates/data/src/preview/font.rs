//! Letters of 5 x 8 pixels, drawn in `font.txt`: the printable characters of ASCII from the space on, 16 in
//! a row. Others are shown as `?`.

use std::sync::LazyLock;

/// Pixels from one letter to the next.
pub const ADVANCE: usize = 6;
/// Height of a letter with what hangs below the line.
pub const HEIGHT: usize = 8;
const WIDTH: usize = 5;
const IN_A_ROW: usize = 16;

static LINES: LazyLock<Vec<&'static [u8]>> =
    LazyLock::new(|| include_str!("font.txt").lines().map(str::as_bytes).collect());

/// The pixels of a letter that are set: column and row.
pub fn pixels(letter: char) -> impl Iterator<Item = (usize, usize)> {
    let letter = if matches!(letter, ' '..='~') { letter } else { '?' };
    let number = letter as usize - ' ' as usize;
    let (top, left) = (number / IN_A_ROW * (HEIGHT + 1), number % IN_A_ROW * ADVANCE);
    let all = (0..HEIGHT).flat_map(|row| (0..WIDTH).map(move |column| (column, row)));
    all.filter(move |(column, row)| LINES[top + row].get(left + column) == Some(&b'#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_there_and_unlike_the_others() {
        let mut seen = std::collections::BTreeSet::new();
        for letter in ' '..='~' {
            let set: Vec<_> = pixels(letter).collect();
            assert!(set.is_empty() == (letter == ' '), "{letter}");
            assert!(seen.insert(set), "{letter}");
        }
        assert_eq!(seen.len(), 95);
        assert!(pixels('\u{e9}').eq(pixels('?')));
        assert!(pixels('l').any(|at| at == (2, 3)) && pixels('-').all(|(_, row)| row == 3));
    }
}
