//! Statistics against SciPy and statsmodels. `reference/statistics.py` made the
//! numbers in `reference/statistics.json`, which names the versions.

use counterpoint_report::statistics::*;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("reference/statistics.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn is_near(ours: f64, theirs: f64, tolerance: f64) -> bool {
    (ours - theirs).abs() <= tolerance
}

#[track_caller]
fn near(ours: f64, theirs: f64, tolerance: f64) {
    assert!(is_near(ours, theirs, tolerance), "{ours} {theirs}");
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn deviation(x: &[f64]) -> f64 {
    (x.iter().map(|v| (v - mean(x)).powi(2)).sum::<f64>() / x.len() as f64).sqrt()
}

#[test]
fn mean_spread_and_t_interval() {
    for case in reference()["summaries"].as_array().unwrap() {
        let values = numbers(&case["values"]);
        let s = Summary::of(&values);
        near(s.mean.unwrap(), number(&case["mean"]), 1e-14);
        near(s.sd.unwrap(), number(&case["sd"]), 1e-14);
        near(s.standard_error().unwrap(), number(&case["sem"]), 1e-14);
        let p = number(&case["p_of_zero_mean"]);
        near(s.t_test().unwrap(), p, 1e-9 * p);
        for level in ["0.8", "0.95", "0.99"] {
            let ours = s.t_interval(level.parse().unwrap()).unwrap();
            let theirs = numbers(&case["t_interval"][level]);
            near(ours.low, theirs[0], 1e-12 * theirs[0].abs().max(1.0));
            near(ours.high, theirs[1], 1e-12 * theirs[1].abs().max(1.0));
            // The normal quantile instead of Student's would be too narrow, and seen.
            let z = [("0.8", 1.281_551_6), ("0.95", 1.959_964), ("0.99", 2.575_829_3)];
            let z = z.iter().find(|(name, _)| *name == level).unwrap().1;
            let error = s.standard_error().unwrap();
            assert!(!is_near(s.mean.unwrap() + z * error, theirs[1], 0.05 * error), "{case}");
        }
        // Dividing by n instead of n - 1 would be seen.
        let sd = number(&case["sd"]);
        assert!(!is_near(deviation(&values), sd, 0.01 * sd), "{case}");
    }
}

#[test]
fn paired_comparison() {
    for case in reference()["paired"].as_array().unwrap() {
        let (first, second) = (numbers(&case["first"]), numbers(&case["second"]));
        let c = Comparison::paired(&first, &second, &Resampling::default());
        near(c.difference.unwrap(), number(&case["difference"]), 1e-14);
        near(c.p.unwrap(), number(&case["p"]), 1e-11);
        let interval = c.interval.unwrap();
        near(interval.low, number(&case["low"]), 1e-12);
        near(interval.high, number(&case["high"]), 1e-12);
        let beyond = number(&case["p"]) < 0.05;
        assert_eq!(c.verdict == Verdict::BeyondNoise, beyond, "{case}");
        // Turned round, the gap changes its sign and nothing else.
        let back = Comparison::paired(&second, &first, &Resampling::default());
        assert_eq!((back.p, back.verdict), (c.p, c.verdict));
        near(back.interval.unwrap().low, -interval.high, 1e-15);
        // Other partners are another question: pairing matters.
        let mut turned = second.clone();
        turned.rotate_left(1);
        let other = Comparison::paired(&first, &turned, &Resampling::default());
        assert!(
            other.p.is_none_or(|p| !is_near(p, number(&case["p"]), 1e-6)) || second[0] == second[1],
            "{case}"
        );
    }
    let joint = [0.958, 0.952, 0.964, 0.949, 0.967];
    let back = Comparison::paired(&joint, &[0.987, 0.986, 0.988, 0.981, 0.979], &Resampling::default());
    assert_eq!(
        back.sentence(100.0, 1, "points"),
        "the gap of -2.6 points is beyond noise (95 % interval -3.7 to -1.5, 5 pairs)"
    );
}

#[test]
fn bootstrap_intervals() {
    // The tolerance is about the scatter of an end between seeds at 20 000 draws:
    // two hundredths of the interval's width.
    let plan = Resampling { draws: 20_000, ..Resampling::default() };
    let reference = reference();
    let cases = reference["bootstraps"].as_array().unwrap();
    let mut corrected = 0;
    for case in cases {
        let values = numbers(&case["values"]);
        let statistic = if case["statistic"] == "mean" { mean } else { deviation };
        let interval = |method: &str| match method {
            "BCa" => bca_interval(&values, statistic, &plan).unwrap(),
            _ => percentile_interval(&values, statistic, &plan).unwrap(),
        };
        let method = case["method"].as_str().unwrap();
        let (low, high) = (number(&case["low"]), number(&case["high"]));
        let tolerance = 0.025 * (high - low);
        near(interval(method).low, low, tolerance);
        near(interval(method).high, high, tolerance);
        let other = interval(if method == "BCa" { "percentile" } else { "BCa" });
        corrected +=
            usize::from(!is_near(other.low, low, tolerance) || !is_near(other.high, high, tolerance));
    }
    // Confusing the two methods would be seen in most cases.
    assert!(corrected >= cases.len() / 2, "{corrected} of {}", cases.len());
    let skewed = numbers(&cases[0]["values"]);
    assert_eq!(bca_interval(&skewed, mean, &plan), bca_interval(&skewed, mean, &plan));
    let other = Resampling { seed: 1, ..plan };
    assert_ne!(bca_interval(&skewed, deviation, &plan), bca_interval(&skewed, deviation, &other));
}

#[test]
fn quantiles_interpolate_as_numpy_does() {
    let reference = reference();
    let case = &reference["quantiles"];
    let sorted = numbers(&case["values"]);
    for (p, value) in numbers(&case["at"]).into_iter().zip(numbers(&case["quantiles"])) {
        near(quantile(&sorted, p).unwrap(), value, 1e-12);
    }
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(quantile(&sorted, 1.1), None);
    assert_eq!(quantile(&sorted, f64::NAN), None);
}

/// Right or wrong of a made-up run, as `right` in the script.
fn right(seed: usize, sample: usize, better: usize) -> bool {
    let spread = (seed * sample) % 5 + 3 * better * usize::from(sample.is_multiple_of(4));
    (seed * 7 + sample * 13 + spread) % 10 < 6 + seed % 3 + better
}

#[test]
fn methods_on_the_same_samples() {
    let reference = reference();
    let case = &reference["samples"];
    let [seeds, samples] = ["seeds", "samples"].map(|key| case[key].as_u64().unwrap() as usize);
    let run =
        |seed: usize, better: usize| -> Vec<bool> { (0..samples).map(|j| right(seed, j, better)).collect() };
    let gap = |a: &[bool], b: &[bool]| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| f64::from(u8::from(*a)) - f64::from(u8::from(*b))).collect()
    };
    let plan = Resampling::default();
    let mut grid = Vec::new();
    for (seed, pair) in case["pairs"].as_array().unwrap().iter().enumerate() {
        let (a, b) = (run(seed, 1), run(seed, 0));
        let test = McNemar::of_samples(&a, &b).unwrap();
        assert_eq!(
            [test.only_first, test.only_second],
            ["only_first", "only_second"].map(|k| pair[k].as_u64().unwrap())
        );
        near(test.exact, number(&pair["exact"]), 1e-11);
        near(test.statistic.unwrap(), number(&pair["statistic"]), 1e-11);
        near(test.corrected.unwrap(), number(&pair["corrected"]), 1e-11);
        // The paired bootstrap moves in steps of one sample: two of them are its scatter.
        let paired = grid_interval(&[gap(&a, &b)], &[], &plan).unwrap();
        let step = 2.0 / samples as f64;
        near(paired.low, number(&pair["low"]), step);
        near(paired.high, number(&pair["high"]), step);
        // Against samples in another order the pairs are lost, which is seen.
        let mut turned = b.clone();
        turned.rotate_left(2);
        let lost = grid_interval(&[gap(&a, &turned)], &[], &plan).unwrap();
        assert!(
            !is_near(lost.high - lost.low, number(&pair["high"]) - number(&pair["low"]), step),
            "seed {seed}"
        );
        grid.push(gap(&a, &b));
    }
    assert_eq!(grid.len(), seeds);
    let own: Vec<usize> = (0..seeds).collect();
    for (name, folds) in [("shared", vec![0; seeds]), ("nested", own)] {
        let ours = grid_interval(&grid, &folds, &plan).unwrap();
        let theirs = numbers(&case["grid"][name]);
        near(ours.low, theirs[0], 0.0035);
        near(ours.high, theirs[1], 0.0035);
        assert_eq!(ours.method, Method::SeedsAndSamples);
    }
}

