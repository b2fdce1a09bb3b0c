//! Tar archives of samples (WebDataset): what lies in them and where, read in place.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};
use std::sync::Arc;

use crate::error::{DataError, head, regular};
use crate::room;

/// Headers and contents begin at multiples of so many bytes.
const BLOCK: u64 = 512;

/// A file inside a tar archive.
#[derive(Clone, Debug)]
pub struct Member {
    /// The archive.
    pub shard: Arc<Path>,
    /// Its name in it.
    pub name: String,
    /// Its first byte.
    pub begin: u64,
    /// Number of bytes.
    pub length: u64,
}

impl Member {
    /// Its content.
    pub fn read(&self) -> Result<Vec<u8>, DataError> {
        let place = |e: DataError| e.at(self.place());
        room::require(self.length).map_err(|why| place(DataError::format(why)))?;
        let io = |cause| DataError::io(&self.shard, cause);
        let mut file = File::open(&self.shard).map_err(io)?;
        file.seek(SeekFrom::Start(self.begin)).map_err(io)?;
        let mut bytes = Vec::new();
        file.take(self.length).read_to_end(&mut bytes).map_err(io)?;
        match bytes.len() as u64 == self.length {
            true => Ok(bytes),
            false => Err(place(DataError::format(format!(
                "has {} bytes, {} were there when the archive was opened; it has changed since",
                bytes.len(),
                self.length
            )))),
        }
    }

    /// Archive and name, for messages.
    pub fn place(&self) -> String {
        format!("`{}` in `{}`", self.name, self.shard.display())
    }
}

/// The files of a tar archive in their order.
///
/// # Errors
/// If it is no tar archive, is cut off, or holds a link, a sparse file, a name that leads out of a
/// folder, or a name twice.
pub fn members(path: &Path) -> Result<Vec<Member>, DataError> {
    index(path).map_err(|e| e.at(format_args!("`{}`", path.display())))
}

fn index(path: &Path) -> Result<Vec<Member>, DataError> {
    regular(path)?;
    if head(path)?.starts_with(&[0x1F, 0x8B]) {
        return Err(DataError::format(
            "is compressed, so its files cannot be read one by one; unpack it with gunzip: pictures and sound in it \
             are compressed already",
        ));
    }
    let io = |cause| DataError::io(path, cause);
    let damaged = |cause: std::io::Error| {
        DataError::format("is no tar archive, or is truncated or damaged; copy it again").because(cause)
    };
    let file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let mut archive = tar::Archive::new(file);
    let (mut members, mut seen) = (Vec::new(), HashSet::new());
    let mut behind = 0;
    let shard: Arc<Path> = path.into();
    for entry in archive.entries_with_seek().map_err(damaged)? {
        let entry = entry.map_err(damaged)?;
        let bytes = entry.path_bytes();
        let name = std::str::from_utf8(&bytes).map_err(|_| {
            DataError::format(format!("holds the name {}, expected UTF-8", String::from_utf8_lossy(&bytes)))
        })?;
        let kind = entry.header().entry_type();
        let what = match kind {
            tar::EntryType::Directory => continue,
            tar::EntryType::Regular | tar::EntryType::Continuous => None,
            tar::EntryType::Link | tar::EntryType::Symlink => Some("a link"),
            tar::EntryType::GNUSparse => Some("a file with holes"),
            _ => Some("a device or something else that is no file"),
        };
        if let Some(what) = what {
            return Err(DataError::format(format!("`{name}` is {what}, expected files only; pack it again")));
        }
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return Err(DataError::format(format!(
                "the name `{name}` leads out of the archive, expected a relative one without `..`; pack it again"
            )));
        }
        behind = entry.raw_file_position().saturating_add(entry.size()).next_multiple_of(BLOCK);
        let name = name.strip_prefix("./").unwrap_or(name).to_owned();
        let (begin, length) = (entry.raw_file_position(), entry.size());
        if begin.checked_add(length).is_none_or(|end| end > size) {
            return Err(DataError::format(format!(
                "`{name}` reaches beyond the end of the archive, which is truncated; copy it again"
            )));
        }
        if !seen.insert(name.clone()) {
            return Err(DataError::format(format!("`{name}` occurs twice; pack it again")));
        }
        members.push(Member { shard: Arc::clone(&shard), name, begin, length });
    }
    // Two empty blocks end an archive; one is enough to know that nothing follows.
    match members.is_empty() {
        true => Err(DataError::format("holds no file")),
        false if behind + BLOCK > size => Err(DataError::format(
            "ends without the end mark of a tar archive, so it is truncated; copy it again",
        )),
        false => Ok(members),
    }
}

/// The paths of a pattern: `{000..123}` counts with the digits of the first number, `{a,b}` lists.
///
/// # Errors
/// If a brace is not closed, or a count runs backwards or beyond a million.
pub fn expand(pattern: &str) -> Result<Vec<String>, DataError> {
    let Some((before, rest)) = pattern.split_once('{') else { return Ok(vec![pattern.to_owned()]) };
    let wrong = |what: &str| DataError::config(format!("the pattern `{pattern}` {what}"));
    let (inside, after) = rest.split_once('}').ok_or_else(|| wrong("has a `{` without `}`"))?;
    let middles: Vec<String> = match inside.split_once("..") {
        None => inside.split(',').map(str::to_owned).collect(),
        Some((first, last)) => {
            let number =
                |text: &str| text.parse::<usize>().map_err(|_| wrong("counts from or to what is no number"));
            let (from, to) = (number(first)?, number(last)?);
            if from > to || to - from >= 1_000_000 {
                return Err(wrong("counts backwards or beyond a million"));
            }
            (from..=to).map(|n| format!("{n:0width$}", width = first.len())).collect()
        }
    };
    let ends = expand(after)?;
    let all = middles.iter().flat_map(|middle| ends.iter().map(move |end| format!("{before}{middle}{end}")));
    Ok(all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_count_and_list() {
        assert_eq!(expand("a.tar").unwrap(), ["a.tar"]);
        assert_eq!(expand("x-{08..10}.tar").unwrap(), ["x-08.tar", "x-09.tar", "x-10.tar"]);
        assert_eq!(expand("{a,b}{1..2}").unwrap(), ["a1", "a2", "b1", "b2"]);
        for wrong in ["{1..", "{2..1}", "{a..b}", "{0..9999999}"] {
            assert!(expand(wrong).is_err(), "{wrong}");
        }
    }
}
