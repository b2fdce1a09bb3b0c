//! Which runs a study consists of, and what is chosen on the way.

use counterpoint_report::record::{Choice, Kind, State, StudyRun};

use super::choice::{choose, validation};
use super::drive::{Driver, Planned};
use super::line::{self, Line, alpha_of};
use super::spec::{Spec, Variant};
use crate::exit::Failure;

impl Driver<'_> {
    /// The runs that try settings; seed after seed, so that every method has
    /// something to show early.
    pub fn tried(&self) -> Result<Vec<Planned>, Failure> {
        let mut all = Vec::new();
        for &seed in &self.spec.seeds[..self.spec.tune_seeds] {
            for variant in self.variants() {
                for line in self.lines.iter().filter(|line| !line.settings.is_empty()) {
                    for number in 0..line.settings.len() {
                        all.push(self.plan(line, variant, Some(number), 1.0, seed, false)?);
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
            for line in self.lines.iter().filter(|line| !line.settings.is_empty()) {
                let scores = (0..line.settings.len()).map(|number| {
                    let seeds = &self.spec.seeds[..self.spec.tune_seeds];
                    let score = |&seed| {
                        let place = place(&line.name, variant, Some(number), seed);
                        let finished = self.state(&place) == State::Finished;
                        finished.then(|| validation(&self.folder.join(place), self.metric)).flatten()
                    };
                    seeds.iter().map(score).collect()
                });
                choices.push(choose(line, variant.map(|v| v.name.as_str()), self.metric, scores.collect()));
            }
        }
        self.study.choices = choices;
        Ok(self.study.write(self.folder)?)
    }

    /// What was chosen for a line: `Some(None)` where nothing was to be chosen,
    /// `None` where every setting failed.
    pub fn chosen(&self, line: &Line, variant: Option<&Variant>) -> Option<Option<usize>> {
        if line.settings.is_empty() {
            return Some(None);
        }
        let is =
            |c: &&Choice| c.method == line.name && c.variant.as_deref() == variant.map(|v| v.name.as_str());
        self.study.choices.iter().find(is)?.setting.map(Some)
    }

    /// The runs that stand for their methods; their test split is opened.
    pub fn finals(&self) -> Result<Vec<Planned>, Failure> {
        let mut all = Vec::new();
        for &seed in &self.spec.seeds {
            for variant in self.variants() {
                for line in self.lines.iter().filter(|line| line.kind != Kind::Average) {
                    let leader =
                        line.follows.as_ref().and_then(|name| self.lines.iter().find(|l| l.name == *name));
                    let (source, factor) = match leader {
                        Some(leader) => (leader, self.alpha(variant)?),
                        None => (line, Some(1.0)),
                    };
                    let (Some(setting), Some(factor)) = (self.chosen(source, variant), factor) else {
                        continue;
                    };
                    let mut planned = self.plan(line, variant, setting, factor, seed, true)?;
                    if leader.is_some() {
                        // A control has one setting, that of its line.
                        planned.run.place = place(&line.name, variant, None, seed);
                        planned.run.setting = None;
                    }
                    all.push(planned);
                }
            }
        }
        Ok(all)
    }

    /// The factor of the controls: alpha as given, or that of the chosen setting of DGL.
    fn alpha(&self, variant: Option<&Variant>) -> Result<Option<f64>, Failure> {
        if let Some(alpha) = self.spec.references.alpha {
            return Ok(Some(alpha));
        }
        let Some(line) = line::dgl(self.spec).and_then(|name| self.lines.iter().find(|l| l.name == name))
        else {
            return Ok(None);
        };
        let Some(setting) = self.chosen(line, variant) else { return Ok(None) };
        let setting = setting.map(|number| &line.settings[number]);
        alpha_of(&line.config(self.spec, variant, setting, 1.0, self.spec.seeds[0])?)
    }

    fn plan(
        &self,
        line: &Line,
        variant: Option<&Variant>,
        setting: Option<usize>,
        factor: f64,
        seed: u64,
        chosen: bool,
    ) -> Result<Planned, Failure> {
        let settings = line.follows.as_ref().and_then(|name| self.lines.iter().find(|l| l.name == *name));
        let part = setting.map(|number| &settings.unwrap_or(line).settings[number]);
        let run = StudyRun {
            place: place(&line.name, variant, setting, seed),
            method: line.name.clone(),
            variant: variant.map(|v| v.name.clone()),
            seed,
            setting,
            chosen,
            state: State::Waiting,
        };
        Ok(Planned { run, config: line.config(self.spec, variant, part, factor, seed)? })
    }
}

pub fn variants(spec: &Spec) -> Vec<Option<&Variant>> {
    if spec.variants.is_empty() { vec![None] } else { spec.variants.iter().map(Some).collect() }
}

pub fn settings(line: &Line) -> Vec<Option<&toml::Table>> {
    if line.settings.is_empty() { vec![None] } else { line.settings.iter().map(Some).collect() }
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