#[test]
fn samples_shared_by_all_seeds_do_not_average_out() {
    // All seeds right on the same half: ten seeds know no more than one.
    let row: Vec<f64> = (0..100).map(|j| f64::from(j % 2)).collect();
    let grid = vec![row; 10];
    let plan = Resampling { draws: 2000, ..Resampling::default() };
    let width = |folds: &[usize]| grid_interval(&grid, folds, &plan).map(|i| i.high - i.low).unwrap();
    let own: Vec<usize> = (0..10).collect();
    assert!(width(&[0; 10]) > 2.5 * width(&own));
    // Two folds of five seeds know what two sets of samples do: the square root of two more than one.
    let two: Vec<usize> = (0..10).map(|run| run % 2).collect();
    assert!(is_near(width(&[0; 10]) / width(&two), 2.0_f64.sqrt(), 0.1));
}

#[test]
fn seeds_of_one_fold_are_no_witnesses_of_other_folds() {
    // Every fold has a gap of its own, which its seeds repeat.
    let of_fold = [0.05, 0.01, -0.01, 0.03];
    let folds: Vec<usize> = (0..40).map(|run| run % 4).collect();
    let first: Vec<f64> = (0..40).map(|run| 0.9 + of_fold[run % 4] + 0.001 * (run / 4) as f64).collect();
    let second: Vec<f64> = (0..40).map(|run| 0.9 + 0.001 * ((run / 4) % 3) as f64).collect();
    let plan = Resampling::default();
    let alone = Comparison::paired(&first, &second, &plan);
    let grouped = Comparison::grouped(&first, &second, &folds, &plan);
    assert_eq!((alone.pairs, alone.folds, grouped.pairs, grouped.folds), (40, None, 40, Some(4)));
    near(grouped.difference.unwrap(), alone.difference.unwrap(), 1e-12);
    assert_eq!((alone.verdict, grouped.verdict.clone()), (Verdict::BeyondNoise, Verdict::WithinNoise));
    // It is the paired t test of the folds' means.
    let means = |x: &[f64]| -> Vec<f64> {
        (0..4).map(|fold| x.iter().skip(fold).step_by(4).sum::<f64>() / 10.0).collect()
    };
    let of_means = Comparison::paired(&means(&first), &means(&second), &plan);
    near(grouped.p.unwrap(), of_means.p.unwrap(), 1e-12);
    near(grouped.interval.unwrap().low, of_means.interval.unwrap().low, 1e-12);
    // A fold that lost a pair counts no less than another; one that lost all is gone.
    let mut torn = first.clone();
    torn[1] = f64::NAN;
    assert_eq!(Comparison::grouped(&torn, &second, &folds, &plan).folds, Some(4));
    (0..40).filter(|run| run % 4 == 2).for_each(|run| torn[run] = f64::NAN);
    let left = Comparison::grouped(&torn, &second, &folds, &plan);
    assert_eq!((left.pairs, left.folds, left.missing), (29, Some(3), 11));
    // One fold, or a fold for every pair: the pairs are what is drawn.
    let own: Vec<usize> = (0..40).collect();
    for folds in [vec![7; 40], own, Vec::new()] {
        assert_eq!(Comparison::grouped(&first, &second, &folds, &plan).folds, None);
    }
}

