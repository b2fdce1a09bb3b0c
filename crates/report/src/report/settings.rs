//! A configuration as flat values.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// Values by key, as `optimizer.lr`: texts as they are, all others as TOML writes them.
pub(super) type Settings = BTreeMap<String, String>;

/// The values of a configuration; none of a text that is not TOML.
pub(super) fn settings(text: &str) -> Settings {
    fn flatten(path: &str, table: &Table, settings: &mut Settings) {
        for (key, value) in table {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Table(inner) => flatten(&path, inner, settings),
                Value::String(text) => drop(settings.insert(path, text.clone())),
                other => drop(settings.insert(path, other.to_string())),
            }
        }
    }
    let mut settings = Settings::new();
    if let Ok(table) = text.parse() {
        flatten("", &table, &mut settings);
    }
    // Runs from before there was a choice computed there, too.
    if settings.get("train.device").is_some_and(|device| device == "cpu") {
        settings.remove("train.device");
    }
    settings
}

/// Why a text is not TOML, if it is not.
pub(super) fn fault(text: &str) -> Option<String> {
    text.parse::<Table>().err().map(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_flat() {
        let flat = settings(
            "a = \"1 # no\"\n[train]\nseed = 3\nlist = [\n  1,\n  2 ]\n[strategy]\nalpha = { \"my.x\" = 0.5 }",
        );
        let expected =
            [("a", "1 # no"), ("train.seed", "3"), ("train.list", "[1, 2]"), ("strategy.alpha.my.x", "0.5")];
        assert_eq!(flat, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let device = |device: &str| settings(&format!("[train]\ndevice = \"{device}\"")).len();
        assert_eq!((device("cpu"), device("vulkan")), (0, 1));
        assert!(
            settings("lost\nopen = [1").is_empty() && fault("open = [1").is_some() && fault("").is_none()
        );
    }
}
