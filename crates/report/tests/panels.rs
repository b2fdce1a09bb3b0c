//! What makes the pictures and warnings of one report comparable: one colour
//! for a method, one axis for all modalities, one warning for what seeds share.

use std::collections::BTreeMap;

use counterpoint_report::{
    record::{End, Epoch, Scores, Test, Warning},
    report::{Options, RunSummary, report},
};

fn scores(list: &[(&str, f64)]) -> Scores {
    list.iter().map(|(row, x)| ((*row).to_owned(), BTreeMap::from([("accuracy".to_owned(), *x)]))).collect()
}

/// A finished run of method `m` (0 to 12) whose name does not fit beside its value.
fn run(m: usize, seed: u64) -> RunSummary {
    let method = format!("method number {m} with a name that is long enough to need a second line, really");
    let x = 0.3 + 0.04 * m as f64 + 0.01 * seed as f64;
    let epoch = |e: usize| Epoch {
        epoch: e,
        val: scores(&[("fused", x), ("audio", 0.1 + 0.01 * e as f64), ("image", 0.9)]),
        losses: BTreeMap::from([("fused".to_owned(), 1.0 / e as f64)]),
        ..Epoch::default()
    };
    RunSummary {
        name: format!("runs/{m}/seed{seed}"),
        method,
        seed: Some(seed),
        modalities: vec!["audio".into(), "image".into()],
        epochs: (1..=3).map(epoch).collect(),
        tests: vec![Test {
            split: "test".into(),
            checkpoint: "last".into(),
            scores: scores(&[("fused", x), ("audio", 0.12), ("image", 0.9)]),
            ..Test::default()
        }],
        end: Some(End { reason: "finished".into(), ..End::default() }),
        ..RunSummary::default()
    }
}

fn chance(modality: &str, accuracy: f64, epoch: usize) -> Warning {
    Warning {
        kind: "modality_at_chance".into(),
        message: format!("{modality} alone stays near chance: {accuracy:.1} % in epoch {epoch}"),
        remedy: "check its labels".into(),
        epoch: Some(epoch),
    }
}

#[test]
fn equal_warnings_of_several_seeds_are_one_after_the_results() {
    let mut runs: Vec<RunSummary> = (0..2).flat_map(|m| (0..3).map(move |s| run(m, s))).collect();
    for (i, run) in runs.iter_mut().enumerate() {
        run.method = ["joint", "dgl"][i / 3].into();
        run.modalities = vec!["camera 1".into(), "camera 2".into()];
    }
    runs[0].warnings = vec![chance("camera 1", 20.1, 5)];
    runs[1].warnings = vec![chance("camera 2", 20.4, 5)];
    runs[2].warnings = vec![chance("camera 1", 19.7, 7)];
    runs[4].warnings = vec![chance("camera 1", 33.0, 5)];
    let page = report(&runs, &Options::default());
    let html = page.to_html();
    for line in [
        "camera 1 alone stays near chance: 19.7 to 20.1 % in epoch 5 to 7 (joint, seeds 0, 2)",
        "camera 2 alone stays near chance: 20.4 % in epoch 5 (joint, seed 1)",
        "camera 1 alone stays near chance: 33.0 % in epoch 5 (dgl, seed 1)",
    ] {
        assert_eq!(html.matches(line).count(), 1, "{line}");
    }
    assert_eq!(html.matches("check its labels").count(), 3);
    let headings: Vec<&str> = page.sections.iter().map(|s| s.heading.as_str()).collect();
    assert_eq!(headings[..2], ["Results", "Warnings"]);
}

/// The text of the labels of the axis of numbers of a figure.
fn ticks(svg: &str, anchor: &str) -> Vec<String> {
    let label = format!("text-anchor=\"{anchor}\" class=\"soft num\">");
    svg.split(&label).skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

/// The classes that colour something in a part of a figure: `c0`, `c1` and so on.
fn colours(svg: &str) -> impl Iterator<Item = &str> {
    let classes = svg.split("class=\"").skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' '));
    classes.filter(|class| {
        class.strip_prefix('c').is_some_and(|number| !number.is_empty() && number.parse::<usize>().is_ok())
    })
}

#[test]
fn one_colour_is_one_method_and_modalities_share_their_axes() {
    let runs: Vec<RunSummary> = (0..12).flat_map(|m| (0..2).map(move |s| run(m, s))).collect();
    let page = report(&runs, &Options::default());
    let figures = page.figures();
    let by_title = |title: &str| {
        let found = figures.iter().filter(|(_, figure)| figure.title == title);
        found.map(|(_, figure)| figure.to_svg()).next_back().unwrap_or_else(|| panic!("no {title}"))
    };
    // Twelve methods, twelve colours; the class beside a name is the same in dots and curves.
    let dots = by_title("Test split, last epoch: fused");
    let curves = by_title("fused, validation split");
    let mut seen = std::collections::BTreeSet::new();
    for m in 0..12 {
        // In the plot of dots the mark follows the name, in the legend it stands before.
        let (_, after) = dots.split_once(&format!("<title>method number {m} with")).unwrap();
        let (before, _) = curves.rsplit_once(&format!(">method number {m} with")).unwrap();
        let of_dot = colours(after).next().unwrap();
        assert_eq!(colours(before).last(), Some(of_dot), "method {m}");
        seen.insert(of_dot.to_owned());
    }
    assert_eq!(seen.len(), 12);
    // The fused score goes up to 75 %, audio to 13 %, image is 90 %: one axis holds all.
    for (name, anchor) in [("{}, validation split", "end"), ("Test split, last epoch: {}", "middle")] {
        let [fused, audio, image] =
            ["fused", "audio", "image"].map(|row| ticks(&by_title(&name.replace("{}", row)), anchor));
        assert!(fused.len() >= 4 && fused == audio && audio == image, "{fused:?} {audio:?} {image:?}");
    }
    // No name that is drawn is cut (the spoken description of many curves is), and nothing is wider than a column.
    for (name, figure) in &figures {
        let svg = figure.to_svg();
        assert!(svg.contains("width=\"84mm\""), "{name}");
        let drawn = svg.split("<text").skip(1).filter_map(|rest| rest.split("</text>").next());
        assert!(drawn.clone().count() > 0 && drawn.into_iter().all(|text| !text.contains('…')), "{name}");
    }
}

#[test]
fn assets_are_numbered_and_indexed_by_their_whole_names() {
    let runs: Vec<RunSummary> = (0..2).flat_map(|m| (0..2).map(move |s| run(m, s))).collect();
    let page = report(&runs, &Options::default());
    let index = page.index().to_csv();
    let lines: Vec<&str> = index.lines().collect();
    assert!(lines[1].starts_with("Figure 1,figures/01-test-split-last-epoch-fused,Results,"), "{}", lines[1]);
    for (i, (name, figure)) in page.figures().iter().enumerate() {
        let number = format!("Figure {},figures/{name},", i + 1);
        let line = lines.iter().find(|line| line.starts_with(&number)).unwrap();
        assert!(line.contains(&figure.title), "{line}");
    }
    assert!(lines.iter().any(|line| line.starts_with("Table 1,tables/01-")));
    let long = page.tables().into_iter().find(|(_, t)| t.caption.len() > 60).unwrap();
    let plain =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    assert_eq!(plain(&long.0[3..]), plain(&long.1.caption), "the name is whole");
}
