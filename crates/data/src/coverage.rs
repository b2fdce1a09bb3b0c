//! What the targets of a split do not show, so that a metric on it says less than it seems to.

use crate::dataset::Dataset;
use crate::error::DataError;
use crate::record::{Part, Record};
use crate::truth::{Labelling, Truth};

/// Classes named in a note; more are counted.
const NAMED: usize = 5;

/// Notes on classes, labels and numbers that a split lacks or that never vary in it.
///
/// Label maps of the train and val split are read; those of the test split stay sealed.
pub fn notes(set: &Dataset) -> Result<Vec<String>, DataError> {
    let mut notes = Vec::new();
    for part in Part::ALL {
        let records = || set.records.iter().filter(move |record| record.part == part);
        match set.labelling {
            Labelling::Classes => notes.extend(of_classes(&set.classes, part, records())),
            Labelling::Labels => notes.extend(of_labels(&set.classes, part, records())),
            Labelling::Values => notes.extend(of_values(part, records())),
            Labelling::Maps(_) if part == Part::Test => {}
            Labelling::Maps(_) => notes.extend(of_maps(&set.classes, part, &set.classes_in_maps(part)?)),
        }
    }
    Ok(notes)
}

fn of_classes<'a>(
    classes: &[String],
    part: Part,
    records: impl Iterator<Item = &'a Record>,
) -> Option<String> {
    let mut seen = vec![false; classes.len()];
    records.filter_map(|record| record.truth.class()).for_each(|class| seen[class] = true);
    let split = part.name();
    let (shown, lacking) = parted(classes, &seen);
    match (shown.as_slice(), lacking.as_slice()) {
        (_, []) => None,
        ([one], _) => Some(format!(
            "all samples of the {split} split are of class `{one}`: a constant guess is right on all of them, so \
             no score there says that a model has learned"
        )),
        (_, lacking) => Some(format!(
            "the {split} split has no sample of {}: means over classes leave them out there",
            listed("class", lacking)
        )),
    }
}

fn of_labels<'a>(labels: &[String], part: Part, records: impl Iterator<Item = &'a Record>) -> Vec<String> {
    let (mut on, mut off) = (vec![false; labels.len()], vec![false; labels.len()]);
    for record in records {
        let Truth::Labels(flags) = &record.truth else { continue };
        for (label, &flag) in flags.iter().enumerate() {
            on[label] |= flag;
            off[label] |= !flag;
        }
    }
    let split = part.name();
    let never = parted(labels, &on).1;
    let always = parted(labels, &off).1;
    let mut notes = Vec::new();
    if !never.is_empty() {
        let which = listed("label", &never);
        notes.push(format!("{which} never applies in the {split} split: mAP leaves it out there"));
    }
    if !always.is_empty() {
        let which = listed("label", &always);
        notes.push(format!(
            "{which} always applies in the {split} split: its average precision is 1 whatever is predicted"
        ));
    }
    notes
}

fn of_values<'a>(part: Part, records: impl Iterator<Item = &'a Record>) -> Option<String> {
    let value = |record: &Record| if let Truth::Value(value) = record.truth { Some(value) } else { None };
    let mut values = records.filter_map(value);
    let first = values.next()?;
    values.all(|value| value == first).then(|| {
        format!(
            "every target of the {} split is {first}: r2 and correlation are not defined there",
            part.name()
        )
    })
}

fn of_maps(classes: &[String], part: Part, seen: &[bool]) -> Option<String> {
    let split = part.name();
    let (shown, lacking) = parted(classes, seen);
    if lacking.is_empty() {
        return None;
    }
    let which = listed("class", &lacking);
    Some(match (shown.as_slice(), part) {
        ([], _) => {
            format!("the label maps of the {split} split have no labelled pixel: no metric is defined there")
        }
        (_, Part::Train) => format!(
            "the label maps of the train split have no pixel of {which}: a model cannot learn what it is never shown"
        ),
        _ => format!(
            "the label maps of the {split} split have no pixel of {which}: mIoU leaves them out there"
        ),
    })
}

/// The names that are marked, and the others.
fn parted<'a>(names: &'a [String], marks: &[bool]) -> (Vec<&'a str>, Vec<&'a str>) {
    let marked = |wanted: bool| {
        let of = names.iter().zip(marks).filter(move |(_, mark)| **mark == wanted);
        of.map(|(name, _)| name.as_str()).collect()
    };
    (marked(true), marked(false))
}

/// `class `a`, `b` and 3 more`.
fn listed(noun: &str, names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun} {}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    fn records(truths: impl IntoIterator<Item = Truth>) -> Vec<Record> {
        let record =
            |truth| Record { id: String::new(), group: None, part: Part::Val, truth, sources: Vec::new() };
        truths.into_iter().map(record).collect()
    }

    #[test]
    fn what_a_split_lacks_is_named_and_counted() {
        let classes = |seen: &[usize], count| {
            of_classes(&names(count), Part::Val, records(seen.iter().map(|&k| Truth::Class(k))).iter())
        };
        assert_eq!(classes(&[0, 1, 1], 2), None);
        assert!(classes(&[1, 1], 3).unwrap().starts_with("all samples of the val split are of class `c1`:"));
        let many = classes(&[0, 1], 9).unwrap();
        assert!(many.contains("no sample of class `c2`, `c3`, `c4`, `c5`, `c6` and 2 more:"), "{many}");
        let flags = [vec![true, false, true], vec![true, false, false]].map(Truth::Labels);
        let labels = of_labels(&names(3), Part::Test, records(flags).iter());
        assert!(labels[0].starts_with("label `c1` never applies in the test split"), "{labels:?}");
        assert!(labels[1].starts_with("label `c0` always applies in the test split"), "{labels:?}");
        let values =
            |values: &[f32]| of_values(Part::Val, records(values.iter().map(|&v| Truth::Value(v))).iter());
        assert!(values(&[0.5, 0.5]).unwrap().contains("every target of the val split is 0.5"));
        assert_eq!(values(&[0.5, 0.25]), None);
        assert!(
            of_maps(&names(2), Part::Val, &[false, true]).unwrap().contains("no pixel of class `c0`: mIoU")
        );
        assert!(of_maps(&names(2), Part::Train, &[false; 2]).unwrap().contains("no labelled pixel"));
    }
}
