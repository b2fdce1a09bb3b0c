//! Names of clips as names of files that every system takes.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest, Sha256};

/// Where the files of each clip go: a relative path without ending. Characters that some system
/// refuses become `_`; a name that was changed, or that differs from another only in upper and lower
/// case, gets the start of its hash.
pub fn of<'a>(ids: impl Iterator<Item = &'a str> + Clone) -> BTreeMap<&'a str, String> {
    let mut folded: HashMap<String, usize> = HashMap::new();
    for id in ids.clone() {
        *folded.entry(id.to_lowercase()).or_default() += 1;
    }
    ids.map(|id| {
        let plain = plain(id);
        let alone = folded.get(&id.to_lowercase()) == Some(&1);
        let name = if plain == id && alone { plain } else { format!("{plain}~{}", short(id)) };
        (id, name)
    })
    .collect()
}

fn plain(id: &str) -> String {
    let part = |part: &str| {
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.+=@".contains(c) { c } else { '_' };
        let name: String = part.chars().map(safe).take(150).collect();
        // Hidden names, `.` and `..`, and what Windows cuts off at the end.
        match name.trim_end_matches('.').strip_prefix('.') {
            Some(rest) => format!("_{rest}"),
            None if name.trim_end_matches('.').is_empty() => "_".into(),
            None => name.trim_end_matches('.').into(),
        }
    };
    id.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn short(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_where_they_can_and_never_leave_the_folder() {
        let ids = ["1001_DFA_ANG_XX", "happy/a-1", "-x:y", "../up", "aB", "Ab", "é", "/root", "a..", ""];
        let names = of(ids.into_iter());
        assert_eq!(names["1001_DFA_ANG_XX"], "1001_DFA_ANG_XX");
        assert_eq!(names["happy/a-1"], "happy/a-1");
        assert!(names["-x:y"].starts_with("-x_y~"));
        assert!(names["../up"].starts_with("_/up~") || names["../up"].starts_with("_./up~"), "{names:?}");
        assert!(names["/root"].starts_with("_/root~"), "{names:?}");
        let all: std::collections::BTreeSet<String> = names.values().map(|n| n.to_lowercase()).collect();
        assert_eq!(all.len(), ids.len(), "whatever the case: {names:?}");
    }
}
