//! What is compared: the file that a user writes, resolved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use crate::config::{self, SECTIONS, overlay};
use crate::exit::{Code, Failure};
use crate::place;
use counterpoint::catalog::{suggestion, unknown};

/// A resolved study: nothing in it depends on another file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Folder that relative paths start from.
    pub base: PathBuf,
    /// Method the others are compared with.
    pub baseline: String,
    /// Seeds of every method.
    pub seeds: Vec<u64>,
    /// Whether the look at the test split includes linear probes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// How many of the seeds, from the first, try settings.
    pub tune_seeds: usize,
    /// References that are added.
    pub references: References,
    /// What the methods have in common.
    pub config: Table,
    /// The methods in their order.
    pub methods: Vec<Method>,
    /// The variants in their order; empty = the configuration as it is.
    pub variants: Vec<Variant>,
    /// Settings that references try, the same for all.
    pub settings: Vec<Table>,
}

/// A method: parts of a configuration that are laid over the common one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Its name, and that of its folder.
    pub name: String,
    /// What makes it.
    pub set: Table,
    /// Settings to choose from on validation; empty = none.
    pub settings: Vec<Table>,
}

/// Something that every method is trained on, such as a fold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name, and that of its folder.
    pub name: String,
    /// What makes it.
    pub set: Table,
}

/// Which references are added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct References {
    /// Each single modality.
    pub unimodal: bool,
    /// The average of the unimodal models; needs `unimodal`.
    pub average: bool,
    /// Joint training.
    pub joint: bool,
    /// Joint and unimodal whose encoders move as those of `dgl` do, under SGD: `...-lr-matched`.
    pub matched: bool,
    /// Joint with every learning rate times alpha, under SGD: `joint-lr-all`.
    pub lr_all: bool,
    /// Where a method has a readout: the same readout of joint training and over the unimodal models, and joint
    /// training that has the validation split, too.
    pub readout: bool,
    /// Alpha of the controls; default: that of the first method with strategy `dgl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
}

impl Default for References {
    fn default() -> Self {
        let (matched, lr_all, readout) = (true, true, true);
        Self { unimodal: true, average: true, joint: true, matched, lr_all, readout, alpha: None }
    }
}

impl References {
    /// None at all.
    pub fn none() -> Self {
        let (matched, lr_all, readout) = (false, false, false);
        Self { unimodal: false, average: false, joint: false, matched, lr_all, readout, alpha: None }
    }
}

/// `[tune]` as users write it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Tune {
    seeds: Option<usize>,
    settings: Vec<Table>,
    methods: Table,
}

const KEYS: [&str; 9] =
    ["config", "seeds", "baseline", "probe", "methods", "variants", "folds", "tune", "references"];

