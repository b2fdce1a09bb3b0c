//! What documents say to type or to write into files.

use std::fs;
use std::path::Path;

/// A file of the documentation, or commands.
pub struct Block {
    /// The title above it.
    pub section: String,
    /// What it is written in.
    pub language: String,
    /// The name of the file, if it is one.
    pub file: Option<String>,
    /// Its lines.
    pub text: String,
}

/// All of a document, by its path below the root.
pub fn blocks(path: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = fs::read_to_string(path).unwrap();
    let (mut section, mut blocks) = (String::new(), Vec::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#'))
        {
            section = title.to_owned();
        } else if let Some(info) = line.strip_prefix("```") {
            let (language, file) =
                info.split_once(' ').map_or((info, None), |(l, f)| (l, Some(f.to_owned())));
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (section, language) = (section.clone(), language.to_owned());
            blocks.push(Block { section, language, file, text: text.join("\n") + "\n" });
        }
    }
    blocks
}
