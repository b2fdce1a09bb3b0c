//! Every key of a configuration, also those that have no value.

use counterpoint::catalog::unset;
use toml::Table;

use super::Config;

impl Config {
    /// As [`Self::to_toml`], with the keys that have no value as comments.
    pub fn to_complete_toml(&self) -> String {
        let table = Table::try_from(self).unwrap_or_default();
        let comment = |key: String| match key.as_str() {
            "task" => "# [task]: as the targets say\n".into(),
            "readout" => "# [readout]: the fused scores as they are\n".into(),
            _ => format!("# {key}\n"),
        };
        let unset: String = unset(&Self::schema(), &table).into_iter().map(comment).collect();
        format!("{}\n# Not set:\n{unset}", self.to_toml())
    }
}
