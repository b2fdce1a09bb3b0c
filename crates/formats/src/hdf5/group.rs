//! Groups: names and the addresses of what they name.

use std::io::{Read, Seek};

use super::Address;
use super::file::File;
use super::header::{Header, kind};
use crate::bytes::Bytes;
use crate::error::FormatError;

/// Levels of a tree: more than 2^64 entries have no room in any file.
pub const LEVELS: u8 = 16;

/// The members of a group, sorted by name.
pub fn members<R: Read + Seek>(
    file: &mut File<R>,
    at: Address,
) -> Result<Vec<(String, Address)>, FormatError> {
    let header = Header::read(file, at)?;
    let mut found = Vec::new();
    if let Some(table) = header.get(kind::SYMBOLS) {
        let mut table = Bytes(table);
        let (tree, heap) = (Address(table.number(file.offsets)?), Address(table.number(file.offsets)?));
        let heap = names(file, heap)?;
        let mut left = file.size();
        walk(file, tree, None, &heap, &mut left, &mut found)?;
    } else if let Some(info) = header.get(kind::LINK_INFO) {
        let mut info = Bytes(info);
        info.byte()?;
        let flags = info.byte()?;
        info.take(if flags & 1 != 0 { 8 } else { 0 })?;
        if info.number(file.offsets)? != file.nowhere() {
            return Err(
                "has groups in the dense form of later versions, which is not read; write it with h5py's \
                        default libver (\"earliest\"), or convert it with `h5repack --low=0 --high=1`"
                    .into(),
            );
        }
        for link in header.all(kind::LINK) {
            found.extend(link_of(file, link)?);
        }
    } else {
        return Err(format!("holds something else than a group at {}", at.0).into());
    }
    found.sort();
    Ok(found)
}

/// A link in a header; `None` if it leads to another path or file.
fn link_of<R: Read + Seek>(file: &File<R>, link: &[u8]) -> Result<Option<(String, Address)>, FormatError> {
    let mut link = Bytes(link);
    link.byte()?;
    let flags = link.byte()?;
    let hard = flags & 8 == 0 || link.byte()? == 0;
    link.take(if flags & 4 != 0 { 8 } else { 0 } + if flags & 0x10 != 0 { 1 } else { 0 })?;
    let length = link.number(1 << (flags & 3))?;
    let name =
        String::from_utf8_lossy(link.take(usize::try_from(length).unwrap_or(usize::MAX))?).into_owned();
    Ok(if hard { Some((name, Address(link.number(file.offsets)?))) } else { None })
}

/// The bytes of a heap of names.
fn names<R: Read + Seek>(file: &mut File<R>, at: Address) -> Result<Vec<u8>, FormatError> {
    let head = file.marked(at, b"HEAP", 4 + 2 * file.lengths + file.offsets)?;
    let mut head = Bytes(&head);
    head.take(4)?;
    let size = head.number(file.lengths)?;
    head.number(file.lengths)?; // free list
    let data = Address(head.number(file.offsets)?);
    if size > file.size() {
        return Err("is truncated or damaged: its names are longer than the file".into());
    }
    file.bytes(data, size as usize)
}

/// A node of a group's tree.
fn walk<R: Read + Seek>(
    file: &mut File<R>,
    at: Address,
    above: Option<u8>,
    heap: &[u8],
    left: &mut u64,
    found: &mut Vec<(String, Address)>,
) -> Result<(), FormatError> {
    let node = node(file, at, above, 0, file.lengths, left)?;
    for (_, child) in node.entries {
        if node.level > 0 {
            walk(file, child, Some(node.level), heap, left, found)?;
            continue;
        }
        let head = file.marked(child, b"SNOD", 4)?;
        let count = Bytes(&head[2..]).short()?;
        let size = 2 * file.offsets + 24;
        *left = left.checked_sub((count * size) as u64).ok_or(ROUND)?;
        let entries = file.bytes(Address(child.0.saturating_add(8)), count * size)?;
        for entry in entries.chunks_exact(size) {
            let mut entry = Bytes(entry);
            let name = entry.number(file.offsets)? as usize;
            let at = Address(entry.number(file.offsets)?);
            let name = heap.get(name..).and_then(|rest| rest.split(|byte| *byte == 0).next());
            let name = name.ok_or("is damaged: a name lies outside its heap")?;
            // Names may overlap in the heap, but not so often that they outgrow the file.
            *left = left.checked_sub(name.len() as u64).ok_or(ROUND)?;
            found.push((String::from_utf8_lossy(name).into_owned(), at));
        }
    }
    Ok(())
}

/// A node of a tree of version 1.
pub struct Node {
    /// 0: its entries are no nodes.
    pub level: u8,
    /// The key before each child, and the child.
    pub entries: Vec<(Vec<u8>, Address)>,
}

/// Reads a node of one kind whose keys have so many bytes; `left` is what nodes may still take.
pub fn node<R: Read + Seek>(
    file: &mut File<R>,
    at: Address,
    above: Option<u8>,
    kind: u8,
    key: usize,
    left: &mut u64,
) -> Result<Node, FormatError> {
    let head = file.marked(at, b"TREE", 4 + 2 * file.offsets)?;
    let (level, count) = (head[1], Bytes(&head[2..]).short()?);
    if head[0] != kind || level > LEVELS || above.is_some_and(|above| level + 1 != above) {
        return Err("is damaged: a node of a tree is of the wrong kind or level".into());
    }
    let size = count * (key + file.offsets) + key;
    *left = left.checked_sub((head.len() + size) as u64).ok_or(ROUND)?;
    let bytes = file.bytes(Address(at.0.saturating_add(8 + 2 * file.offsets as u64)), size)?;
    let mut bytes = Bytes(&bytes);
    let mut entries = Vec::new();
    for _ in 0..count {
        entries.push((bytes.take(key)?.to_vec(), Address(bytes.number(file.offsets)?)));
    }
    Ok(Node { level, entries })
}

const ROUND: &str = "is damaged: a tree goes round in circles";
