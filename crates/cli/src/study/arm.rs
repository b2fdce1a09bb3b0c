//! The arms of a comparison: its methods, and the references that belong to it.

use counterpoint_report::record::Kind;
use toml::{Table, Value};

use super::control::{self, Control};
use super::readout::{self, ABOUT_OVER_UNIMODAL, OVER_UNIMODAL};
use super::spec::{Method, Spec, Variant};
use crate::config::{self, Config, overlay};
use crate::exit::{Code, Failure};

/// One arm of the tables and how its configurations are made.
#[derive(Clone, Debug)]
pub struct Arm {
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
    /// Controls: the arm whose chosen setting they take, and in what they differ from it.
    pub control: Option<(String, Control)>,
}

/// The average of the unimodal models.
pub const AVERAGE: &str = "late-average";
/// The same of those that learn from validation samples, too.
pub const AVERAGE_WITH_VAL: &str = "late-average-with-val";

/// All arms in the order of the tables: a single modality, their average,
/// joint training, the controls, and the methods. Beside them what is to be
/// said of the controls: why some do not exist, where others end.
pub fn arms(spec: &Spec, modalities: &[String]) -> Result<(Vec<Arm>, Vec<String>), Failure> {
    let wanted = &spec.references;
    let mut arms = Vec::new();
    let readout = readout::part(spec).filter(|_| wanted.readout);
    let shared = readout.clone().filter(readout::is_fitted_to_validation);
    let unimodal = |name: &String| {
        let set = strategy([("name", "unimodal"), ("modality", name)]);
        reference(spec, format!("unimodal-{name}"), format!("unimodal {name}"), set)
    };
    let alone: Vec<Arm> = modalities.iter().filter(|_| wanted.unimodal).map(unimodal).collect();
    arms.extend(alone.iter().cloned().map(|mut arm| {
        // It changes nothing of what is trained and read, and keeps what a readout over these models needs.
        arm.set.extend(shared.clone().unwrap_or_default());
        arm
    }));
    let about = "average of the log-probabilities of the unimodal models; not trained";
    arms.extend(wanted.average.then(|| Arm::combined(AVERAGE, about)));
    if alone.len() > 1 && shared.is_some() {
        arms.push(Arm::combined(OVER_UNIMODAL, ABOUT_OVER_UNIMODAL));
    }
    let own = |name: &str| spec.methods.iter().any(|m| m.name == name);
    if wanted.joint && !own("joint") {
        arms.push(Arm::joint(spec));
    }
    arms.extend(readout.iter().filter(|_| wanted.joint).map(|part| readout::of_joint(spec, part)));
    if shared.is_some() {
        let joint = wanted.joint.then(|| Arm::joint(spec));
        arms.extend(joint.into_iter().chain(alone).map(|arm| readout::with_validation(spec, arm)));
        let about = "average of the log-probabilities of the unimodal models on train and validation samples";
        arms.extend(wanted.average.then(|| Arm::combined(AVERAGE_WITH_VAL, about)));
    }
    let methods = spec.methods.iter().map(Arm::method);
    // A control of a control there is not; a method called joint is controlled as the reference is.
    let of_method = methods.clone().find(|arm| arm.name == "joint");
    let controlled = arms.iter().filter(|arm| arm.kind == Kind::Reference).cloned().chain(of_method);
    let (controls, notes) = control::arms(spec, &controlled.collect::<Vec<_>>())?;
    arms.extend(controls);
    arms.extend(methods);
    if let Some((_, twice)) =
        arms.iter().enumerate().find(|(i, l)| arms[..*i].iter().any(|k| k.name == l.name))
    {
        return Err(Failure::new(
            Code::Config,
            format!(
                "method `{}` has the name of a reference; rename it, or switch that reference off",
                twice.name
            ),
        ));
    }
    Ok((arms, notes))
}

pub(super) fn reference(spec: &Spec, name: String, about: String, set: Table) -> Arm {
    Arm { name, kind: Kind::Reference, about, set, settings: spec.settings.clone(), control: None }
}

pub(super) fn strategy<const N: usize>(keys: [(&str, &str); N]) -> Table {
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

impl Arm {
    /// Joint training, which uses all data there are.
    pub fn joint(spec: &Spec) -> Self {
        reference(spec, "joint".into(), "one loss on the fused scores".into(), strategy([("name", "joint")]))
    }

    /// What is made of the predictions of unimodal models.
    fn combined(name: &str, about: &str) -> Self {
        Self {
            name: name.into(),
            kind: Kind::Average,
            about: about.into(),
            set: Table::new(),
            settings: Vec::new(),
            control: None,
        }
    }

    /// The arm of a method.
    pub fn method(method: &Method) -> Self {
        Self {
            name: method.name.clone(),
            kind: Kind::Method,
            about: describe(&method.set),
            set: method.set.clone(),
            settings: method.settings.clone(),
            control: None,
        }
    }

    /// The only modality of its models; `None` for models of several.
    pub fn modality(&self) -> Option<&str> {
        let strategy = self.set.get("strategy")?;
        let unimodal = strategy.get("name")?.as_str() == Some("unimodal");
        strategy.get("modality")?.as_str().filter(|_| unimodal)
    }

    /// The configuration of one run; that of a control is made of it by [`Control::of`].
    pub fn config(
        &self,
        spec: &Spec,
        variant: Option<&Variant>,
        setting: Option<&Table>,
        seed: u64,
    ) -> Result<Config, Failure> {
        let bad = |why: String| Failure::new(Code::Config, format!("method `{}`: {why}", self.name));
        let mut table = spec.config.clone();
        // A readout that methods share is not the references'.
        if self.kind != Kind::Method && !self.set.contains_key("readout") {
            table.remove("readout");
        }
        let seed = config::at("train.seed", Value::Integer(seed as i64));
        for part in variant.map(|v| &v.set).into_iter().chain([&self.set]).chain(setting).chain([&seed]) {
            overlay(&mut table, part).map_err(bad)?;
        }
        Config::from_table(table).map_err(bad)
    }
}
