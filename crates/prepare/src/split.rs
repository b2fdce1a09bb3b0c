//! Which clips are for training, validation and test.

use std::collections::BTreeMap;

use counterpoint_data::set::{Part, divide};
use serde::Serialize;

use crate::clip::Clip;
use crate::error::PrepareError;

/// How clips are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitRule {
    /// As published; what is missing is carved from the published training part.
    Published,
    /// At random, whole groups (speakers, scenes) in one split.
    ByGroup,
    /// At random, every class with its share; groups may be in two splits.
    Random,
}

/// Rule, shares and seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SplitSettings {
    /// The rule; by default as published where the set says so, else by groups where it has some, else random.
    pub rule: Option<SplitRule>,
    /// Share of the test among all clips, where none is published.
    pub test: f64,
    /// Share of the validation among the clips that are not for the test, where none is published.
    pub val: f64,
    /// Seed of what is random.
    pub seed: u64,
}

impl Default for SplitSettings {
    fn default() -> Self {
        Self { rule: None, test: 0.2, val: 0.1, seed: 0 }
    }
}

/// The split of every clip, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// In the order of the clips.
    pub parts: Vec<Part>,
    /// The rule that was used.
    pub rule: SplitRule,
    /// In words.
    pub words: String,
}

/// Divides the clips, those that turn out unusable as well: a repaired file moves no other clip.
///
/// # Errors
/// If the rule does not fit what the clips say.
pub fn assign(clips: &[Clip], settings: &SplitSettings) -> Result<Assigned, PrepareError> {
    for (name, share) in [("--val", settings.val), ("--test", settings.test)] {
        if !(share > 0.0 && share < 1.0) {
            return Err(PrepareError::usage(format!("{name} must be between 0 and 1, got {share}")));
        }
    }
    let published = clips.iter().filter(|clip| clip.part.is_some()).count();
    let grouped = clips.iter().filter(|clip| clip.group.is_some()).count();
    let rule = settings.rule.unwrap_or(match (published, grouped) {
        (0, 0) => SplitRule::Random,
        (0, _) => SplitRule::ByGroup,
        _ => SplitRule::Published,
    });
    match rule {
        SplitRule::Published if published == 0 => Err(PrepareError::usage(
            "--split published: the recordings come without a published split; use by-group or random",
        )),
        SplitRule::Published if published < clips.len() => Err(PrepareError::data(format!(
            "{} of {} clips have no published split (the first is `{}`); complete the list, or use --split random \
             or by-group",
            clips.len() - published,
            clips.len(),
            clips.iter().find(|c| c.part.is_none()).map_or("", |c| &c.id)
        ))),
        SplitRule::ByGroup if grouped < clips.len() => Err(PrepareError::usage(format!(
            "--split by-group: {} of {} clips have no group (the first is `{}`); use random, or name the groups",
            clips.len() - grouped,
            clips.len(),
            clips.iter().find(|c| c.group.is_none()).map_or("", |c| &c.id)
        ))),
        SplitRule::Published => Ok(as_published(clips, settings)),
        SplitRule::ByGroup | SplitRule::Random => {
            let whole = rule == SplitRule::ByGroup;
            let mut parts = vec![Part::Train; clips.len()];
            carve(clips, &mut parts, Part::Test, settings.test, whole, settings.seed);
            carve(clips, &mut parts, Part::Val, settings.val, whole, settings.seed + 1);
            let how = if whole {
                "whole groups, classes as evenly as they allow"
            } else {
                "every class with its share"
            };
            let words = format!(
                "at random, {how}: {} of all for the test, {} of the rest for validation, seed {}",
                settings.test, settings.val, settings.seed
            );
            Ok(Assigned { parts, rule, words })
        }
    }
}

/// The splits in the order of [`Part::ALL`].
pub(crate) fn per_part(count: [usize; 3]) -> String {
    let one = |part: Part| format!("{} {}", part.name(), count[part as usize]);
    Part::ALL.map(one).join(", ")
}

/// As it is published. Where no test is published the validation is the test; where no validation is
/// left, it is carved from the training part, by whole groups if there are some.
fn as_published(clips: &[Clip], settings: &SplitSettings) -> Assigned {
    let has = |part: Part| clips.iter().any(|clip| clip.part == Some(part));
    let mut words = String::from("as published");
    let val_is_test = !has(Part::Test) && has(Part::Val);
    if val_is_test {
        words += "; no test is published, so the published validation is the test";
    }
    let part = |clip: &Clip| match clip.part {
        Some(Part::Val) if val_is_test => Part::Test,
        Some(part) => part,
        None => Part::Train,
    };
    let mut parts: Vec<Part> = clips.iter().map(part).collect();
    let whole = clips.iter().any(|clip| clip.group.is_some());
    let how = if whole { "whole groups" } else { "every class with its share" };
    if !parts.contains(&Part::Test) {
        carve(clips, &mut parts, Part::Test, settings.test, whole, settings.seed);
        words +=
            &format!("; {} of the training part for the test ({how}), seed {}", settings.test, settings.seed);
    }
    if !parts.contains(&Part::Val) {
        carve(clips, &mut parts, Part::Val, settings.val, whole, settings.seed + 1);
        words += &format!(
            "; {} of the training part for validation ({how}), seed {}",
            settings.val, settings.seed
        );
    }
    Assigned { parts, rule: SplitRule::Published, words }
}