#[test]
fn mcnemar() {
    for case in reference()["mcnemar"].as_array().unwrap() {
        let [b, c] = ["only_first", "only_second"].map(|key| case[key].as_u64().unwrap());
        let test = McNemar::of_counts(b, c);
        let exact = number(&case["exact"]);
        near(test.exact, exact, 1e-11 * exact);
        near(test.statistic.unwrap(), number(&case["statistic"]), 1e-12);
        near(test.corrected.unwrap(), number(&case["corrected"]), 1e-11);
        // Without the correction the statistic is another.
        let plain = (b as f64 - c as f64).powi(2) / (b + c) as f64;
        assert!(!is_near(plain, number(&case["statistic"]), 1e-3), "{case}");
    }
    // Here statsmodels squares past zero (0.1667); a correction cannot create a gap.
    let equal = McNemar::of_counts(3, 3);
    assert_eq!((equal.exact, equal.statistic, equal.corrected), (1.0, Some(0.0), Some(1.0)));
    let none = McNemar::of_counts(0, 0);
    assert_eq!((none.exact, none.statistic, none.corrected), (1.0, None, None));
    assert!(McNemar::of_counts(u64::MAX, u64::MAX).exact.is_finite());
    let samples = McNemar::of_samples(&[true, true, false, true], &[false, true, true, false]).unwrap();
    assert_eq!((samples.only_first, samples.only_second), (2, 1));
    assert_eq!(McNemar::of_samples(&[true], &[]), None);
    assert_eq!(McNemar::of_samples(&[], &[]), None);
}

