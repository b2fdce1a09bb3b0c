//! The TOML blocks of a Markdown file.

use serde_json::{Map, Value};

/// Every block marked `toml`, with the number of the line that opens it.
pub fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if line.trim() == "```toml" {
            let block = lines.by_ref().map(|(line, _)| line.trim()).take_while(|line| *line != "```");
            found.push((number, block.collect::<Vec<_>>().join("\n")));
        }
    }
    found
}

/// A whole file with a fragment put over it: a table of another name takes the place of one.
pub fn over(whole: &mut Map<String, Value>, fragment: Map<String, Value>) {
    for (key, value) in fragment {
        match (whole.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(part))
                if part.get("name").is_none_or(|name| below.get("name") == Some(name)) =>
            {
                over(below, part);
            }
            (_, value) => drop(whole.insert(key, value)),
        }
    }
}
