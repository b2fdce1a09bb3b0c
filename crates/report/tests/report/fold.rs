//! Folds with samples of their own are what a gap is judged over.

use counterpoint_report::report::{Options, RunSummary, report};

use crate::runs::*;

const FOLDS: usize = 4;

/// Two methods by three seeds by four speakers; the gain is that of the first speaker.
fn speakers() -> Vec<RunSummary> {
    let of = |method: &'static str, seed: u64, fold: usize| {
        let mut run = digits(method, seed);
        (run.name, run.fold) = (format!("{method}-{seed}-{fold}"), Some(format!("speaker {fold}")));
        run.data.insert("hash".into(), format!("hash {fold}"));
        run.predictions[0].ids = (0..1000).map(|i| format!("speaker-{fold}/{i}")).collect();
        let right = match (method, fold) {
            ("joint", _) => 900,
            (_, 0) => 960,
            _ => 905,
        };
        let right = right + 2 * seed as usize * usize::from(method == "dgl");
        run.predictions[0].correct.insert("fused".into(), (0..1000).map(|i| i < right).collect());
        for test in &mut run.tests {
            test.scores.get_mut("fused").unwrap().insert("accuracy".into(), right as f64 / 1000.0);
        }
        run
    };
    let seeds = |method| (0..3).flat_map(move |seed| (0..FOLDS).map(move |fold| of(method, seed, fold)));
    ["joint", "dgl"].into_iter().flat_map(seeds).collect()
}

/// What is said of the gap of `dgl`, on which folds it rests, and its interval over seeds and samples.
fn gap(runs: &[RunSummary]) -> (String, Option<f64>, String) {
    let page = report(runs, &Options::default());
    let html = page.to_html();
    let from = html.find("dgl against joint: ").unwrap();
    let said = html[from..].split("</li>").next().unwrap().to_owned();
    let tables = page.tables();
    let table = &tables.iter().find(|(_, table)| table.columns.iter().any(|c| c.title == "folds")).unwrap().1;
    let at = |title: &str| table.columns.iter().position(|c| c.title == title).unwrap();
    (said, table.rows[0][at("folds")].value(), table.rows[0][at("over seeds and samples")].to_string())
}

#[test]
fn a_gain_of_one_fold_is_not_one_of_the_method() {
    let runs = speakers();
    let (said, folds, samples) = gap(&runs);
    assert!(said.contains("is within noise") && said.contains("12 pairs in 4 folds"), "{said}");
    assert_eq!(folds, Some(4.0));

    // Without predictions the hash of the data tells the folds.
    let mut blind = runs.clone();
    blind.iter_mut().for_each(|run| run.predictions.clear());
    let (said, ..) = gap(&blind);
    assert!(said.contains("12 pairs in 4 folds"), "{said}");

    // Variants that are tested on the same samples are no folds.
    let mut same = runs.clone();
    for run in &mut same {
        run.predictions[0].ids = (0..1000).map(|i| i.to_string()).collect();
    }
    let (said, folds, shared) = gap(&same);
    assert!(said.contains("is beyond noise") && said.contains("12 pairs)"), "{said}");
    assert_eq!(folds, None);
    assert_ne!(samples, shared, "the bootstrap draws folds, too");

    // One seed a fold, or one fold: as it was before there were folds.
    let one = |keep: &dyn Fn(&RunSummary) -> bool| -> Vec<RunSummary> {
        runs.iter().filter(|run| keep(run)).cloned().collect()
    };
    let (said, folds, _) = gap(&one(&|run| run.seed == Some(1)));
    assert!(said.contains("4 pairs)") && folds.is_none(), "{said}");
    let (said, folds, _) = gap(&one(&|run| run.fold.as_deref() == Some("speaker 0")));
    assert!(said.contains("3 pairs)") && folds.is_none(), "{said}");
}
