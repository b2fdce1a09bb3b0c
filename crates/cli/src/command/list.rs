//! `counterpoint list`.

use counterpoint::catalog::Catalog;
use counterpoint::model::ModelConfig;
use counterpoint::model::encoder::EncoderConfig;
use counterpoint::model::fusion::FusionConfig;
use counterpoint::model::head::HeadConfig;
use counterpoint::strategy::StrategySettings;
use serde_json::json;

use super::{print, print_json};
use crate::args::List;
use crate::exit::Failure;

const DATA: [(&str, &str); 5] = [
    ("spoken-digits", "spoken and handwritten digits, part of this project; split by speaker"),
    ("grid", "letters or digits of one talker, sound and mouth video"),
    ("manifest", "your own files, listed in a CSV"),
    ("rgbd", "colour and depth pictures with a class for every pixel, as NYUv2"),
    ("features", "ready-made features in .npz, .npy or .safetensors"),
];

/// Prints all that a configuration can name.
pub fn run(args: &List) -> Result<(), Failure> {
    let strategies: Vec<(&str, &str)> =
        Catalog::<dyn StrategySettings>::current().entries().iter().map(|e| (e.name, e.summary)).collect();
    let parts = [
        ("strategies", strategies.as_slice()),
        ("models", ModelConfig::CATALOG),
        ("encoders", EncoderConfig::CATALOG),
        ("fusions", FusionConfig::CATALOG),
        ("heads", HeadConfig::CATALOG),
        ("data", DATA.as_slice()),
    ];
    if args.json {
        let all: serde_json::Map<String, serde_json::Value> = parts
            .iter()
            .map(|(kind, entries)| {
                let of: Vec<_> =
                    entries.iter().map(|(name, what)| json!({"name": name, "about": what})).collect();
                ((*kind).to_owned(), of.into())
            })
            .collect();
        print_json(&serde_json::Value::Object(all));
        return Ok(());
    }
    for (kind, entries) in parts {
        print(kind);
        for (name, what) in entries {
            print(format!("  {name:<16} {what}"));
        }
    }
    Ok(())
}