#[test]
fn holm_correction() {
    let mut softer = 0;
    for case in reference()["holm"].as_array().unwrap() {
        let p = numbers(&case["p"]);
        let tests: Vec<Option<f64>> = p.iter().copied().map(Some).collect();
        for ((ours, theirs), raw) in holm(&tests).into_iter().zip(numbers(&case["adjusted"])).zip(&p) {
            near(ours.unwrap(), theirs, 1e-12);
            softer += usize::from(!is_near((raw * p.len() as f64).min(1.0), theirs, 1e-6));
        }
    }
    assert!(softer > 5, "Bonferroni's correction is another: {softer}");
    assert_eq!(holm(&[Some(f64::NAN), Some(0.7), None, Some(-1.0)]), [None, Some(0.7), None, None]);
    assert_eq!(holm(&[]), []);
}

#[test]
fn too_little_data_says_so() {
    let plan = Resampling::default();
    assert_eq!(Summary::of(&[]), Summary::default());
    assert_eq!(Summary::of(&[f64::NAN, f64::INFINITY]).missing, 2);
    assert_eq!(Summary::of(&[1.0]).t_interval(0.95), None);
    assert_eq!(Summary::of(&[1.0, 2.0]).t_interval(f64::NAN), None);
    assert_eq!(Summary::of(&[f64::MAX, f64::MAX]).mean, None, "the sum overflows");
    assert_eq!(percentile_interval(&[1.0, f64::NAN], mean, &plan), None);
    assert_eq!(bca_interval(&[3.0; 9], mean, &plan), None);
    assert_eq!(percentile_interval(&[3.0; 9], mean, &plan).map(|i| (i.low, i.high)), Some((3.0, 3.0)));
    assert_eq!(percentile_interval(&[1.0, 2.0], |_| f64::NAN, &plan), None);
    assert_eq!(percentile_interval(&[1.0, 2.0], mean, &Resampling { draws: 0, ..plan }), None);
    assert_eq!(percentile_interval(&[1.0, 2.0], mean, &Resampling { level: 1.0, ..plan }), None);
    assert_eq!(grid_interval::<Vec<f64>>(&[], &[], &plan), None);
    assert_eq!(grid_interval(&[vec![1.0], vec![]], &[0, 1], &plan), None);
    assert_eq!(grid_interval(&[vec![1.0], vec![1.0, 2.0]], &[], &plan), None);
    assert_eq!(grid_interval(&[vec![1.0, f64::NAN]], &[], &plan), None);

    let sentence = |a: &[f64], b: &[f64]| Comparison::paired(a, b, &plan).sentence(100.0, 1, "points");
    assert_eq!(sentence(&[], &[]), "the gap cannot be judged: no pair of finished runs");
    assert_eq!(
        sentence(&[0.9], &[0.88]),
        "the gap of 2.0 points cannot be judged: one pair only, two are the least"
    );
    assert_eq!(
        sentence(&[0.9, 0.8, f64::NAN], &[0.9, 0.8, 0.1]),
        "the gap of 0.0 points cannot be judged: all 2 differences are equal, so they show no spread; 1 pair is missing"
    );
}
