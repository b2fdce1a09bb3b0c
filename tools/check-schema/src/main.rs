//! Checks TOML files against a JSON schema, by a validator that is not ours.
//!
//! ```text
//! check-schema SCHEMA [--open=SECTION].. FILE..
//! ```
//!
//! Every file must be valid. As a control, each must be refused as soon as it
//! has an unknown key: at the top, and in each of its sections but the open ones.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

const UNKNOWN: &str = "no_such_key";

struct Validator {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Validator {
    fn new(path: &Path) -> Result<Self, Box<dyn Error>> {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("schema.json", serde_json::from_str(&fs::read_to_string(path)?)?)?;
        let schema = compiler.compile("schema.json", &mut schemas)?;
        Ok(Self { schemas, schema })
    }

    fn refusal(&self, file: &Value) -> Option<String> {
        self.schemas.validate(file, self.schema).err().map(|why| format!("{why:#}"))
    }
}

/// The file with an unknown key at the top and in each section, one at a time.
fn spoilt(file: &Value) -> impl Iterator<Item = (String, Value)> {
    let sections = file.as_object().into_iter().flatten();
    let tables = sections.filter(|(_, section)| section.is_object()).map(|(name, _)| format!("/{name}"));
    std::iter::once(String::new()).chain(tables).map(|place| {
        let mut spoilt = file.clone();
        if let Some(table) = spoilt.pointer_mut(&place) {
            table[UNKNOWN] = json!(1);
        }
        (place, spoilt)
    })
}

/// What is wrong with a file, or with the schema that should refuse it.
fn check(validator: &Validator, path: &str, open: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let file = serde_json::to_value(fs::read_to_string(path)?.parse::<toml::Table>()?)?;
    if let Some(why) = validator.refusal(&file) {
        return Ok(vec![format!("{path} is refused: {why}")]);
    }
    let closed = |place: &str| !open.iter().any(|section| place == format!("/{section}"));
    let spoilt = spoilt(&file).filter(|(place, _)| closed(place));
    let accepted = spoilt.filter(|(_, spoilt)| validator.refusal(spoilt).is_none());
    Ok(accepted.map(|(place, _)| format!("{path}: the schema accepts {place}/{UNKNOWN}")).collect())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let validator = Validator::new(Path::new(
        &args.next().ok_or("usage: check-schema SCHEMA [--open=SECTION].. FILE..")?,
    ))?;
    let (open, files): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with("--open="));
    let open: Vec<String> = open.iter().map(|arg| arg["--open=".len()..].to_owned()).collect();
    let mut wrong = Vec::new();
    for path in files {
        wrong.extend(check(&validator, &path, &open).map_err(|e| format!("{path}: {e}"))?);
    }
    wrong.iter().for_each(|why| eprintln!("{why}"));
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
