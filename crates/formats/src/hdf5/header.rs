//! Headers of objects: lists of messages.

use std::io::{Read, Seek};

use super::Address;
use super::file::File;
use crate::bytes::Bytes;
use crate::error::FormatError;

/// What a message is about.
pub mod kind {
    pub const SPACE: usize = 0x01;
    pub const LINK_INFO: usize = 0x02;
    pub const TYPE: usize = 0x03;
    pub const LINK: usize = 0x06;
    pub const LAYOUT: usize = 0x08;
    pub const FILTERS: usize = 0x0b;
    pub const CONTINUATION: usize = 0x10;
    pub const SYMBOLS: usize = 0x11;
}

/// The messages of an object.
pub struct Header(Vec<(usize, Vec<u8>)>);

impl Header {
    /// Reads the header at an address.
    pub fn read<R: Read + Seek>(file: &mut File<R>, at: Address) -> Result<Self, FormatError> {
        let start = file.bytes(at, 16.min(file.size().saturating_sub(at.0)) as usize)?;
        let mut found = Vec::new();
        // Parts that are still to be read, with the length of the marks around them.
        let (mut parts, modern) = if start.starts_with(b"OHDR") {
            let start = file.bytes(at, 34.min(file.size() - at.0) as usize)?;
            let mut head = Bytes(&start);
            head.take(5)?;
            let flags = head.byte()?;
            head.take(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
            let size = head.number(1 << (flags & 3))?;
            let used = (start.len() - head.0.len()) as u64;
            (vec![(at.0.saturating_add(used), size)], Some(if flags & 4 != 0 { 6 } else { 4 }))
        } else {
            let mut head = Bytes(&start);
            if head.byte()? != 1 {
                return Err(format!("is damaged: there is no object at {}", at.0).into());
            }
            head.take(7)?;
            (vec![(at.0.saturating_add(16), head.word()? as u64)], None)
        };
        let mut left = file.size();
        while let Some((at, size)) = parts.pop() {
            // Parts do not overlap, so that all of them together are no longer than the file.
            left = left.checked_sub(size.max(1)).ok_or("is damaged: a header goes round in circles")?;
            let bytes = file.bytes(Address(at), size as usize)?;
            let mut bytes = Bytes(&bytes);
            while bytes.0.len() >= modern.unwrap_or(8) {
                let (kind, size, flags) = if let Some(length) = modern {
                    let (kind, size, flags) = (bytes.byte()?.into(), bytes.short()?, bytes.byte()?);
                    bytes.take(length - 4)?;
                    (kind, size, flags)
                } else {
                    let (kind, size, flags) = (bytes.short()?, bytes.short()?, bytes.byte()?);
                    bytes.take(3)?;
                    (kind, size, flags)
                };
                let content = bytes.take(size)?;
                if kind == kind::CONTINUATION {
                    let mut next = Bytes(content);
                    let (at, size) = (next.number(file.offsets)?, next.number(file.lengths)?);
                    // `OCHK` before, a check sum behind.
                    parts.push(match modern {
                        Some(_) => (at.saturating_add(4), size.saturating_sub(8)),
                        None => (at, size),
                    });
                } else if flags & 2 != 0
                    && [kind::SPACE, kind::TYPE, kind::LAYOUT, kind::FILTERS].contains(&kind)
                {
                    return Err(
                        "holds a data set with a shared description (a committed type), which is not read"
                            .into(),
                    );
                } else {
                    found.push((kind, content.to_vec()));
                }
            }
        }
        Ok(Self(found))
    }

    /// The first message of a kind.
    pub fn get(&self, kind: usize) -> Option<&[u8]> {
        self.all(kind).next()
    }

    /// All messages of a kind.
    pub fn all(&self, kind: usize) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |(of, _)| *of == kind).map(|(_, content)| content.as_slice())
    }
}
