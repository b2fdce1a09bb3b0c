//! Which runs a study consists of, and what is chosen on the way.

use counterpoint_report::record::{Choice, Kind, State, StudyRun};

use super::arm::Arm;
use super::choice::{choose, validation};
use super::control::{self, Pattern};
use super::drive::{PlannedRun, StudyRunner};
use super::spec::{Spec, Variant};
use crate::exit::Failure;

impl StudyRunner<'_> {
    /// The runs that try settings; seed after seed, so that every method has
    /// something to show early.
    pub fn tried(&self) -> Result<Vec<PlannedRun>, Failure> {
        let mut all = Vec::new();
        for &seed in &self.spec.seeds[..self.spec.tune_seeds] {
            for variant in self.variants() {
                for arm in self.arms.iter().filter(|arm| !arm.settings.is_empty()) {
                    for number in 0..arm.settings.len() {
                        all.push(self.plan(arm, variant, Some(number), seed, false)?);
                    }
                }
            }
        }
        Ok(all)
    }

    /// Chooses where settings were tried.
    pub fn choose(&mut self) -> Result<(), Failure> {
        let mut choices = Vec::new();
        for variant in self.variants() {
            for arm in self.arms.iter().filter(|arm| !arm.settings.is_empty()) {
                let scores = (0..arm.settings.len()).map(|number| {
                    let seeds = &self.spec.seeds[..self.spec.tune_seeds];
                    let score = |&seed| {
                        let place = place(&arm.name, variant, Some(number), seed);
                        let finished = self.state(&place) == State::Finished;
                        finished.then(|| validation(&self.folder.join(place), &self.metric)).flatten()
                    };
                    seeds.iter().map(score).collect()
                });
                choices.push(choose(arm, variant.map(|v| v.name.as_str()), &self.metric, scores.collect()));
            }
        }
        self.study.choices = choices;
        Ok(self.study.write(&self.folder)?)
    }

    /// What was chosen for a arm: `Some(None)` where nothing was to be chosen,
    /// `None` where every setting failed.
    pub fn chosen(&self, arm: &Arm, variant: Option<&Variant>) -> Option<Option<usize>> {
        if arm.settings.is_empty() {
            return Some(None);
        }
        let is =
            |c: &&Choice| c.method == arm.name && c.variant.as_deref() == variant.map(|v| v.name.as_str());
        self.study.choices.iter().find(is)?.setting.map(Some)
    }

    /// The runs that stand for their methods; their test split is opened.
    pub fn finals(&self) -> Result<Vec<PlannedRun>, Failure> {
        let mut all = Vec::new();
        for &seed in &self.spec.seeds {
            for variant in self.variants() {
                for arm in self.arms.iter().filter(|arm| arm.kind != Kind::Average) {
                    let leader = self.leader(arm);
                    let Some(setting) = self.chosen(leader.unwrap_or(arm), variant) else { continue };
                    let mut planned = self.plan(arm, variant, setting, seed, true)?;
                    if let Some((_, control)) = &arm.control {
                        let Some(pattern) = self.pattern(variant)? else { continue };
                        // Why a setting has no control was said when the study began.
                        let Ok(config) = control.of(planned.config, &pattern) else { continue };
                        planned.config = config;
                        // A control has one setting, that of its arm.
                        planned.run.place = place(&arm.name, variant, None, seed);
                        planned.run.setting = None;
                    }
                    all.push(planned);
                }
            }
        }
        Ok(all)
    }

    /// The arm that a control controls.
    fn leader(&self, arm: &Arm) -> Option<&Arm> {
        let (name, _) = arm.control.as_ref()?;
        self.arms.iter().find(|l| l.name == *name)
    }

    /// What the controls have to match: the chosen setting of disentangled gradient learning.
    fn pattern(&self, variant: Option<&Variant>) -> Result<Option<Pattern>, Failure> {
        let arm = control::dgl(self.spec).map(Arm::method);
        let setting = match &arm {
            Some(arm) => match self.chosen(arm, variant) {
                Some(setting) => setting.map(|number| &arm.settings[number]),
                None => return Ok(None),
            },
            None => None,
        };
        Pattern::of(self.spec, arm.as_ref(), variant, setting)
    }

    fn plan(
        &self,
        arm: &Arm,
        variant: Option<&Variant>,
        setting: Option<usize>,
        seed: u64,
        chosen: bool,
    ) -> Result<PlannedRun, Failure> {
        let part = setting.map(|number| &self.leader(arm).unwrap_or(arm).settings[number]);
        let run = StudyRun {
            place: place(&arm.name, variant, setting, seed),
            method: arm.name.clone(),
            variant: variant.map(|v| v.name.clone()),
            seed,
            setting,
            chosen,
            state: State::Waiting,
        };
        Ok(PlannedRun { run, config: arm.config(self.spec, variant, part, seed)? })
    }
}

pub fn variants(spec: &Spec) -> Vec<Option<&Variant>> {
    if spec.variants.is_empty() { vec![None] } else { spec.variants.iter().map(Some).collect() }
}

pub fn settings(arm: &Arm) -> Vec<Option<&toml::Table>> {
    if arm.settings.is_empty() { vec![None] } else { arm.settings.iter().map(Some).collect() }
}

pub fn place(method: &str, variant: Option<&Variant>, setting: Option<usize>, seed: u64) -> String {
    let variant = variant.map_or(String::new(), |v| format!("{}/", v.name));
    let setting = setting.map_or(String::new(), |number| format!("setting{number}/"));
    format!("runs/{method}/{variant}{setting}seed{seed}")
}

pub fn title(run: &StudyRun) -> String {
    let variant = run.variant.as_ref().map_or(String::new(), |v| format!(", {v}"));
    let setting = run.setting.map_or(String::new(), |number| format!(", setting {number}"));
    format!("{}{variant}{setting}, seed {}", run.method, run.seed)
}
