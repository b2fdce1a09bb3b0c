//! Controls: does a gain of disentangled gradient learning need more than
//! larger steps?

use std::collections::BTreeSet;

use counterpoint::modality::PerModality;
use counterpoint::strategy::Dgl;
use counterpoint_report::record::Kind;
use toml::Table;

use super::arm::Arm;
use super::plan::{settings, variants};
use super::spec::{Method, Spec, Variant};
use crate::config::Config;
use crate::exit::{Code, Failure};

/// In what a control differs from the arm that it controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Encoders move as those of `dgl` do when they receive the same gradient.
    Matched,
    /// Everything has alpha times the learning rate.
    All,
}

/// What `dgl` is set to, if that is the method.
fn settings_of_dgl(config: &Config) -> Option<&Dgl> {
    config.strategy.method.get()
}

/// What a control has to match.
pub struct Pattern {
    alpha: PerModality,
    /// The configuration that alpha is of; none where alpha alone is given.
    dgl: Option<Config>,
}

impl Pattern {
    /// Alpha as the study gives it, or that of `dgl` with one of its settings.
    /// None where neither is there.
    pub fn of(
        spec: &Spec,
        dgl: Option<&Arm>,
        variant: Option<&Variant>,
        setting: Option<&Table>,
    ) -> Result<Option<Self>, Failure> {
        let dgl = dgl.map(|arm| arm.config(spec, variant, setting, spec.seeds[0])).transpose()?;
        let own = dgl.as_ref().and_then(settings_of_dgl).map(|dgl| dgl.alpha.clone());
        let alpha = spec.references.alpha.map(PerModality::from).or(own);
        Ok(alpha.map(|alpha| Self { alpha, dgl }))
    }
}

impl Control {
    /// What follows the name of the arm.
    fn suffix(self) -> &'static str {
        match self {
            Self::Matched => "lr-matched",
            Self::All => "lr-all",
        }
    }

    /// The control of an arm.
    fn arm(self, of: &Arm) -> Arm {
        let what = match self {
            Self::Matched => {
                "the learning rate of encoders times alpha, their weight decay divided by alpha: the steps of dgl"
            }
            Self::All => "every learning rate times alpha, including that of fusion and head",
        };
        Arm {
            name: format!("{}-{}", of.name, self.suffix()),
            kind: Kind::Control,
            about: format!("{}; {what}", of.about),
            control: Some((of.name.clone(), self)),
            settings: Vec::new(),
            set: of.set.clone(),
        }
    }

    /// The control's configuration, from that of the arm it controls.
    ///
    /// A matched control trains with the optimizer, schedule and clip of `dgl`:
    /// only then are its encoders' steps those of `dgl`.
    ///
    /// # Errors
    /// If there is no such control; the message says why.
    pub fn of(self, mut config: Config, pattern: &Pattern) -> Result<Config, Failure> {
        let Pattern { alpha, dgl } = pattern;
        let hears_fused = |dgl: &Dgl| !dgl.truncates_multimodal();
        if self == Self::Matched && dgl.as_ref().and_then(settings_of_dgl).is_some_and(hears_fused) {
            return Err(Failure::new(
                Code::Config,
                "no rate-matched control exists for strategy.truncate_multimodal = false: encoders receive the \
                 fused loss with weight 1 and their unimodal loss with alpha",
            ));
        }
        // Where alpha cancels, a larger rate controls nothing.
        let matched = dgl.as_ref().unwrap_or(&config).optimizer.rate_matched(alpha)?;
        match self {
            Self::Matched => {
                config.optimizer = matched;
                if let Some(dgl) = dgl {
                    config.schedule = dgl.schedule.clone();
                    config.train.clip = dgl.train.clip;
                }
                // A model of one modality keeps the number of that modality.
                if let Some(name) = config.strategy.method.only_modality() {
                    config.optimizer = config.optimizer.only(name);
                }
            }
            Self::All => {
                config.optimizer.rate_matched(alpha)?;
                let factor = alpha.same().ok_or_else(|| {
                    Failure::new(
                        Code::Config,
                        "no control with every learning rate times alpha exists: alpha differs between modalities, \
                         and fusion and head belong to all of them",
                    )
                })?;
                config.optimizer = config.optimizer.faster(factor);
            }
        }
        Ok(config)
    }
}

/// The method that controls are for: the first with strategy `dgl`, one
/// without an ablation before others.
pub fn dgl(spec: &Spec) -> Option<&Method> {
    let get = |set: &Table, key: &str| set.get("strategy")?.get(key).cloned();
    let of = |method: &Method, key: &str| {
        let common = || get(&method.set, "name").is_none().then(|| get(&spec.config, key)).flatten();
        get(&method.set, key).or_else(common)
    };
    let all = || {
        let is = |m: &&Method| of(m, "name").is_some_and(|name| name.as_str() == Some("dgl"));
        spec.methods.iter().filter(is)
    };
    let whole = |m: &&Method| {
        let switched = ["truncate_multimodal", "truncate_unimodal"];
        of(m, "gate").is_none()
            && switched.iter().all(|key| of(m, key).is_none_or(|value| value.as_bool() == Some(true)))
    };
    all().find(whole).or_else(|| all().next())
}

/// The controls of some arms that exist with at least one of the settings
/// that are tried, and what is to be said of them.
pub fn arms(spec: &Spec, controlled: &[Arm]) -> Result<(Vec<Arm>, Vec<String>), Failure> {
    let wanted = &spec.references;
    let dgl = dgl(spec).map(Arm::method);
    let mut patterns = Vec::new();
    for variant in variants(spec) {
        for setting in dgl.as_ref().map_or_else(|| vec![None], settings) {
            patterns.extend(Pattern::of(spec, dgl.as_ref(), variant, setting)?.map(|p| (variant, p)));
        }
    }
    let mut notes = BTreeSet::new();
    let mut arms = Vec::new();
    for (control, wanted) in [(Control::Matched, wanted.matched), (Control::All, wanted.lr_all)] {
        for arm in controlled.iter().filter(|arm| control == Control::Matched || arm.name == "joint") {
            let mut exists = false;
            for (variant, pattern) in patterns.iter().filter(|_| wanted) {
                for setting in settings(arm) {
                    let config = arm.config(spec, *variant, setting, spec.seeds[0])?;
                    match control.of(config, pattern) {
                        Ok(made) => {
                            exists = true;
                            let matched = control == Control::Matched;
                            notes.extend((matched && made.train.clip > 0.0).then(|| clipped(&made)));
                        }
                        Err(failure) => drop(notes.insert(failure.to_string())),
                    }
                }
            }
            arms.extend(exists.then(|| control.arm(arm)));
        }
    }
    Ok((arms, notes.into_iter().collect()))
}

fn clipped(config: &Config) -> String {
    format!(
        "train.clip = {}: a control takes the steps of dgl only where neither gradient is clipped",
        config.train.clip
    )
}
