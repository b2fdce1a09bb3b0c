//! Which file of a crate uses which, read from its imports.

use std::collections::{BTreeMap, BTreeSet};

/// A module by the names that lead to it from the crate's root.
pub type Module = Vec<String>;

/// The arrows between the files of one crate.
pub struct Imports {
    arrows: BTreeSet<(Module, Module)>,
}

impl Imports {
    /// Reads files, given by their path below `src` and their code without comments and tests.
    pub fn of(files: &[(String, String)]) -> Self {
        let files: BTreeMap<Module, &str> =
            files.iter().map(|(path, code)| (module(path), code.as_str())).collect();
        let mut exports = BTreeMap::new();
        for (at, code) in &files {
            for (leaf, public) in uses(code) {
                if public {
                    let target = from(at, &leaf).unwrap_or_else(|| below(at, &leaf));
                    exports.insert(below(at, target.last().map_or("", String::as_str)), target);
                }
            }
        }
        let mut arrows = BTreeSet::new();
        for (at, code) in files.iter().filter(|(at, _)| !at.is_empty()) {
            let named = uses(code).into_iter().map(|(leaf, _)| leaf).chain(paths(code));
            for target in named.filter_map(|leaf| from(at, &leaf)) {
                let found = file(&target, &files, &exports);
                if found != *at && !found.is_empty() {
                    arrows.insert((at.clone(), found));
                }
            }
        }
        Self { arrows }
    }

    /// Arrows between top-level folders (or files) that `floors`, from the bottom up, does not allow.
    pub fn upwards(&self, floors: &[&str]) -> Vec<String> {
        let height = |module: &Module| floors.iter().position(|floor| *floor == module[0]);
        let wrong = |(from, to): &&(Module, Module)| from[0] != to[0] && height(from) <= height(to);
        self.arrows.iter().filter(wrong).map(|(from, to)| arrow(from, to)).collect()
    }

    /// Top-level modules that `floors` does not name.
    pub fn unnamed(&self, floors: &[&str]) -> BTreeSet<String> {
        let all = self.arrows.iter().flat_map(|(from, to)| [&from[0], &to[0]]);
        all.filter(|name| !floors.contains(&name.as_str())).cloned().collect()
    }

    /// Arrows that are part of a circle of files; a folder and what lies in it may name each other.
    pub fn circles(&self) -> Vec<String> {
        let mut next: BTreeMap<&Module, Vec<&Module>> = BTreeMap::new();
        for (from, to) in &self.arrows {
            if !from.starts_with(to) && !to.starts_with(from) {
                next.entry(from).or_default().push(to);
            }
        }
        let reaches = |start: &Module, goal: &Module| {
            let (mut seen, mut left) = (BTreeSet::new(), vec![start]);
            while let Some(at) = left.pop() {
                if at == goal {
                    return true;
                }
                if seen.insert(at) {
                    left.extend(next.get(at).into_iter().flatten());
                }
            }
            false
        };
        let all = next.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to)));
        all.filter(|(from, to)| reaches(to, from)).map(|(from, to)| arrow(from, to)).collect()
    }

    /// Whether there is an arrow at all, so that a check that finds nothing can be told from a blind one.
    pub fn found_any(&self) -> bool {
        !self.arrows.is_empty()
    }
}

fn arrow(from: &Module, to: &Module) -> String {
    format!("{} -> {}", from.join("/"), to.join("/"))
}

/// `grad/cut.rs` is the module `grad::cut`, `grad/mod.rs` is `grad`, `lib.rs` the root.
fn module(path: &str) -> Module {
    let mut parts: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// What a path names, from the crate's root; `None` if it leads out of the crate.
fn from(at: &Module, path: &str) -> Option<Module> {
    let mut base: Module = match path.split("::").next()? {
        "crate" => Vec::new(),
        "super" | "self" => at.clone(),
        _ => return None,
    };
    for step in path.split("::") {
        match step {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            name => base.push(name.to_owned()),
        }
    }
    Some(base)
}

fn below(at: &Module, path: &str) -> Module {
    at.iter().cloned().chain(path.split("::").map(str::to_owned)).collect()
}

/// The file that defines what a path names, whoever passes it on.
fn file(target: &Module, files: &BTreeMap<Module, &str>, exports: &BTreeMap<Module, Module>) -> Module {
    for length in (0..=target.len()).rev() {
        let (head, rest) = target.split_at(length);
        // A module and what it passes on may have one name; the module is meant then.
        if files.contains_key(head) {
            return head.to_vec();
        }
        if let Some(passed_on) = exports.get(head).filter(|passed_on| passed_on.as_slice() != head) {
            return file(&[passed_on, rest].concat(), files, exports);
        }
    }
    Vec::new()
}

/// All that `use` statements name, and whether they pass it on.
fn uses(code: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for statement in code.split_inclusive(';') {
        let start = statement.lines().position(|line| {
            let line = line.trim_start();
            line.starts_with("use ") || (line.starts_with("pub") && line.contains("use "))
        });
        let Some(start) = start else { continue };
        let text = statement.lines().skip(start).collect::<Vec<_>>().join(" ");
        if let Some((before, tree)) = text.trim_end_matches(';').split_once("use ") {
            let public = before.trim_start().starts_with("pub");
            found.extend(leaves(tree).into_iter().map(|leaf| (leaf, public)));
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn leaves(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or(tree).trim().to_owned()];
    };
    let body = rest.rsplit_once('}').map_or(rest, |(body, _)| body);
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for c in body.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| leaves(part)).map(|leaf| format!("{head}{leaf}")).collect()
}

/// Paths that are written out where they are used.
fn paths(code: &str) -> Vec<String> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c| !is_path(c));
    words
        .filter(|word| word.starts_with("crate::") || word.starts_with("super::"))
        .map(|word| word.trim_end_matches(':').to_owned())
        .collect()
}

#[test]
fn an_arrow_upwards_and_a_circle_are_found() {
    let files = [
        ("lib.rs", "mod low; mod high;"),
        ("low/mod.rs", "mod first; mod second; pub use first::Thing;"),
        ("low/first.rs", "use super::second::Other;"),
        ("low/second.rs", "fn f() -> super::Thing { crate::high::made() }"),
        ("high.rs", "use crate::{low::{Thing, second::Other as Same}};"),
    ];
    let files: Vec<(String, String)> = files.map(|(path, code)| (path.into(), code.into())).into();
    let imports = Imports::of(&files);
    assert_eq!(imports.upwards(&["low", "high"]), ["low/second -> high"]);
    assert_eq!(imports.unnamed(&["high"]).into_iter().collect::<Vec<_>>(), ["low"]);
    let circles = imports.circles();
    assert!(circles.contains(&"low/first -> low/second".to_owned()), "{circles:?}");
    assert!(circles.contains(&"low/second -> low/first".to_owned()), "{circles:?}");
    assert!(
        circles.contains(&"high -> low/first".to_owned()),
        "through what the folder passes on: {circles:?}"
    );

    let sound: Vec<_> = files.into_iter().filter(|(path, _)| path != "low/second.rs").collect();
    assert_eq!(Imports::of(&sound).circles(), [""; 0]);
    assert_eq!(Imports::of(&sound).upwards(&["low", "high"]), [""; 0]);
}
