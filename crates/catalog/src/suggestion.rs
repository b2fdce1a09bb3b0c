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

/// What is wrong with a name, and what there is instead.
///
/// ```
/// use counterpoint_catalog::unknown;
/// assert_eq!(
///     unknown("unknown key `alhpa`", "alhpa", &["alpha", "until"]),
///     "unknown key `alhpa`, did you mean `alpha`? Expected one of alpha, until"
/// );
/// assert_eq!(unknown("unknown key `x`", "x", &["alpha"]), "unknown key `x`: expected one of alpha");
/// ```
pub fn unknown<T: AsRef<str>>(what: &str, wrong: &str, known: &[T]) -> String {
    let hint = suggestion(wrong, known);
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    match (known.is_empty(), hint.is_empty()) {
        (true, _) => format!("{what}: it has none"),
        (_, true) => format!("{what}: expected one of {}", known.join(", ")),
        (_, false) => format!("{what}{hint} Expected one of {}", known.join(", ")),
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
