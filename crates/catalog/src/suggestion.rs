//! What somebody may have meant.

/// `, did you mean ..?` if something known is close, else nothing.
///
/// ```
/// use counterpoint_catalog::suggestion;
/// assert_eq!(suggestion("alhpa", ["alpha", "until"]), ", did you mean `alpha`?");
/// assert_eq!(suggestion("x", ["alpha", "until"]), "");
/// ```
pub fn suggestion<T: AsRef<str>>(wrong: &str, known: impl IntoIterator<Item = T>) -> String {
    let close = known
        .into_iter()
        .map(|k| (strsim::normalized_damerau_levenshtein(wrong, k.as_ref()), k))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((score, best)) if score > 0.5 => format!(", did you mean `{}`?", best.as_ref()),
        _ => String::new(),
    }
}

/// The suggestion for a message of serde that a field or variant is unknown; nothing for others.
///
/// ```
/// use counterpoint_catalog::hint;
/// assert_eq!(hint("unknown field `alhpa`, expected `alpha` or `until`"), ", did you mean `alpha`?");
/// ```
pub fn hint(message: &str) -> String {
    let ticked: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let known = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match ticked.split_first() {
        Some((wrong, expected)) if known => suggestion(wrong, expected),
        _ => String::new(),
    }
}
