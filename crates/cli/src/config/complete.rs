//! Every key of a configuration, also those that have no value.

use counterpoint::diagnose::DiagnosticsConfig;
use counterpoint::model::ModelConfig;
use counterpoint::strategy::StrategyConfig;
use counterpoint::train::{OptimizerConfig, ScheduleConfig};
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::Config;

impl Config {
    /// As [`Self::to_toml`], with the keys that have no value as comments.
    pub fn to_complete_toml(&self) -> String {
        let all = Table::try_from(self).unwrap_or_default();
        let part = |name: &str| all.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
        let data = part("data");
        let mut unset: Vec<String> = self
            .data
            .keys()
            .into_iter()
            .filter(|key| !data.contains_key(key.as_str()))
            .map(|key| format!("data.{key}"))
            .collect();
        let (mut model, mut strategy) = (part("model"), part("strategy"));
        for (section, table, key) in
            [("model", &mut model, "from"), ("strategy", &mut strategy, "incomplete")]
        {
            if table.remove(key).is_none() {
                unset.push(format!("{section}.{key}"));
            }
        }
        unset.extend(absent::<ModelConfig>("model", &model));
        unset.extend(absent::<StrategyConfig>("strategy", &strategy));
        unset.extend(absent::<OptimizerConfig>("optimizer", &part("optimizer")));
        unset.extend(absent::<ScheduleConfig>("schedule", &part("schedule")));
        unset.extend(absent::<DiagnosticsConfig>("diagnostics", &part("diagnostics")));
        if self.task.is_none() {
            unset.push("[task]: as the targets say".into());
        }
        let unset: String = unset.into_iter().map(|key| format!("# {key}\n")).collect();
        format!("{}\n# Not set:\n{unset}", self.to_toml())
    }
}

/// A key that no section has.
const FOREIGN: &str = "no such key";

/// The keys that a section and the tables in it could have and have not: its
/// reader names them when it meets one that it does not know.
fn absent<T: DeserializeOwned>(section: &str, table: &Table) -> Vec<String> {
    let mut keys = Vec::new();
    for path in tables(table) {
        let mut whole = table.clone();
        let place = path.iter().try_fold(&mut whole, |at, key| at.get_mut(key)?.as_table_mut());
        let Some(place) = place else { continue };
        let there = place.clone();
        place.insert(FOREIGN.into(), Value::Boolean(true));
        let Err(error) = whole.try_into::<T>() else { continue };
        let Some((_, expected)) =
            error.message().split_once(FOREIGN).and_then(|(_, rest)| rest.split_once("xpected one of "))
        else {
            continue;
        };
        // A list of keys, in backticks if it is serde's and without them if it is a catalogue's.
        let names = expected.lines().next().unwrap_or_default().split(", ");
        let names = names.map(|key| key.trim_matches('`')).filter(|key| !there.contains_key(*key));
        let prefix = [&[section.to_owned()], &path[..]].concat().join(".");
        keys.extend(names.map(|key| format!("{prefix}.{key}")));
    }
    keys
}

/// The way to a table and to every table in it.
fn tables(table: &Table) -> Vec<Vec<String>> {
    let mut paths = vec![Vec::new()];
    for (key, value) in table {
        let below = value.as_table().map(tables).unwrap_or_default();
        paths.extend(below.into_iter().map(|path| [vec![key.clone()], path].concat()));
    }
    paths
}
