//! Blocks of bytes whose rows become columns.

/// Rows of a block.
pub const ROWS: usize = 32;
/// Bytes of a row that are turned at once: four words.
const SPAN: usize = 32;

/// Eight rows of four words, whose bytes change places within each square of eight by eight: byte `b` of word `w` in
/// row `r` becomes byte `r` of word `w` in row `b`.
#[inline(always)]
fn turned(mut rows: [[u64; 4]; 8]) -> [[u64; 4]; 8] {
    let halves = [(4, 0x0000_0000_FFFF_FFFF), (2, 0x0000_FFFF_0000_FFFF), (1, 0x00FF_00FF_00FF_00FF)];
    for (apart, low) in halves {
        for first in (0..8).filter(|row| row & apart == 0) {
            let (upper, lower) = (rows[first], rows[first + apart]);
            for word in 0..4 {
                let (a, b, bits) = (upper[word], lower[word], 8 * apart);
                rows[first][word] = (a & low) | ((b & low) << bits);
                rows[first + apart][word] = ((a >> bits) & low) | (b & !low);
            }
        }
    }
    rows
}

/// Up to [`ROWS`] rows, each as long as `to`, to columns. Where there are fewer, what lies beyond them is arbitrary.
#[inline(always)]
pub fn columns<'a>(from: impl ExactSizeIterator<Item = &'a [u8]>, to: &mut [[u8; ROWS]]) {
    let mut rows = [&[][..]; ROWS];
    let count = from.len();
    rows.iter_mut().zip(from).for_each(|(to, row)| *to = row);
    let whole = to.len() / SPAN * SPAN;
    for (eight, rows) in rows[..count.next_multiple_of(8)].chunks_exact_mut(8).enumerate() {
        // The last rows of a picture may be fewer than eight.
        (1..8).for_each(|row| rows[row] = if rows[row].is_empty() { rows[0] } else { rows[row] });
        for (span, to) in to.as_chunks_mut::<SPAN>().0.iter_mut().enumerate() {
            let words = |row: &[u8]| -> [u64; 4] {
                let words = row[SPAN * span..][..SPAN].as_chunks::<8>().0;
                std::array::from_fn(|word| u64::from_le_bytes(words[word]))
            };
            let block = turned(std::array::from_fn(|row| words(rows[row])));
            for (at, to) in to.iter_mut().enumerate() {
                to.as_chunks_mut::<8>().0[eight] = block[at % 8][at / 8].to_le_bytes();
            }
        }
        for (row, bytes) in rows.iter().enumerate() {
            to[whole..].iter_mut().zip(&bytes[whole..]).for_each(|(to, byte)| to[8 * eight + row] = *byte);
        }
    }
}

/// Columns to as many rows as there are, each as long as `from`.
#[inline(always)]
pub fn rows<'a>(from: &[[u8; ROWS]], to: impl Iterator<Item = &'a mut [u8]>) {
    let whole = from.len() / SPAN * SPAN;
    let mut to = to.peekable();
    for eight in 0..ROWS / 8 {
        if to.peek().is_none() {
            return;
        }
        let mut rows: [&mut [u8]; 8] = std::array::from_fn(|_| to.next().unwrap_or_default());
        for (span, from) in from.as_chunks::<SPAN>().0.iter().enumerate() {
            let word = |at: usize| u64::from_le_bytes(from[at].as_chunks::<8>().0[eight]);
            let block = turned(std::array::from_fn(|row| std::array::from_fn(|part| word(8 * part + row))));
            for (row, words) in rows.iter_mut().zip(block).filter(|(row, _)| !row.is_empty()) {
                let bytes = row[SPAN * span..][..SPAN].as_chunks_mut::<8>().0;
                bytes.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
            }
        }
        for (row, bytes) in rows.iter_mut().enumerate().filter(|(_, row)| !row.is_empty()) {
            bytes[whole..].iter_mut().zip(&from[whole..]).for_each(|(to, from)| *to = from[8 * eight + row]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns_and_rows_again_at_any_size() {
        for (height, width) in [(1, 1), (7, 31), (8, 32), (9, 33), (32, 100), (31, 64), (17, 5)] {
            let picture: Vec<u8> = (0..height * width).map(|at| (at * 7 + at / 251) as u8).collect();
            let mut turned = vec![[0; ROWS]; width];
            columns(picture.chunks_exact(width), &mut turned);
            for (at, byte) in picture.iter().enumerate() {
                assert_eq!(turned[at % width][at / width], *byte, "{height} x {width} at {at}");
            }
            let mut back = vec![0; height * width];
            rows(&turned, back.chunks_exact_mut(width));
            assert_eq!(back, picture, "{height} x {width}");
        }
    }
}
