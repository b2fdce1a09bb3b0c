//! The settings that configurations can have, in words.

use counterpoint::catalog::{Page, Setting, pages};
use counterpoint::diagnose::DiagnosticsConfig;
use counterpoint::model::encoder::EncoderConfig;
use counterpoint::model::fusion::FusionConfig;
use counterpoint::model::head::HeadConfig;
use counterpoint::model::sequence::SequenceConfig;
use counterpoint::model::{ExchangeConfig, ModelConfig};
use counterpoint::readout::ReadoutConfig;
use counterpoint::strategy::StrategyConfig;
use counterpoint::task::TaskConfig;
use counterpoint::train::{OptimizerConfig, ScheduleConfig};
use counterpoint_data::{SetConfig, SharedConfig};
use schemars::JsonSchema;

use crate::config::{Model, StrategySection, Training};

/// A kind of part, or a section of the configuration.
pub struct Kind {
    /// Its name, as `strategy`.
    pub noun: &'static str,
    /// Its name where all of its parts are listed.
    pub plural: &'static str,
    /// Where a configuration has it.
    pub place: &'static str,
    /// What it says of itself.
    pub pages: fn() -> Vec<Page>,
    /// Keys that all of its parts have besides their own.
    pub common: fn() -> Vec<Page>,
}

/// All of them, in the order of a configuration.
pub const KINDS: &[Kind] = &[
    Kind { common: pages::<SharedConfig>, ..kind::<SetConfig>("data", "data", "[data]") },
    kind::<TaskConfig>("task", "tasks", "[task]"),
    Kind { common: pages::<Model>, ..kind::<ModelConfig>("model", "models", "[model]") },
    kind::<EncoderConfig>("encoder", "encoders", "[model.encoder], [model.encoders.MODALITY]"),
    kind::<FusionConfig>("fusion", "fusions", "[model.fusion] of late-fusion"),
    kind::<HeadConfig>("head", "heads", "[model.head]"),
    kind::<ExchangeConfig>("exchange", "exchanges", "[model.exchange] of staged"),
    kind::<SequenceConfig>(
        "sequence-encoder",
        "sequence encoders",
        "`steps` of encoder sequence, [model.encoder] of cube-mlp",
    ),
    Kind {
        common: pages::<StrategySection>,
        ..kind::<StrategyConfig>("strategy", "strategies", "[strategy]")
    },
    kind::<ReadoutConfig>("readout", "readouts", "[readout]"),
    kind::<OptimizerConfig>("optimizer", "optimizers", "[optimizer]"),
    kind::<ScheduleConfig>("schedule", "schedules", "[schedule]"),
    kind::<Training>("train", "train", "[train]"),
    kind::<DiagnosticsConfig>("diagnostics", "diagnostics", "[diagnostics]"),
];

const fn kind<T: JsonSchema>(noun: &'static str, plural: &'static str, place: &'static str) -> Kind {
    Kind { noun, plural, place, pages: pages::<T>, common: Vec::new }
}

impl Kind {
    /// The settings that all parts have besides their own.
    pub fn shared(&self) -> Vec<Setting> {
        (self.common)().into_iter().flat_map(|page| page.settings).collect()
    }
}

/// The settings of all parts as a page of documentation.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Settings\n\nEvery section of a configuration and every part that it can name, made of the doc comments \
         of the source.\n`counterpoint list KIND NAME` prints the same for one part, and `counterpoint schema` the \
         JSON schema for editors.\n",
    );
    for kind in KINDS {
        text += &format!("\n## {}\n", kind.place);
        for page in (kind.pages)() {
            if page.name.is_empty() {
                text += &format!("\n{}\n", page.summary);
            } else {
                text += &format!("\n### `name = \"{}\"`\n\n{}\n", page.name, page.summary);
            }
            text += &table(&page.settings);
        }
        let shared = kind.shared();
        if !shared.is_empty() {
            text += &format!("\n### In every {}\n{}", kind.place, table(&shared));
        }
    }
    text
}

fn table(settings: &[Setting]) -> String {
    if settings.is_empty() {
        return "\nIt has no settings.\n".into();
    }
    let mut text = String::from("\n| key | values | default | meaning |\n|---|---|---|---|\n");
    for setting in settings {
        let Setting { key, values, default, range, meaning } = setting;
        let values = if range.is_empty() { values.clone() } else { format!("{values}, {range}") };
        let default = if ["required", "not set"].contains(&default.as_str()) {
            default.clone()
        } else {
            format!("`{default}`")
        };
        let cells = [format!("`{key}`"), values, default, meaning.replace('\n', "<br>")];
        text += &format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    text
}

/// The settings of a part as lines for a terminal.
pub fn lines(settings: &[Setting]) -> Vec<String> {
    let key = settings.iter().map(|s| s.key.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Setting { key: name, values, default, range, meaning } in settings {
        let default = if ["required", "not set"].contains(&default.as_str()) {
            default.clone()
        } else {
            format!("default {default}")
        };
        let facts = [values, range, &default].into_iter().filter(|fact| !fact.is_empty());
        lines.push(format!("  {name:<key$}  {}", facts.cloned().collect::<Vec<_>>().join("; ")));
        lines.extend(meaning.lines().map(|line| format!("  {:<key$}    {line}", "")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;
    use std::path::{Path, PathBuf};

    fn docs(page: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page)
    }

    #[test]
    fn every_strategy_has_its_mathematics_in_the_docs() {
        let methods = read_to_string(docs("methods.md")).unwrap();
        for page in super::pages::<super::StrategyConfig>() {
            let source = format!("crates/core/src/strategy/{}.rs", page.name);
            assert!(methods.contains(&source), "docs/methods.md does not say what {source} computes");
        }
    }

    #[test]
    fn the_page_of_all_settings_is_up_to_date() {
        let kept = read_to_string(docs("settings.md")).unwrap_or_default();
        assert!(
            kept == super::markdown(),
            "docs/settings.md is out of date; renew it:\n\
             cargo run --bin counterpoint -- list --markdown > docs/settings.md"
        );
    }
}
