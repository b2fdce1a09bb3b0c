//! Checks TOML files, and the TOML blocks of Markdown files, against a JSON schema, by a validator
//! that is not ours.
//!
//! ```text
//! check-schema SCHEMA [--open=SECTION].. [--with=KEY] [--without=KEY] [--over=WHOLE] FILE..
//! ```
//!
//! Every file must be valid. As a control, each must be refused as soon as it
//! has an unknown key: at the top, and in each of its sections but the open ones.
//!
//! Of a Markdown file those blocks are checked that have the key `--with` and lack the key
//! `--without`. A block may be a fragment: `--over` names the file that it completes.

mod document;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

const UNKNOWN: &str = "no_such_key";
const USAGE: &str =
    "usage: check-schema SCHEMA [--open=SECTION].. [--with=KEY] [--without=KEY] [--over=WHOLE] FILE..";

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
fn check(validator: &Validator, place: &str, file: &Value, open: &[String]) -> Vec<String> {
    if let Some(why) = validator.refusal(file) {
        return vec![format!("{place} is refused: {why}")];
    }
    let closed = |section: &str| !open.iter().any(|open| section == format!("/{open}"));
    let spoilt = spoilt(file).filter(|(section, _)| closed(section));
    let accepted = spoilt.filter(|(_, spoilt)| validator.refusal(spoilt).is_none());
    accepted.map(|(section, _)| format!("{place}: the schema accepts {section}/{UNKNOWN}")).collect()
}

fn table(text: &str) -> Result<Value, Box<dyn Error>> {
    Ok(serde_json::to_value(text.parse::<toml::Table>()?)?)
}

/// What the options say.
struct Options(Vec<String>);

impl Options {
    fn all(&self, name: &str) -> Vec<String> {
        let value =
            |arg: &String| Some(arg.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('=')?.to_owned());
        self.0.iter().filter_map(value).collect()
    }

    /// The tables to check in a file, with the place of each.
    fn tables(&self, path: &str) -> Result<Vec<(String, Value)>, Box<dyn Error>> {
        let text = fs::read_to_string(path)?;
        if !path.ends_with(".md") {
            return Ok(vec![(path.to_owned(), table(&text)?)]);
        }
        let whole = self.all("over").pop().map(|base| table(&fs::read_to_string(base)?)).transpose()?;
        let mut found = Vec::new();
        for (line, block) in document::blocks(&text) {
            let place = format!("{path}:{line}");
            let mut block = table(&block).map_err(|e| format!("line {line}: {e}"))?;
            let has = |key: &String| block.get(key).is_some();
            if !self.all("with").iter().all(has) || self.all("without").iter().any(has) {
                continue;
            }
            if let (Some(Value::Object(mut whole)), Value::Object(fragment)) = (whole.clone(), block.clone())
            {
                document::over(&mut whole, fragment);
                block = whole.into();
            }
            found.push((place, block));
        }
        Ok(found)
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let validator = Validator::new(Path::new(&args.next().ok_or(USAGE)?))?;
    let (options, files): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with("--"));
    let known = |option: &str| {
        ["open", "with", "without", "over"].iter().any(|name| option.starts_with(&format!("--{name}=")))
    };
    if let Some(unknown) = options.iter().find(|option| !known(option)) {
        return Err(format!("unknown option {unknown}; {USAGE}").into());
    }
    let options = Options(options);
    let (mut checked, mut wrong) = (0, Vec::new());
    for path in files {
        for (place, file) in options.tables(&path).map_err(|e| format!("{path}: {e}"))? {
            checked += 1;
            wrong.extend(check(&validator, &place, &file, &options.all("open")));
        }
    }
    if checked == 0 {
        wrong.push("there is nothing to check".to_owned());
    }
    wrong.iter().for_each(|why| eprintln!("{why}"));
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
