//! Which settings a divergence may come from.

use toml::{Table, Value};

use crate::config::Config;

/// Settings that are far from what trains, by name and value; otherwise the
/// learning rate, which is the first to try.
pub fn suspects(config: &Config) -> String {
    let optimizer = Table::try_from(&config.optimizer).unwrap_or_default();
    let adam = optimizer.get("name").and_then(Value::as_str).is_some_and(|name| name.starts_with("adam"));
    let of_optimizer = |key: &str| Some((format!("optimizer.{key}"), optimizer.get(key)?.as_float()?));
    let strategy = Table::try_from(&config.strategy).unwrap_or_default();
    let alpha = strategy.get("alpha").and_then(Value::as_float);
    // Ten times what papers use at most.
    let limits = [
        (of_optimizer("lr"), if adam { 0.1 } else { 10.0 }),
        (of_optimizer("weight_decay"), 1.0),
        (of_optimizer("encoder_factor"), 100.0),
        (alpha.map(|alpha| ("strategy.alpha".to_owned(), alpha)), 100.0),
    ];
    let absurd = limits.into_iter().filter_map(|(setting, most)| setting.filter(|(_, value)| *value > most));
    let named: Vec<String> = absurd.map(|(key, value)| format!("{key} = {value:?}")).collect();
    match named.is_empty() {
        true => format!("optimizer.lr is {:?}", config.optimizer.lr()),
        false => format!("far above usual values: {}", named.join(", ")),
    }
}
