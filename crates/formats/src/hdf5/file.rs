//! The file as a whole: its superblock, and bytes at addresses.

use std::io::{Read, Seek, SeekFrom};

use super::Address;
use crate::bytes::Bytes;
use crate::error::FormatError;

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Places of the signature: behind a user block of as many bytes. MATLAB has one of 512.
const STARTS: [u64; 6] = [0, 512, 1024, 2048, 4096, 8192];

/// An opened file.
#[derive(Debug)]
pub struct File<R> {
    file: R,
    /// What addresses are relative to.
    base: u64,
    end: u64,
    /// Bytes of an address.
    pub offsets: usize,
    /// Bytes of a length.
    pub lengths: usize,
}

impl<R: Read + Seek> File<R> {
    /// Reads the superblock; the address is that of the root group.
    pub fn open(mut file: R) -> Result<(Self, Address), FormatError> {
        let end = file.seek(SeekFrom::End(0))?;
        let mut start = None;
        for at in STARTS {
            let mut signature = Vec::new();
            file.seek(SeekFrom::Start(at))?;
            (&mut file).take(8).read_to_end(&mut signature)?;
            if signature == SIGNATURE {
                start = Some(at);
                break;
            }
        }
        let start = start.ok_or("is not an HDF5 file, or its start is missing")?;
        let mut this = Self { file, base: start, end, offsets: 8, lengths: 8 };
        let head = this.bytes(Address(8), 88.min(end.saturating_sub(start + 8)) as usize)?;
        let mut head = Bytes(&head);
        let version = head.byte()?;
        if version < 2 {
            head.take(4)?; // versions of other parts
            this.offsets = head.byte()?.into();
            this.lengths = head.byte()?.into();
            head.take(if version == 0 { 9 } else { 13 })?; // sizes of nodes
        } else {
            this.offsets = head.byte()?.into();
            this.lengths = head.byte()?.into();
            head.byte()?; // flags
        }
        if version > 3 || ![4, 8].contains(&this.offsets) || ![4, 8].contains(&this.lengths) {
            return Err(format!(
                "is an HDF5 file of version {version} with addresses of {} bytes, expected version 0 to 3 with 4 or 8",
                this.offsets
            )
            .into());
        }
        let base = head.number(this.offsets)?;
        head.number(this.offsets)?; // free space, or extension
        let claimed = head.number(this.offsets)?;
        if version < 2 {
            head.number(this.offsets)?; // driver
            head.number(this.offsets)?; // name of the root group
        }
        let root = Address(head.number(this.offsets)?);
        this.base = base;
        if base > end {
            return Err("is damaged: its base lies behind its end".into());
        }
        if claimed > end - base && claimed > end {
            return Err(format!(
                "is truncated: its header says {claimed} bytes, {end} are there; copy it again"
            )
            .into());
        }
        Ok((this, root))
    }

    /// Bytes of the file from its base on.
    pub fn size(&self) -> u64 {
        self.end - self.base
    }

    /// Bytes at an address, which must be there.
    pub fn bytes(&mut self, at: Address, count: usize) -> Result<Vec<u8>, FormatError> {
        let from =
            at.0.checked_add(self.base)
                .filter(|from| from.checked_add(count as u64).is_some_and(|end| end <= self.end));
        let from = from.ok_or_else(|| {
            format!(
                "is truncated or damaged: it refers to {count} bytes at {}, of {}",
                at.0,
                self.end - self.base
            )
        })?;
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = vec![0; count];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Bytes at an address that begin with a mark, which is cut off.
    pub fn marked(&mut self, at: Address, mark: &[u8], count: usize) -> Result<Vec<u8>, FormatError> {
        let mut bytes = self.bytes(at, mark.len() + count)?;
        if !bytes.starts_with(mark) {
            let mark = String::from_utf8_lossy(mark);
            return Err(format!("is damaged: there is no {mark} at {}", at.0).into());
        }
        bytes.drain(..mark.len());
        Ok(bytes)
    }

    /// The address that means nothing.
    pub fn nowhere(&self) -> u64 {
        if self.offsets == 4 { u32::MAX.into() } else { u64::MAX }
    }
}
