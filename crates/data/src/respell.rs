//! Files whose names are written in another way than their list has them.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

/// An existing file or folder that a path means where it does not exist itself.
///
/// An accented letter is one character or a letter and an accent; both look
/// alike, macOS and Linux differ in which they write, and a list made on one
/// does not fit files copied from the other. Lists of Windows have backslashes.
pub fn respell(path: &Path) -> Option<PathBuf> {
    let text = path.to_str()?;
    let slashes = text.contains('\\').then(|| PathBuf::from(text.replace('\\', "/")));
    if let Some(found) = slashes.as_ref().filter(|path| path.exists()) {
        return Some(found.clone());
    }
    let path = slashes.as_deref().unwrap_or(path);
    if path.to_str()?.is_ascii() {
        return None;
    }
    let parts: Vec<Component<'_>> = path.components().collect();
    // The folders above may be right as they are.
    let mut spellings = (0..parts.len()).rev().flat_map(|from| {
        [composed, decomposed].map(|form| -> PathBuf {
            let part = |(at, part): (usize, &Component<'_>)| match part {
                Component::Normal(name) if at >= from => form(&name.to_string_lossy()),
                other => other.as_os_str().to_owned(),
            };
            parts.iter().enumerate().map(part).collect()
        })
    });
    spellings.find(|path| path.exists())
}

fn composed(name: &str) -> OsString {
    name.nfc().collect::<String>().into()
}

fn decomposed(name: &str) -> OsString {
    name.nfd().collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn accents_and_slashes_of_other_systems_are_found() {
        let base = std::env::temp_dir().join(format!("counterpoint-respell-{}", std::process::id()));
        let (one, two) = ("Zo\u{e9}", "Zoe\u{301}");
        for there in [one, two] {
            let file = base.join(there).join("caf\u{e9}.wav");
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            assert_eq!(respell(&base.join(there).join("cafe\u{301}.wav")), Some(file.clone()));
            assert_eq!(respell(&base.join(format!("{there}\\caf\u{e9}.wav"))), Some(file));
            assert_eq!(respell(&base.join("no\u{e9}")), None);
            fs::remove_dir_all(base.join(there)).unwrap();
        }
        fs::create_dir_all(base.join(two)).unwrap();
        assert_eq!(respell(&base.join(one)), Some(base.join(two)));
        fs::remove_dir_all(base).unwrap();
    }
}