/// Reads a file and lays `--set` arguments over the common configuration.
///
/// # Errors
/// If the file cannot be read or is not a study; the message names the key, and what it may be.
pub fn load(path: &Path, sets: &[String]) -> Result<Spec, Failure> {
    let bad = |why: String| Failure::new(Code::Config, format!("{}: {why}", path.display()));
    let table = config::read_table(path)?;
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("read", path, &e))?;
    let base = config::folder_of(path)?;
    let known: Vec<&str> = KEYS.iter().chain(&SECTIONS).copied().collect();
    if let Some(wrong) = table.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(bad(unknown(&format!("unknown key `{wrong}` of a study"), wrong, &known)));
    }
    let mut common = match table.get("config") {
        None => Table::new(),
        Some(Value::String(file)) => common(&base.join(file), &base)?,
        Some(other) => return Err(bad(format!("config = {other}: expected the name of a file"))),
    };
    let sections: Table = table
        .iter()
        .filter(|(k, _)| SECTIONS.contains(&k.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    overlay(&mut common, &sections).map_err(bad)?;
    for set in sets {
        config::apply(&mut common, set)?;
    }
    let tune: Tune = part(&table, "tune").map_err(bad)?.unwrap_or_default();
    let own = named(&text, &table, "methods").map_err(bad)?;
    if own.is_empty() {
        return Err(bad("no methods: add a table [methods] with a line NAME = { ... } for each".into()));
    }
    let names: Vec<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(unknown) = tune.methods.keys().find(|k| !names.contains(&k.as_str())) {
        let hint = suggestion(unknown, &names);
        return Err(bad(format!("[tune.methods]: there is no method `{unknown}`{hint}")));
    }
    let settings_of = |name: &str| match tune.methods.get(name) {
        None => Ok(tune.settings.clone()),
        Some(list) => list
            .clone()
            .try_into::<Vec<Table>>()
            .map_err(|_| format!("[tune.methods]: `{name}` must be a list of tables, each a setting to try")),
    };
    let method = |(name, set): &(String, Table)| {
        Ok(Method { name: name.clone(), set: set.clone(), settings: settings_of(name)? })
    };
    let methods: Vec<Method> = own.iter().map(method).collect::<Result<_, String>>().map_err(bad)?;
    let seeds = read_seeds(table.get("seeds")).map_err(bad)?;
    let spec = Spec {
        base,
        baseline: match table.get("baseline") {
            None => "joint".into(),
            Some(Value::String(name)) => name.clone(),
            Some(other) => return Err(bad(format!("baseline = {other}: expected the name of a method"))),
        },
        probe: match table.get("probe") {
            None => false,
            Some(Value::Boolean(probe)) => *probe,
            Some(other) => return Err(bad(format!("probe = {other}: expected true or false"))),
        },
        tune_seeds: tune.seeds.unwrap_or(1),
        seeds,
        references: match table.get("references") {
            None | Some(Value::Boolean(true)) => References::default(),
            Some(Value::Boolean(false)) => References::none(),
            Some(_) => part(&table, "references").map_err(bad)?.unwrap_or_default(),
        },
        config: common,
        methods,
        variants: variants(&text, &table).map_err(bad)?,
        settings: tune.settings.clone(),
    };
    spec.check().map_err(bad)?;
    Ok(spec)
}

/// The common configuration; its data stay where they are seen from its own folder, told from that of the study, so
/// that all of it can lie elsewhere on another machine.
fn common(file: &Path, base: &Path) -> Result<Table, Failure> {
    let mut table = config::read_table(file)?;
    if let Some(Value::Table(data)) = table.get_mut("data")
        && let Some(Value::String(root)) = data.get("root")
    {
        let own = config::folder_of(file)?;
        let way = if Path::new(root).is_absolute() { None } else { place::relative(base, &own) };
        let way = way.map(|way| if way.as_os_str() == "." { PathBuf::new() } else { way });
        let root = way.unwrap_or(own).join(root);
        data.insert("root".into(), Value::String(root.display().to_string()));
    }
    Ok(table)
}

/// Seeds as the command line writes them: how many, or a list.
pub fn seeds(text: &str) -> Result<Vec<u64>, Failure> {
    let value =
        if text.contains(',') { config::value_of(&format!("[{text}]")) } else { config::value_of(text) };
    read_seeds(Some(&value)).map_err(|why| Failure::new(Code::Usage, format!("--{why}")))
}

fn read_seeds(value: Option<&Value>) -> Result<Vec<u64>, String> {
    let seeds: Vec<u64> = match value {
        None => {
            return Err("`seeds` is missing: expected a number of seeds, or a list such as [0, 1, 2]".into());
        }
        Some(Value::Integer(count)) if *count > 0 => (0..*count as u64).collect(),
        Some(list @ Value::Array(_)) => list
            .clone()
            .try_into()
            .map_err(|_| format!("seeds = {list}: expected whole numbers of at least 0"))?,
        Some(other) => {
            return Err(format!("seeds = {other}: expected a number of seeds, or a list such as [0, 1, 2]"));
        }
    };
    if seeds.is_empty() || seeds.iter().collect::<BTreeSet<_>>().len() < seeds.len() {
        return Err(format!("seeds = {seeds:?}: expected at least one, and each only once"));
    }
    Ok(seeds)
}

fn variants(text: &str, table: &Table) -> Result<Vec<Variant>, String> {
    let given = named(text, table, "variants")?;
    match table.get("folds") {
        None => Ok(given.into_iter().map(|(name, set)| Variant { name, set }).collect()),
        Some(_) if !given.is_empty() => Err("`folds` and `variants` exclude each other".into()),
        Some(&Value::Integer(folds)) if (3..=1000).contains(&folds) => {
            let fold = |i: i64| Variant {
                name: format!("fold{i}"),
                set: config::at(
                    "data",
                    Value::Table(Table::from_iter([
                        ("folds".to_owned(), Value::Integer(folds)),
                        ("fold".to_owned(), Value::Integer(i)),
                    ])),
                ),
            };
            Ok((0..folds).map(fold).collect())
        }
        Some(other) => Err(format!("folds = {other}: expected a number of at least 3")),
    }
}

/// A table of parts of configurations, in the order of the file.
fn named(text: &str, table: &Table, key: &str) -> Result<Vec<(String, Table)>, String> {
    let Some(value) = table.get(key) else { return Ok(Vec::new()) };
    let Value::Table(parts) = value else {
        return Err(format!("`{key}` must be a table of NAME = {{ ... }}"));
    };
    // Tables are sorted by name; where a name stands in the text tells the user's order.
    let tree = DeTable::parse(text).map_err(|e| e.to_string())?;
    let places = match tree.get_ref().get(key).map(|v| v.get_ref()) {
        Some(DeValue::Table(inner)) => {
            inner.keys().map(|k| (k.get_ref().to_string(), k.span().start)).collect()
        }
        _ => std::collections::HashMap::new(),
    };
    let mut entries: Vec<(String, Table)> = Vec::new();
    for (name, set) in parts {
        check_name(key, name)?;
        let Value::Table(set) = set else {
            return Err(format!("[{key}]: `{name}` must be a table such as {{ strategy.name = \"dgl\" }}"));
        };
        if let Some(unknown) = set.keys().find(|k| !SECTIONS.contains(&k.as_str())) {
            let hint = suggestion(unknown, SECTIONS);
            return Err(format!("[{key}]: `{name}` sets the unknown section `{unknown}`{hint}"));
        }
        entries.push((name.clone(), set.clone()));
    }
    entries.sort_by_key(|(name, _)| places.get(name).copied());
    Ok(entries)
}

fn check_name(key: &str, name: &str) -> Result<(), String> {
    let fine = |c: char| c.is_alphanumeric() || "-_+.".contains(c);
    if name.is_empty() || name.starts_with('.') || name.len() > 60 || !name.chars().all(fine) {
        return Err(format!(
            "[{key}]: `{name}` is used as a folder name: expected up to 60 letters, digits, -, _, + and ."
        ));
    }
    Ok(())
}

fn part<T: serde::de::DeserializeOwned>(table: &Table, key: &str) -> Result<Option<T>, String> {
    match table.get(key) {
        None => Ok(None),
        Some(value) => value.clone().try_into().map(Some).map_err(|e| config::explain(key, &e)),
    }
}

impl Spec {
    /// Refuses what does not fit together.
    pub fn check(&self) -> Result<(), String> {
        if self.tune_seeds == 0 || self.tune_seeds > self.seeds.len() {
            return Err(format!(
                "tune.seeds = {}: expected from 1 to the number of seeds, {}",
                self.tune_seeds,
                self.seeds.len()
            ));
        }
        if self.references.alpha.is_some_and(|alpha| !(alpha.is_finite() && alpha > 0.0)) {
            return Err("references.alpha: expected a number above 0".into());
        }
        if self.references.average && !self.references.unimodal {
            return Err("references.average needs references.unimodal: it averages those models".into());
        }
        let tuned = self.methods.iter().map(|m| (m.name.as_str(), m.settings.len()));
        let added = self.references.joint || self.references.unimodal;
        let all: Vec<(&str, usize)> =
            tuned.chain(added.then_some(("the references", self.settings.len()))).collect();
        let [(first, count), rest @ ..] = &all[..] else { return Ok(()) };
        match rest.iter().find(|(_, n)| n.max(&1) != count.max(&1)) {
            None => Ok(()),
            Some((other, n)) => Err(format!(
                "unequal budgets: `{first}` tries {} settings, `{other}` {}; give both the same number ([tune] \
                 settings applies to every method and the references)",
                count.max(&1),
                n.max(&1)
            )),
        }
    }

    /// As a file.
    pub fn to_table(&self) -> Table {
        Table::try_from(self).expect("a study is plain tables, texts and numbers")
    }

    /// The first difference to another study. Where the data lie
    /// and how they are loaded may change.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let strip = |spec: &Self| {
            let mut table = spec.to_table();
            table.remove("base");
            if let Some(Value::Table(config)) = table.get_mut("config") {
                config::strip_aside(config);
            }
            Value::Table(table)
        };
        config::first_difference("", &strip(self), &strip(other))
    }
}
