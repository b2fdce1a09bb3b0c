//! Statistics against SciPy 1.17.1 and statsmodels 0.15.0 (NumPy 2.4.6). The
//! call that gave each number stands beside it.

use counterpoint_report::statistics::*;

const JOINT: [f64; 5] = [0.958, 0.952, 0.964, 0.949, 0.967];
const DGL: [f64; 5] = [0.987, 0.986, 0.988, 0.981, 0.979];
const SKEWED: [f64; 12] = [0.2, 0.5, 0.7, 0.9, 1.1, 1.3, 1.8, 2.4, 3.9, 8.1, 0.4, 0.6];

fn near(ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours - theirs).abs() <= tolerance, "{ours} {theirs}");
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn deviation(x: &[f64]) -> f64 {
    (x.iter().map(|v| (v - mean(x)).powi(2)).sum::<f64>() / x.len() as f64).sqrt()
}

#[test]
fn mean_spread_and_t_interval() {
    let s = Summary::of(&JOINT);
    near(s.sd.unwrap(), 0.007648529270389184, 1e-15); // np.std(x, ddof=1)
    near(s.standard_error().unwrap(), 0.003420526275297417, 1e-15); // stats.sem(x)
    let t95 = s.t_interval(0.95).unwrap(); // stats.t.interval(.95, 4, mean, sem)
    near(t95.low, 0.9485030965657499, 1e-13);
    near(t95.high, 0.9674969034342498, 1e-13);
    let t99 = s.t_interval(0.99).unwrap();
    near(t99.low, 0.9422515725185852, 1e-13);
    near(t99.high, 0.9737484274814145, 1e-13);
}

#[test]
fn paired_comparison() {
    let c = Comparison::paired(&DGL, &JOINT, &Resampling::default());
    near(c.p.unwrap(), 0.002628874184581826, 1e-12); // stats.ttest_rel(y, x)
    let interval = c.interval.unwrap();
    near(interval.low, 0.015290301736601087, 1e-13);
    near(interval.high, 0.03710969826339896, 1e-13);
    assert_eq!(c.verdict, Verdict::BeyondNoise);
    let back = Comparison::paired(&JOINT, &DGL, &Resampling::default());
    assert_eq!(back.verdict, Verdict::BeyondNoise);
    assert_eq!(
        back.sentence(100.0, 1, "points"),
        "the gap of -2.6 points is beyond noise (95 % interval -3.7 to -1.5, 5 pairs)"
    );
    let noise = Comparison::paired(&JOINT, &[0.96, 0.95, 0.95, 0.96, 0.96], &Resampling::default());
    assert_eq!(noise.verdict, Verdict::WithinNoise);
}

#[test]
fn bootstrap_intervals() {
    // stats.bootstrap(n_resamples=400000, rng=default_rng(1)); the tolerance is
    // the scatter of an end between seeds at 20 000 draws.
    let plan = Resampling { draws: 20_000, ..Resampling::default() };
    let check = |interval: Option<Interval>, low: f64, high: f64, tolerance: f64| {
        near(interval.unwrap().low, low, tolerance);
        near(interval.unwrap().high, high, tolerance);
    };
    check(percentile_interval(&SKEWED, mean, &plan), 0.8333, 3.1917, 0.05);
    check(percentile_interval(&SKEWED, deviation, &plan), 0.5104, 3.1660, 0.05);
    check(bca_interval(&SKEWED, mean, &plan), 1.0, 3.8417, 0.05);
    check(bca_interval(&SKEWED, deviation, &plan), 0.9139, 3.5970, 0.07);
    // The correction is visible: it moves the ends by a multiple of the tolerance.
    assert_eq!(bca_interval(&SKEWED, mean, &plan), bca_interval(&SKEWED, mean, &plan));
    let other = Resampling { seed: 1, ..plan };
    assert_ne!(bca_interval(&SKEWED, deviation, &plan), bca_interval(&SKEWED, deviation, &other));
}

