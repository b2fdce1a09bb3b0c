//! Names that stand beside our own in files, tables and parameters.

/// Names that mean all modalities together.
const TAKEN: [&str; 2] = ["full", "fused"];

/// Signs that join names: `audio+video`, `aux:audio`, `encoder.audio.weight`, `val/accuracy`.
const JOINING: [char; 4] = ['/', '+', '.', ':'];

/// Says why a name of a modality would be taken for something else.
///
/// # Errors
/// If it is blank, `full` or `fused`, or holds a sign that joins names or steers a terminal.
///
/// ```
/// use counterpoint_batch::check_name;
/// assert!(check_name("left ear").is_ok());
/// assert!(check_name("full").unwrap_err().contains("all modalities together"));
/// assert!(check_name("a+b").unwrap_err().contains("`+`"));
/// ```
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("it is blank; give it a name".into());
    }
    if TAKEN.contains(&name.trim().to_lowercase().as_str()) {
        return Err("this name is reserved: in records it means all modalities together; rename it".into());
    }
    match name.chars().find(|c| JOINING.contains(c) || c.is_control()) {
        Some(sign) => {
            let shown = if sign.is_control() { sign.escape_default().to_string() } else { sign.to_string() };
            Err(format!(
                "a name may not contain `{shown}`, which has a meaning in records and files; rename it"
            ))
        }
        None => Ok(()),
    }
}

/// Says why a name of a class cannot be shown. Classes have records of their
/// own, so `1.0`, `N/A` and `full` are names like others.
///
/// # Errors
/// If it is blank or holds a sign that steers a terminal.
///
/// ```
/// use counterpoint_batch::check_class;
/// assert!(check_class("N/A").is_ok());
/// assert!(check_class("a\tb").unwrap_err().contains(r"`\t`"));
/// ```
pub fn check_class(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("it is blank; give it a name".into());
    }
    match name.chars().find(|c| c.is_control()) {
        Some(sign) => Err(format!(
            "a name may not contain the control character `{}`; rename it",
            sign.escape_default()
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_may_have_any_name_that_can_be_shown() {
        for good in ["1.0", "N/A", "a/b", "C++", "full", "2:1", "眼"] {
            assert_eq!(check_class(good), Ok(()), "{good}");
        }
        for bad in ["", " ", "a\nb", "\u{1b}[2J", "a\u{7f}"] {
            assert!(check_class(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_that_collide_are_refused() {
        for good in ["audio", "video 2", "fullness", "Ton", "眼", "a-b_c", "x@y"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "  ",
            "full",
            "Full",
            "FUSED",
            "a/b",
            "a+b",
            "a.b",
            "native:a",
            "a\nb",
            "\u{1b}[2J",
            "a\u{7f}",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        assert!(check_name("\u{1b}[2J").unwrap_err().contains(r"\u{1b}"));
    }
}
