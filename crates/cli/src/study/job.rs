//! One run as a command: what a study starts itself, and what it hands to other machines.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::exit::Failure;
use crate::place;

/// One run to be made.
pub struct Job {
    /// Its folder, relative to the study's.
    pub place: String,
    /// Its configuration.
    pub config: Config,
    /// Runs of one kind need the same memory.
    pub kind: String,
    /// Name for people.
    pub title: String,
    /// Whether its test split is opened at the end.
    pub test: bool,
    /// Whether that includes linear probes.
    pub probe: bool,
}

impl Job {
    /// The file of its configuration, relative to the study's folder.
    fn file(&self) -> PathBuf {
        Path::new(&self.place.replacen("runs", "configs", 1)).with_added_extension("toml")
    }

    /// Writes the configuration into the study's folder; with it the run can be repeated by hand.
    pub fn write(&self, study: &Path) -> Result<(), Failure> {
        let path = study.join(self.file());
        std::fs::create_dir_all(path.parent().unwrap_or(study))
            .and_then(|()| std::fs::write(&path, self.config.to_toml()))
            .map_err(|e| Failure::io("write", &path, &e))
    }

    /// What the command that trains it is called with, the paths of the study under `study`.
    pub fn arguments(&self, study: &Path, base: &Path) -> Vec<OsString> {
        let mut all: Vec<OsString> = vec!["train".into(), study.join(self.file()).into()];
        all.extend(["--base".into(), base.into(), "--out".into(), study.join(&self.place).into()]);
        all.extend(["--resume", "--job", "--quiet"].map(Into::into));
        all.extend(self.test.then(|| "--test".into()));
        all.extend((self.test && self.probe).then(|| "--probe".into()));
        all
    }

    /// The run as one line of a shell, from any folder. Paths start from the study's folder, which
    /// `COUNTERPOINT_STUDY` moves, and `COUNTERPOINT` names another program: neither has to be where it is here.
    pub fn line(&self, study: &Path, base: &Path, program: &Path) -> String {
        let base = place::relative(study, base).unwrap_or_else(|| base.to_owned());
        let arguments = self.arguments(Path::new(""), &base);
        let arguments: Vec<String> = arguments.iter().map(|argument| quoted(argument)).collect();
        format!(
            "study={} program={}; cd \"${{COUNTERPOINT_STUDY:-$study}}\" && \"${{COUNTERPOINT:-$program}}\" {}",
            quoted(study.as_os_str()),
            quoted(program.as_os_str()),
            arguments.join(" ")
        )
    }
}

/// A word as a shell reads it.
pub fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+:,@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_through_a_shell_as_they_are() {
        for word in ["a/b-c_1.toml", "", "my study", "it's", "$HOME `x` \"y\" \\ é * ; &"] {
            let said = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(OsStr::new(word)))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
        assert_eq!(quoted(OsStr::new("a/b-c_1.toml")), "a/b-c_1.toml");
    }
}