#[test]
fn quantiles_interpolate_as_numpy_does() {
    let mut sorted = SKEWED.to_vec();
    sorted.sort_by(f64::total_cmp);
    for (p, value) in [(0.0, 0.2), (0.1, 0.41), (0.25, 0.575), (0.5, 1.0), (0.975, 6.945), (1.0, 8.1)] {
        near(quantile(&sorted, p).unwrap(), value, 1e-12); // np.quantile
    }
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(quantile(&sorted, 1.1), None);
    assert_eq!(quantile(&sorted, f64::NAN), None);
}

#[test]
fn seeds_and_samples_together() {
    // 400 000 draws with NumPy (default_rng(3)), shared: multinomial weights of
    // the samples times a draw of seeds; nested: binomial counts per drawn seed.
    let right = |i: usize, j: usize| f64::from((i * 7 + j * 13 + (i * j) % 5) % 10 < 6 + i % 3);
    let grid: Vec<Vec<f64>> = (0..4).map(|i| (0..60).map(|j| right(i, j)).collect()).collect();
    let plan = Resampling::default();
    let shared = grid_interval(&grid, Crossing::Shared, &plan).unwrap();
    near(shared.low, 0.5, 0.0065);
    near(shared.high, 0.7, 0.0065);
    let nested = grid_interval(&grid, Crossing::Nested, &plan).unwrap();
    near(nested.low, 0.50833, 0.0065);
    near(nested.high, 0.69167, 0.0065);
    assert_eq!(shared.method, Method::SeedsAndSamples);
}

#[test]
fn samples_shared_by_all_seeds_do_not_average_out() {
    // All seeds right on the same half: ten seeds know no more than one.
    let row: Vec<f64> = (0..100).map(|j| f64::from(j % 2)).collect();
    let grid = vec![row; 10];
    let plan = Resampling { draws: 2000, ..Resampling::default() };
    let width = |c| grid_interval(&grid, c, &plan).map(|i| i.high - i.low).unwrap();
    assert!(width(Crossing::Shared) > 2.5 * width(Crossing::Nested));
}

#[test]
fn mcnemar() {
    // mcnemar([[0, b], [c, 0]], exact=True).pvalue; exact=False, correction=True
    for (b, c, exact, statistic, corrected) in [
        (6, 1, 0.125, 2.2857142857142856, 0.13057001811573693),
        (10, 25, 0.016673847800120715, 5.6, 0.01796047752607879),
        (0, 5, 0.0625, 3.2, 0.07363827012030258),
        (121, 59, 4.4344492637551645e-06, 20.67222222222222, 5.450094825427117e-06),
        (400, 350, 0.07350777405843484, 3.2013333333333334, 0.07357826163585493),
    ] {
        let test = McNemar::of_counts(b, c);
        near(test.exact, exact, 1e-11 * exact);
        near(test.statistic.unwrap(), statistic, 1e-12);
        near(test.corrected.unwrap(), corrected, 1e-11);
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
    let p = [0.01, 0.04, 0.03, 0.005, 0.5, 0.04].map(Some);
    let theirs = [0.05, 0.12, 0.12, 0.03, 0.5, 0.12]; // multipletests(p, method='holm')[1]
    for (ours, theirs) in holm(&p).into_iter().zip(theirs) {
        near(ours.unwrap(), theirs, 1e-12);
    }
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
    assert_eq!(grid_interval::<Vec<f64>>(&[], Crossing::Shared, &plan), None);
    assert_eq!(grid_interval(&[vec![1.0], vec![]], Crossing::Nested, &plan), None);
    assert_eq!(grid_interval(&[vec![1.0], vec![1.0, 2.0]], Crossing::Shared, &plan), None);
    assert_eq!(grid_interval(&[vec![1.0, f64::NAN]], Crossing::Shared, &plan), None);

    let sentence = |a: &[f64], b: &[f64]| Comparison::paired(a, b, &plan).sentence(100.0, 1, "points");
    assert_eq!(sentence(&[], &[]), "there is no gap to judge: no pair of finished runs");
    assert_eq!(
        sentence(&[0.9], &[0.88]),
        "the gap of 2.0 points cannot be judged: one pair only, two are the least"
    );
    assert_eq!(
        sentence(&[0.9, 0.8, f64::NAN], &[0.9, 0.8, 0.1]),
        "the gap of 0.0 points cannot be judged: all 2 differences are equal, so they show no spread; 1 pair is missing"
    );
}
