//! Which arrays of an archive are meant, and those that name things.

use crate::decode::archive::Archive;
use crate::error::DataError;

/// An array of one name per sample.
pub(super) fn names(
    archive: &mut Archive,
    array: &str,
    count: Option<usize>,
) -> Result<Vec<String>, DataError> {
    let found = archive.get(array)?;
    let place = |e: DataError| e.at(format_args!("array `{array}`"));
    let [length] = found.shape[..] else {
        return Err(place(DataError::shape(format!("has shape {:?}, expected one axis", found.shape))));
    };
    if count.is_some_and(|count| count != length) {
        let count = count.unwrap_or_default();
        return Err(place(DataError::shape(format!("has {length} entries, but there are {count} labels"))));
    }
    found.names().ok_or_else(|| place(DataError::format("holds fractions, expected whole numbers or texts")))
}

/// The arrays that the patterns name, in the order of the patterns.
pub(super) fn chosen(patterns: Option<&[String]>, available: &[String]) -> Result<Vec<String>, DataError> {
    let Some(patterns) = patterns else {
        return Err(DataError::config(format!(
            "`modalities` is missing: name the arrays of features, with * for any letters; there are: {}",
            available.join(", ")
        )));
    };
    let mut chosen: Vec<String> = Vec::new();
    for pattern in patterns {
        let before = chosen.len();
        for name in available.iter().filter(|name| matches(pattern, name)) {
            let flag = name.ends_with("_present") && name != pattern;
            if !flag && !chosen.contains(name) {
                chosen.push(name.clone());
            }
        }
        if chosen.len() == before {
            return Err(DataError::config(format!(
                "`modalities` names `{pattern}`, which adds no array; there are: {}",
                available.join(", ")
            )));
        }
    }
    Ok(chosen)
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| matches(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        assert!(matches("text*", "text") && matches("text*", "text_lsa") && matches("*", ""));
        assert!(
            matches("*_l*a", "text_lsa") && !matches("*_l*b", "text_lsa") && !matches("text", "text_lsa")
        );
    }
}
