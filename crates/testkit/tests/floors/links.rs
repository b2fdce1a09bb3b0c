//! Links of the documents to files and headings of the project.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::root;

/// Every Markdown file of the project, by its path below the root.
fn documents() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir()
                && !name.starts_with('.')
                && !["target", "data", "runs", "shared"].contains(&&*name)
            {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for top in ["docs", "crates", "examples"] {
        walk(&root().join(top), &mut found);
    }
    // The root itself without its folders, which hold data and what was built.
    let top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    found.extend(top.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    found.into_iter().map(|path| path.strip_prefix(root()).unwrap().to_owned()).collect()
}

/// The lines that are not code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// A line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// Where the links of a document lead: `[text](target)` and `[name]: target`.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text).map(without_code) {
        let named = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        found.extend(named.map(|(_, target)| target.trim().to_owned()));
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.extend(inline.map(|(target, _)| target.to_owned()));
    }
    found
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings =
        prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let anchor = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let plain: String = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let before = seen.entry(plain.clone()).or_default();
        *before += 1;
        if *before == 1 { plain } else { format!("{plain}-{}", *before - 1) }
    };
    headings.map(anchor).collect()
}

/// The links of a document that lead to no file or no heading.
fn dead(document: &Path, text: &str) -> Vec<String> {
    let leads = |target: &str| {
        let (file, anchor) =
            target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
        let path = root().join(document.parent().unwrap()).join(file);
        match anchor {
            None => path.exists(),
            Some(anchor) if file.is_empty() => anchors(text).iter().any(|known| known == anchor),
            Some(anchor) => {
                fs::read_to_string(path).is_ok_and(|text| anchors(&text).iter().any(|known| known == anchor))
            }
        }
    };
    let own =
        targets(text).into_iter().filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    let gone = own.filter(|target| !leads(target));
    gone.map(|target| format!("{}: {target}", document.display())).collect()
}

#[test]
fn links_lead_somewhere() {
    let (mut found, mut links) = (Vec::new(), 0);
    for document in documents() {
        let text = fs::read_to_string(root().join(&document)).unwrap();
        links += targets(&text).len();
        found.extend(dead(&document, &text));
    }
    assert_eq!(found, [""; 0], "dead links");
    assert!(links >= 30, "only {links} links were found");
}

#[test]
fn a_dead_link_is_found() {
    let text = "# Two words\n[file](docs/studies.md) [here](#two-words) [there](docs/studies.md#the-file)\n\
                [gone](docs/nowhere.md), [lost](docs/studies.md#nowhere) `[code](is/none)` [away](#three-words)\n\
                ```\n[code](is/none)\n```\n[named]: docs/gone.md\n[web]: https://example.org/gone\n";
    let dead: Vec<String> = dead(Path::new("README.md"), text);
    let gone = ["docs/nowhere.md", "docs/studies.md#nowhere", "#three-words", "docs/gone.md"];
    assert_eq!(dead, gone.map(|target| format!("README.md: {target}")));
}
