//! The lines of a comparison: its methods, and the references that belong to it.

use counterpoint_report::record::Kind;
use toml::{Table, Value};

use super::spec::{Spec, Variant};
use crate::config::{self, Config, overlay};
use crate::exit::{Code, Failure};

/// One line of the tables and how its configurations are made.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name, and that of its folder.
    pub name: String,
    /// Why it is there.
    pub kind: Kind,
    /// What it is, in words.
    pub about: String,
    /// What makes it.
    pub set: Table,
    /// Settings to choose from on validation; empty = none.
    pub settings: Vec<Table>,
    /// Controls: the line whose chosen setting they take, with another learning rate.
    pub follows: Option<String>,
}

/// The average of the unimodal models.
pub const AVERAGE: &str = "late-average";

/// All lines in the order of the tables: one modality alone, their average,
/// joint training, the controls, and the methods.
pub fn lines(spec: &Spec, modalities: &[String]) -> Result<Vec<Line>, Failure> {
    let wanted = &spec.references;
    let mut lines = Vec::new();
    if wanted.unimodal {
        for name in modalities {
            let set = strategy([("name", "unimodal"), ("modality", name)]);
            lines.push(reference(spec, format!("only-{name}"), format!("{name} alone"), set));
        }
    }
    if wanted.average {
        let about = "average of the log-probabilities of the models of one modality; not trained";
        lines.push(Line {
            name: AVERAGE.into(),
            kind: Kind::Average,
            about: about.into(),
            set: Table::new(),
            settings: Vec::new(),
            follows: None,
        });
    }
    let own = |name: &str| spec.methods.iter().any(|m| m.name == name);
    if wanted.joint && !own("joint") {
        lines.push(Line::joint(spec));
    }
    let methods = spec.methods.iter().map(|method| Line {
        name: method.name.clone(),
        kind: Kind::Method,
        about: describe(&method.set),
        set: method.set.clone(),
        settings: method.settings.clone(),
        follows: None,
    });
    if wanted.matched && (wanted.alpha.is_some() || dgl(spec).is_some()) {
        // A control of a control there is not; a method called joint is controlled as the reference is.
        let of_method = methods.clone().find(|line| line.name == "joint");
        let controlled = lines.iter().filter(|line| line.kind == Kind::Reference).cloned().chain(of_method);
        let controls: Vec<Line> = controlled
            .map(|line| Line {
                name: format!("{}-lr-matched", line.name),
                kind: Kind::Control,
                about: format!("{} with the learning rate times alpha", line.about),
                follows: Some(line.name.clone()),
                settings: Vec::new(),
                set: line.set,
            })
            .collect();
        lines.extend(controls);
    }
    lines.extend(methods);
    if let Some((_, twice)) =
        lines.iter().enumerate().find(|(i, l)| lines[..*i].iter().any(|k| k.name == l.name))
    {
        return Err(Failure::new(
            Code::Config,
            format!(
                "method `{}` has the name of a reference; rename it, or switch that reference off",
                twice.name
            ),
        ));
    }
    Ok(lines)
}

/// The first method that is disentangled gradient learning.
pub fn dgl(spec: &Spec) -> Option<&str> {
    let named = |set: &Table| set.get("strategy")?.get("name")?.as_str().map(str::to_owned);
    let common = named(&spec.config);
    let is = |set: &Table| named(set).or_else(|| common.clone()).as_deref() == Some("dgl");
    spec.methods.iter().find(|m| is(&m.set)).map(|m| m.name.as_str())
}

fn reference(spec: &Spec, name: String, about: String, set: Table) -> Line {
    Line { name, kind: Kind::Reference, about, set, settings: spec.settings.clone(), follows: None }
}

fn strategy<const N: usize>(keys: [(&str, &str); N]) -> Table {
    let strategy = keys.map(|(key, value)| (key.to_owned(), Value::from(value)));
    config::at("strategy", Value::Table(Table::from_iter(strategy)))
}

/// A part of a configuration as `a.b = 1, c.d = 2`.
pub fn describe(part: &Table) -> String {
    fn walk(path: &str, table: &Table, words: &mut Vec<String>) {
        for (key, value) in table {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Table(inner) => walk(&path, inner, words),
                value => words.push(format!("{path} = {value}")),
            }
        }
    }
    let mut words = Vec::new();
    walk("", part, &mut words);
    words.join(", ")
}

impl Line {
    /// Joint training, which uses all data there are.
    pub fn joint(spec: &Spec) -> Self {
        reference(spec, "joint".into(), "one loss on the fused scores".into(), strategy([("name", "joint")]))
    }

    /// The configuration of one run; `factor` multiplies the learning rate.
    pub fn config(
        &self,
        spec: &Spec,
        variant: Option<&Variant>,
        setting: Option<&Table>,
        factor: f64,
        seed: u64,
    ) -> Result<Config, Failure> {
        let bad = |why: String| Failure::new(Code::Config, format!("method `{}`: {why}", self.name));
        let mut table = spec.config.clone();
        let seed = config::at("train.seed", Value::Integer(seed as i64));
        for part in variant.map(|v| &v.set).into_iter().chain([&self.set]).chain(setting).chain([&seed]) {
            overlay(&mut table, part).map_err(bad)?;
        }
        if let Some(lr) = table.get_mut("optimizer").and_then(|o| o.get_mut("lr")) {
            let value = lr.as_float().or_else(|| lr.as_integer().map(|i| i as f64));
            if let (Some(value), true) = (value, factor != 1.0) {
                *lr = Value::Float(value * factor);
            }
        }
        Config::from_table(table).map_err(bad)
    }
}

/// Alpha of a configuration whose strategy is disentangled gradient learning.
pub fn alpha_of(config: &Config) -> Result<Option<f64>, Failure> {
    let Some(alpha) = config.strategy.method.alpha() else { return Ok(None) };
    alpha.same().map(Some).ok_or_else(|| {
        Failure::new(
            Code::Config,
            "strategy.alpha differs between modalities, and a control has one factor for all: set \
             references.alpha to the factor of the controls, or references.matched = false",
        )
    })
}
