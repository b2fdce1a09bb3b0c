//! Opening a study: its data, its arms, and whether they fit together.

use std::path::Path;

use counterpoint::probe::Probe;
use counterpoint_report::record::{Kind, Study, StudyMethod};

use super::arm::{Arm, arms, describe};
use super::drive::StudyRunner;
use super::growth;
use super::plan::{settings, variants};
use super::spec::{Spec, Variant};
use crate::config::Loaded;
use crate::exit::{Code, Failure};
use crate::leaks;
use crate::run::Run;
use crate::scores;

impl<'a> StudyRunner<'a> {
    /// Opens the data of every variant, and finds out what there is to do.
    pub fn open(spec: &'a Spec, folder: &Path) -> Result<Self, Failure> {
        let variants = variants(spec);
        let open = |variant: Option<&Variant>| {
            let method = Arm::joint(spec);
            let config = method.config(spec, variant, None, spec.seeds[0])?;
            Run::open(Loaded { config, base: spec.base.clone() })
        };
        let first = open(variants[0])?;
        let names: Vec<String> = first.splits.modalities().iter().map(|m| m.name.clone()).collect();
        let (arms, notes) = arms(spec, &names)?;
        if !arms.iter().any(|arm| arm.name == spec.baseline) {
            let all: Vec<&str> = arms.iter().map(|l| l.name.as_str()).collect();
            let hint = counterpoint::catalog::suggestion(&spec.baseline, &all);
            return Err(Failure::new(
                Code::Config,
                format!("baseline = \"{}\" is not one of {}{hint}", spec.baseline, all.join(", ")),
            ));
        }
        let metric = scores::selecting(first.task.as_ref());
        let mut known =
            if folder.join(Study::FILE).exists() { Study::read(folder)? } else { Study::default() };
        if known.leaks.is_empty() {
            for &variant in &variants {
                let other = variant.filter(|v| v.name != variants[0].map_or("", |v| v.name.as_str()));
                let opened = other.map(|v| open(Some(v))).transpose()?;
                let splits = &opened.as_ref().unwrap_or(&first).splits;
                let found = splits.leaks_decoded(rayon::current_num_threads())?;
                let place = variant.map_or(String::new(), |v| format!("{}: ", v.name));
                let line = |(leak, words): (bool, String)| {
                    format!("{} {place}{words}", if leak { "leak:" } else { "note:" })
                };
                known.leaks.extend(leaks::words(&found).into_iter().map(line));
            }
            if known.leaks.is_empty() {
                known
                    .leaks
                    .push("note: no group and no file content is in two splits, or twice in one".into());
            }
        }
        // The report tells what is noted here, first of all what concerns the verdict.
        if let Some(note) = growth::note(&spec.seeds, &known, folder) {
            known.leaks.insert(0, format!("note: {note}"));
        }
        let study = Study {
            format: Study::FORMAT,
            baseline: spec.baseline.clone(),
            metric: metric.name.clone(),
            seeds: spec.seeds.clone(),
            variants: spec.variants.iter().map(|v| v.name.clone()).collect(),
            methods: arms
                .iter()
                .map(|l| StudyMethod {
                    name: l.name.clone(),
                    kind: l.kind,
                    modality: l.modality().map(str::to_owned),
                    about: l.about.clone(),
                })
                .collect(),
            notes,
            ..known
        };
        let runner = Self { spec, folder: folder.to_owned(), arms, metric, study };
        runner.check(&first)?;
        Ok(runner)
    }

    /// Builds every method once, so that an impossible one is known before
    /// anything is trained, and holds budgets together.
    fn check(&self, run: &Run) -> Result<(), Failure> {
        if self.spec.probe {
            Probe::check(run.task.as_ref()).map_err(|e| Failure::from(e).at("probe = true"))?;
        }
        let variant = self.variants()[0];
        let mut budget: Option<(&str, Vec<usize>)> = None;
        for arm in self.arms.iter().filter(|arm| arm.kind != Kind::Average) {
            let mut epochs = Vec::new();
            for setting in settings(arm) {
                let config = arm.config(self.spec, variant, setting, self.spec.seeds[0])?;
                run.check_config(&config).map_err(|e| {
                    e.at(&match setting {
                        Some(setting) => format!("method `{}` with {}", arm.name, describe(setting)),
                        None => format!("method `{}`", arm.name),
                    })
                })?;
                epochs.push(config.train.epochs);
            }
            epochs.sort_unstable();
            match &budget {
                _ if arm.control.is_some() => {}
                None => budget = Some((&arm.name, epochs)),
                Some((_, known)) if *known == epochs => {}
                Some((first, known)) => {
                    return Err(Failure::new(
                        Code::Config,
                        format!(
                            "unequal budgets: `{first}` trains {known:?} epochs and `{}` {epochs:?}; set the same \
                             train.epochs for all methods",
                            arm.name
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
}
