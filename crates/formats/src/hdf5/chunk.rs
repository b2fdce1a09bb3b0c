//! Chunks: where they are, how they are packed, and where their values belong.

use std::io::{Read, Seek};

use flate2::read::ZlibDecoder;

use super::Address;
use super::file::File;
use super::group::node;
use crate::bytes::Bytes;
use crate::error::FormatError;

/// A byte of `deflate` unpacks to so many at most.
const DEFLATE: u64 = 1032;

/// One chunk.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Its first element along each axis.
    pub start: Vec<usize>,
    /// Where it is.
    at: Address,
    /// Bytes in the file.
    stored: usize,
    /// Filters that were left out, one bit for each.
    skipped: u32,
}

/// What was done to a chunk when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    Deflate,
    /// Bytes of one significance side by side.
    Shuffle,
}

/// The filters of a data set, in the order in which they were applied.
pub fn filters(message: &[u8]) -> Result<Vec<Filter>, FormatError> {
    let mut bytes = Bytes(message);
    let (version, count) = (bytes.byte()?, bytes.byte()?);
    bytes.take(if version == 1 { 6 } else { 0 })?;
    let mut filters = Vec::new();
    for _ in 0..count {
        let id = bytes.short()?;
        let name = if version == 1 || id >= 256 { bytes.short()? } else { 0 };
        bytes.short()?; // flags
        let values = bytes.short()?;
        bytes.take(if version == 1 { name.next_multiple_of(8) } else { name })?;
        bytes.take(4 * values + if version == 1 && values % 2 == 1 { 4 } else { 0 })?;
        filters.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle,
            _ => {
                return Err(format!(
                    "is packed with the filter {id}, expected deflate (1) or shuffle (2); repack it: h5repack -f GZIP=4"
                )
                .into());
            }
        });
    }
    Ok(filters)
}

/// All chunks of a data set of so many axes, in the order of their places.
pub fn list<R: Read + Seek>(
    file: &mut File<R>,
    tree: Address,
    axes: usize,
) -> Result<Vec<Chunk>, FormatError> {
    let mut chunks = Vec::new();
    let mut left = file.size();
    let mut todo = vec![(tree, None)];
    while let Some((at, above)) = todo.pop() {
        // Size, filters, and a start along each axis and within the element.
        let node = node(file, at, above, 1, 8 + 8 * (axes + 1), &mut left)?;
        for (key, child) in node.entries {
            if node.level > 0 {
                todo.push((child, Some(node.level)));
                continue;
            }
            let mut key = Bytes(&key);
            let (stored, skipped) = (key.word()?, key.number(4)? as u32);
            let start = (0..axes).map(|_| {
                usize::try_from(key.number(8)?).map_err(|_| "is damaged: a chunk lies far away".into())
            });
            let start: Vec<usize> = start.collect::<Result<_, FormatError>>()?;
            chunks.push(Chunk { start, at: child, stored, skipped });
        }
    }
    // Chunks do not overlap in the file.
    let stored = chunks.iter().fold(0, |sum: u64, chunk| sum.saturating_add(chunk.stored as u64));
    if stored > file.size() {
        return Err("is damaged: its chunks are longer than the file".into());
    }
    chunks.sort_by(|a, b| a.start.cmp(&b.start));
    if chunks.windows(2).any(|pair| pair[0].start == pair[1].start) {
        return Err("is damaged: two chunks have one place".into());
    }
    Ok(chunks)
}

impl Chunk {
    /// Refuses a chunk that cannot hold so many bytes, before anything is set aside for them.
    pub fn check(&self, filters: &[Filter], size: usize) -> Result<(), FormatError> {
        let packed = filters.iter().enumerate().any(|(number, filter)| {
            *filter == Filter::Deflate
                && self.skipped.checked_shr(number as u32).is_some_and(|bit| bit & 1 == 0)
        });
        let most = if packed { DEFLATE * (self.stored as u64 + 1) } else { self.stored as u64 };
        if size as u64 > most { Err(wrong(self.stored, size)) } else { Ok(()) }
    }

    /// The elements of a chunk, which take `size` bytes; those of one element take `element`.
    pub fn read<R: Read + Seek>(
        &self,
        file: &mut File<R>,
        filters: &[Filter],
        size: usize,
        element: usize,
    ) -> Result<Vec<u8>, FormatError> {
        self.check(filters, size)?;
        let mut bytes = file.bytes(self.at, self.stored)?;
        for (number, filter) in filters.iter().enumerate().rev() {
            if self.skipped.checked_shr(number as u32).is_some_and(|bit| bit & 1 == 1) {
                continue;
            }
            bytes = match filter {
                Filter::Deflate => {
                    let mut unpacked = Vec::with_capacity(size);
                    ZlibDecoder::new(bytes.as_slice())
                        .take(size as u64 + 1)
                        .read_to_end(&mut unpacked)
                        .map_err(|cause| format!("is damaged: a chunk cannot be unpacked: {cause}"))?;
                    unpacked
                }
                Filter::Shuffle => {
                    let count = bytes.len() / element;
                    let mut ordered = vec![0; bytes.len()];
                    for (byte, plane) in bytes.chunks_exact(count.max(1)).take(element).enumerate() {
                        for (at, value) in plane.iter().enumerate() {
                            ordered[at * element + byte] = *value;
                        }
                    }
                    // What no whole element is was left as it was.
                    ordered[count * element..].copy_from_slice(&bytes[count * element..]);
                    ordered
                }
            };
        }
        if bytes.len() == size { Ok(bytes) } else { Err(wrong(bytes.len(), size)) }
    }
}

fn wrong(found: usize, expected: usize) -> FormatError {
    format!("is truncated or damaged: a chunk holds {found} bytes, expected {expected}").into()
}
