//! Data sets: shape, type and values.

use std::io::{Read, Seek};
use std::ops::Range;

use counterpoint_batch::memory;
use counterpoint_batch::npy::{Element, NpyArray};

use super::Address;
use super::chunk::{self, Chunk, Filter};
use super::file::File;
use super::header::{Header, kind};
use super::kind::element;
use crate::bytes::Bytes;
use crate::error::FormatError;

/// An opened data set.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Length of each axis; none for a single value.
    pub shape: Vec<usize>,
    element: Element,
    big_endian: bool,
    layout: Layout,
}

#[derive(Clone, Debug)]
enum Layout {
    /// In the header itself.
    Held(Vec<u8>),
    /// In one piece.
    Piece(Address),
    Chunks {
        chunk: Vec<usize>,
        filters: Vec<Filter>,
        list: Vec<Chunk>,
    },
}

impl Dataset {
    pub(super) fn open<R: Read + Seek>(file: &mut File<R>, at: Address) -> Result<Self, FormatError> {
        let header = Header::read(file, at)?;
        let (Some(space), Some(kind), Some(layout)) =
            (header.get(kind::SPACE), header.get(kind::TYPE), header.get(kind::LAYOUT))
        else {
            return Err(format!("holds something else than a data set at {}", at.0).into());
        };
        let shape = shape(space, file.lengths)?;
        let (element, big_endian) = element(kind)?;
        let filters = header.get(kind::FILTERS).map(chunk::filters).transpose()?.unwrap_or_default();
        let layout = layout_of(file, layout, &shape, element, filters)?;
        Ok(Self { shape, element, big_endian, layout })
    }

    /// Entries of the first axis that are stored together: reading as many at a time unpacks nothing twice.
    pub fn step(&self) -> usize {
        match &self.layout {
            Layout::Chunks { chunk, .. } => chunk.first().copied().unwrap_or(1),
            _ => 1,
        }
    }

    pub(super) fn rows<R: Read + Seek>(
        &self,
        file: &mut File<R>,
        rows: Range<usize>,
    ) -> Result<NpyArray, FormatError> {
        let count = self.shape.first().copied().unwrap_or(1);
        if rows.end > count || rows.start > rows.end {
            return Err(format!("has shape {:?}, expected {} entries", self.shape, rows.end).into());
        }
        let size = self.element.size();
        let row = self.shape.iter().skip(1).try_fold(size, |n, side| n.checked_mul(*side));
        let place = row.and_then(|row| Some((row.checked_mul(rows.start)?, row.checked_mul(rows.len())?)));
        let (from, bytes) = place.ok_or_else(|| format!("has the impossible shape {:?}", self.shape))?;
        if let Some(free) = memory::free().filter(|&free| bytes as u64 > free) {
            return Err(format!(
                "takes {} of memory, and {} are free",
                memory::shown(bytes as u64),
                memory::shown(free)
            )
            .into());
        }
        let values = match &self.layout {
            Layout::Held(held) => {
                let end = from.saturating_add(bytes);
                held.get(from..end).ok_or("is damaged: a data set is shorter than its shape")?.to_vec()
            }
            Layout::Piece(at) if bytes > 0 => file.bytes(Address(at.0.saturating_add(from as u64)), bytes)?,
            Layout::Piece(_) => Vec::new(),
            Layout::Chunks { chunk, filters, list } => {
                let inside = list.iter().filter(|one| {
                    one.start[0] < rows.end && one.start[0].saturating_add(chunk[0]) > rows.start
                });
                let inside: Vec<&Chunk> = inside.collect();
                // Each covers a part of its own; all of them cover everything.
                let packed = chunk.iter().try_fold(size, |n, side| n.checked_mul(*side));
                let packed = packed.ok_or("is damaged: a chunk is larger than any file")?;
                if packed.saturating_mul(inside.len()) < bytes {
                    return Err(ABSENT.into());
                }
                inside.iter().try_for_each(|one| one.check(filters, packed))?;
                let mut values = vec![0; bytes];
                let mut covered = 0;
                for one in inside {
                    let content = one.read(file, filters, packed, size)?;
                    covered += place_chunk(&content, one, chunk, &self.shape, &rows, size, &mut values);
                }
                if covered != bytes {
                    return Err(ABSENT.into());
                }
                values
            }
        };
        let mut shape = self.shape.clone();
        if let Some(first) = shape.first_mut() {
            *first = rows.len();
        }
        Ok(self.element.decode(shape, &values, self.big_endian)?)
    }
}

const ABSENT: &str = "is incomplete: parts of a data set were never written";

