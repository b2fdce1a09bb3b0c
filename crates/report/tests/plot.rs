//! Pictures that survive any data. Run with `COUNTERPOINT_PICTURES=folder` to
//! get the files and look at them.

use counterpoint_report::plot::{Axis, Dot, DotPlot, Figure, HeatMap, LinePlot, Mark, Series};

const HOSTILE: &str = "</title><script>alert(1)</script>\"'&\u{0}\u{202e}\n";

/// Writes the figure where asked and checks what every figure must be.
fn checked(name: &str, figure: &Figure) -> String {
    let svg = figure.to_svg();
    if let Ok(folder) = std::env::var("COUNTERPOINT_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(format!("{folder}/{name}.svg"), &svg).unwrap();
    }
    for bad in ["NaN", "inf\"", "<script", "onload", "\u{0}", "\u{202e}", "href"] {
        assert!(!svg.contains(bad), "{name} holds {bad}");
    }
    assert!(svg.contains("role=\"img\"") && svg.contains("<title>") && svg.contains("<desc>"));
    balanced(&svg);
    svg
}

/// Every element that opens closes, in order.
fn balanced(markup: &str) {
    let mut open = Vec::new();
    for tag in markup.split('<').skip(1).map(|t| t.split('>').next().unwrap()) {
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
            None if tag.starts_with('?') || tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn curve(end: f64, speed: f64, seed: u32) -> Vec<[f64; 2]> {
    (1..=20)
        .map(|e| {
            let noise = f64::from((e * 37 + seed * 101) % 17) / 17.0 - 0.5;
            [f64::from(e), end * (1.0 - (-f64::from(e) / speed).exp()) + noise]
        })
        .collect()
}

#[test]
fn curves_with_bands_gaps_and_marks() {
    let mut plot = LinePlot::new(
        "Validation accuracy of each modality",
        Axis::new("epoch").whole(),
        Axis::new("accuracy, %").within(0.0, 100.0),
    );
    for (i, (name, end, speed)) in [
        ("dgl, fused", 98.0, 2.0),
        ("dgl, audio", 69.0, 6.0),
        ("joint, fused", 95.0, 2.5),
        ("joint, audio", 38.0, 5.0),
    ]
    .into_iter()
    .enumerate()
    {
        let points = curve(end, speed, i as u32);
        let band: Vec<[f64; 3]> =
            points.iter().map(|p| [p[0], p[1] - 3.0, (p[1] + 3.0).min(100.0)]).collect();
        plot.series.push(Series::new(name, points).banded(band));
    }
    plot.series[3].points[8][1] = f64::NAN;
    plot.series[3].points[10][1] = f64::INFINITY;
    plot.marks.push(("chance".into(), 10.0));
    let svg = checked("lines", &plot.figure());
    assert!(svg.contains("joint, audio ends at"));
    // The point between the two gaps is a mark, the rest two pieces of one path,
    // and the curve ends in a mark, as it has one in the legend.
    assert_eq!(svg.matches("class=\"fill c3\"").count(), 3);
}

#[test]
fn falling_gradients_on_a_log_axis() {
    let mut plot = LinePlot::new("Gradient", Axis::new("epoch").whole(), Axis::new("mean norm").log());
    plot.series.push(Series::new("joint", (0..20).map(|e| [f64::from(e), 0.9 * 0.55_f64.powi(e)])));
    plot.series.push(Series::new("solved", [[0.0, 0.5], [5.0, 0.0], [6.0, -1.0], [7.0, 0.1], [8.0, 0.2]]));
    checked("log", &plot.figure());
}

#[test]
fn curves_of_nothing() {
    let mut plot = LinePlot::new("", Axis::default(), Axis::default());
    assert!(checked("empty", &plot.figure()).contains("no finite values"));
    plot.series.push(Series::new(HOSTILE, [[f64::NAN, 1.0], [1.0, f64::NAN]]).banded([[0.0, f64::NAN, 1.0]]));
    plot.title = HOSTILE.into();
    assert!(!plot.has_values());
    assert!(checked("nan", &plot.figure()).contains("(no values)"));
    let mut one = LinePlot::new("One epoch", Axis::new("epoch").whole(), Axis::new(HOSTILE.repeat(50)));
    one.series.push(Series::new("x".repeat(5000), [[1.0, 0.5]]));
    assert!(checked("one", &one.figure()).len() < 20_000);
    let mut huge = LinePlot::new("Huge", Axis::default(), Axis::default());
    huge.series.push(Series::new("a", [[0.0, -1e299], [1.0, 1e299], [2.0, f64::MAX]]));
    checked("huge", &huge.figure());
}

#[test]
fn many_points_and_many_curves_stay_small() {
    let mut plot = LinePlot::new("Many", Axis::new("step"), Axis::new("loss"));
    for s in 0..60 {
        plot.series.push(Series::new(
            format!("run {s}"),
            (0..20_000).map(|i| [f64::from(i), f64::from((i * s) % 97)]),
        ));
    }
    let svg = checked("many", &plot.figure());
    assert!(svg.len() < 600_000, "{}", svg.len());
    assert!(svg.contains("and 36 more not drawn"));
}

#[test]
fn dots_and_bars() {
    let dot = |name: &str, value: f64, half: f64, colour| Dot {
        name: name.into(),
        value,
        interval: Some([value - half, value + half]),
        colour,
    };
    let mut plot = DotPlot::new("Test accuracy, last epoch", Axis::new("accuracy, %"));
    plot.dots = vec![
        dot("dgl", 98.7, 0.2, 0),
        dot("joint, learning rate x4", 96.2, 1.1, 1),
        dot("joint", 95.8, 0.7, 2),
        dot("only image", 95.6, 0.6, 3),
        Dot { name: "diverged".into(), value: f64::NAN, ..Dot::default() },
        Dot { name: "one seed".into(), value: 94.0, ..Dot::default() },
    ];
    assert!(checked("dots", &plot.figure()).contains(">missing<"));
    let mut gains =
        DotPlot { mark: Mark::Bar, reference: Some(0.0), ..DotPlot::new("Gain", Axis::new("points")) };
    gains.dots = (0..10).map(|d| dot(&format!("digit {d}"), f64::from(d) * 1.3 - 3.0, 1.0, 0)).collect();
    checked("bars", &gains.figure());
    gains.dots = (0..500).map(|_| dot(HOSTILE, 1e5, f64::NAN, 900)).collect();
    assert!(checked("bars-many", &gains.figure()).contains("and 440 more not drawn"));
    checked("dots-empty", &DotPlot::default().figure());
}

#[test]
fn matrices() {
    let names: Vec<String> = (0..10).map(|d| format!("digit {d}")).collect();
    let counts: Vec<Vec<u64>> = (0..10_u64)
        .map(|i| {
            (0..10_u64).map(|j| if i == j { 80 + i } else { (i * 3 + j * 7) % 11 / 7 * (j + 1) }).collect()
        })
        .collect();
    checked("confusion", &HeatMap::confusion("Fused, test", &names, &counts.into()).figure());
    let cosine = vec![vec![1.0, -0.42, 0.1], vec![-0.42, 1.0, f64::NAN], vec![0.1, f64::NAN, 1.0]];
    let short: Vec<String> = ["fused", "audio", "image"].map(String::from).to_vec();
    checked("cosine", &HeatMap::new("Cosine of gradients", short.clone(), short, cosine).figure());
    let large: Vec<Vec<u64>> = (0..309)
        .map(|i| (0..309).map(|j| u64::from(i == j) * 9 + u64::from((i * j) % 50 == 1)).collect())
        .collect();
    let svg = checked("confusion-large", &HeatMap::confusion("309 classes", &names, &large.into()).figure());
    assert!(svg.len() < 200_000, "{}", svg.len());
    let one = HeatMap::confusion::<&str>(HOSTILE, &[HOSTILE], &vec![vec![3]].into());
    checked("confusion-one", &one.figure());
    checked(
        "confusion-none",
        &HeatMap::confusion::<&str>("", &[], &vec![vec![], vec![1, 2, 3], vec![0, 0]].into()).figure(),
    );
    let huge: Vec<Vec<u64>> =
        (0..2000).map(|i| (0..2000).map(|j| (i * 7919 + j * 104_729) % 1009).collect()).collect();
    let svg = checked("confusion-huge", &HeatMap::confusion("huge", &names, &huge.into()).figure());
    assert!(svg.len() < 800_000 && svg.contains("the faintest cells are left out"), "{}", svg.len());
}