/// Moves a share of the training part into another.
fn carve(clips: &[Clip], parts: &mut [Part], into: Part, share: f64, whole: bool, seed: u64) {
    // By the names: the order in which files were found does not matter.
    let mut members: Vec<usize> = (0..clips.len()).filter(|&at| parts[at] == Part::Train).collect();
    members.sort_by(|&a, &b| clips[a].id.cmp(&clips[b].id));
    let labels: BTreeMap<&str, usize> = {
        let mut names: Vec<&str> = members.iter().map(|&at| clips[at].label.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().enumerate().map(|(number, name)| (name, number)).collect()
    };
    let sample = |&at: &usize| {
        let clip = &clips[at];
        (labels[clip.label.as_str()], clip.group.as_deref().filter(|_| whole))
    };
    let samples: Vec<(usize, Option<&str>)> = members.iter().map(sample).collect();
    for (&at, bin) in members.iter().zip(divide(&samples, &[1.0 - share, share], seed)) {
        if bin == 1 {
            parts[at] = into;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Sources;

    fn clips(part: impl Fn(usize) -> Option<Part>, group: impl Fn(usize) -> Option<String>) -> Vec<Clip> {
        let clip = |i: usize| Clip {
            id: format!("{i:03}"),
            sources: Sources::default(),
            label: ["a", "b"][i % 2].into(),
            group: group(i),
            part: part(i),
            cells: Vec::new(),
        };
        (0..100).map(clip).collect()
    }

    fn count(parts: &[Part], part: Part) -> usize {
        parts.iter().filter(|p| **p == part).count()
    }

    #[test]
    fn a_published_test_stays_and_validation_is_carved_from_train() {
        let clips = clips(|i| Some(if i < 80 { Part::Train } else { Part::Test }), |_| None);
        let assigned = assign(&clips, &SplitSettings::default()).unwrap();
        assert!(assigned.parts[80..].iter().all(|p| *p == Part::Test));
        assert_eq!(count(&assigned.parts[..80], Part::Val), 8);
        let of_class =
            |class: usize| (0..80).filter(|i| i % 2 == class && assigned.parts[*i] == Part::Val).count();
        assert_eq!((of_class(0), of_class(1)), (4, 4));
        assert!(assigned.words.contains("0.1 of the training part"), "{}", assigned.words);
        // The order of the clips changes nothing.
        let mut turned = clips.clone();
        turned.reverse();
        let mut again = assign(&turned, &SplitSettings::default()).unwrap().parts;
        again.reverse();
        assert_eq!(again, assigned.parts);
    }

    #[test]
    fn a_published_validation_is_the_test_where_there_is_no_other() {
        let clips = clips(|i| Some(if i < 80 { Part::Train } else { Part::Val }), |_| None);
        let assigned = assign(&clips, &SplitSettings::default()).unwrap();
        assert!(assigned.parts[80..].iter().all(|p| *p == Part::Test));
        assert_eq!(count(&assigned.parts, Part::Val), 8);
    }

    #[test]
    fn groups_stay_together() {
        let clips = clips(|_| None, |i| Some(format!("g{}", i / 5)));
        let assigned = assign(&clips, &SplitSettings::default()).unwrap();
        assert_eq!(assigned.rule, SplitRule::ByGroup);
        for group in assigned.parts.chunks(5) {
            assert!(group.iter().all(|p| p == &group[0]));
        }
        assert_eq!(count(&assigned.parts, Part::Test), 20);
        assert!(count(&assigned.parts, Part::Val) >= 5);
        let random = SplitSettings { rule: Some(SplitRule::Random), ..Default::default() };
        let parts = assign(&clips, &random).unwrap().parts;
        assert_eq!((count(&parts, Part::Test), count(&parts, Part::Val)), (20, 8));
    }

    #[test]
    fn rules_that_do_not_fit_are_refused() {
        let clips = clips(|_| None, |i| (i > 0).then(|| "g".into()));
        let refused = |settings: SplitSettings| assign(&clips, &settings).unwrap_err().to_string();
        let rule = |rule| SplitSettings { rule: Some(rule), ..Default::default() };
        assert!(refused(rule(SplitRule::Published)).contains("without a published split"));
        assert!(refused(rule(SplitRule::ByGroup)).contains("the first is `000`"));
        assert!(refused(SplitSettings { val: 1.0, ..Default::default() }).contains("--val"));
    }
}