fn shape(message: &[u8], lengths: usize) -> Result<Vec<usize>, FormatError> {
    let mut bytes = Bytes(message);
    let (version, axes) = (bytes.byte()?, bytes.byte()?);
    bytes.byte()?; // flags
    let kind = bytes.byte()?;
    if version == 1 {
        bytes.take(4)?;
    } else if kind == 2 {
        return Ok(vec![0]); // no values at all
    }
    let side = |_| {
        let side = bytes.number(lengths)?;
        usize::try_from(side).map_err(|_| format!("has an axis of {side} entries").into())
    };
    (0..axes).map(side).collect()
}

fn layout_of<R: Read + Seek>(
    file: &mut File<R>,
    message: &[u8],
    shape: &[usize],
    element: Element,
    filters: Vec<Filter>,
) -> Result<Layout, FormatError> {
    let mut bytes = Bytes(message);
    let (version, class) = (bytes.byte()?, bytes.byte()?);
    if ![3, 4].contains(&version) || (version == 4 && class > 1) {
        return Err(
            "stores a data set as later versions do (libver=\"latest\"), which is not read; convert it with \
                    `h5repack --low=0 --high=1`"
                .into(),
        );
    }
    match class {
        0 => {
            let size = bytes.short()?;
            Ok(Layout::Held(bytes.take(size)?.to_vec()))
        }
        1 => {
            let at = bytes.number(file.offsets)?;
            let size = bytes.number(file.lengths)?;
            let expected =
                shape.iter().try_fold(element.size() as u64, |n, side| n.checked_mul(*side as u64));
            match expected {
                Some(0) => Ok(Layout::Piece(Address(0))),
                Some(_) if at == file.nowhere() => Err(ABSENT.into()),
                Some(expected) if expected <= size => Ok(Layout::Piece(Address(at))),
                _ => Err(format!("is damaged: a data set of shape {shape:?} takes {size} bytes").into()),
            }
        }
        2 => {
            let axes = usize::from(bytes.byte()?);
            let tree = bytes.number(file.offsets)?;
            if axes != shape.len() + 1 || shape.is_empty() {
                return Err("is damaged: chunks have another number of axes than their data set".into());
            }
            let chunk: Vec<usize> = (1..axes).map(|_| bytes.word()).collect::<Result<_, _>>()?;
            if chunk.contains(&0) || bytes.word()? != element.size() {
                return Err("is damaged: the sizes of its chunks are impossible".into());
            }
            let list = if tree == file.nowhere() {
                Vec::new()
            } else {
                chunk::list(file, Address(tree), shape.len())?
            };
            let aligned = |one: &Chunk| one.start.iter().zip(&chunk).all(|(start, side)| start % side == 0);
            if !list.iter().all(aligned) {
                return Err("is damaged: a chunk lies between others".into());
            }
            Ok(Layout::Chunks { chunk, filters, list })
        }
        _ => Err(format!("stores a data set in the way {class}, expected 0 to 2").into()),
    }
}

/// Copies what a chunk holds of some rows to its place among them; says how many bytes that were.
fn place_chunk(
    content: &[u8],
    one: &Chunk,
    chunk: &[usize],
    shape: &[usize],
    rows: &Range<usize>,
    size: usize,
    values: &mut [u8],
) -> usize {
    // From where to where it reaches along each axis.
    let reach: Vec<Range<usize>> = (0..shape.len())
        .map(|axis| {
            let all = if axis == 0 { rows.clone() } else { 0..shape[axis] };
            let start = one.start[axis];
            start.max(all.start)..start.saturating_add(chunk[axis]).min(all.end)
        })
        .collect();
    if reach.iter().any(|axis| axis.start >= axis.end) {
        return 0;
    }
    let last = shape.len() - 1;
    let run = reach[last].len() * size;
    let mut at: Vec<usize> = reach.iter().map(|axis| axis.start).collect();
    let mut copied = 0;
    loop {
        let (mut from, mut to) = (0, 0);
        for axis in 0..shape.len() {
            let (first, side) = if axis == 0 { (rows.start, rows.len()) } else { (0, shape[axis]) };
            from = from * chunk[axis] + at[axis] - one.start[axis];
            to = to * side + at[axis] - first;
        }
        values[to * size..to * size + run].copy_from_slice(&content[from * size..from * size + run]);
        copied += run;
        // The next run: the last axis but one runs fastest.
        let Some(axis) = (0..last).rev().find(|&axis| at[axis] + 1 < reach[axis].end) else { return copied };
        at[axis] += 1;
        for later in axis + 1..last {
            at[later] = reach[later].start;
        }
    }
}
