//! Bootstrap over seeds and samples together.

use std::collections::BTreeMap;

use super::{Interval, Method, Resampling, random::Stream};

/// Percentile interval of the mean of `values[run][sample]`, drawing folds, runs and samples with replacement.
///
/// `folds[run]` names the samples that a run was tested on. A draw takes folds,
/// of each one set of its samples, and as many of its runs as it has, all of
/// them on that set: the runs of a fold share their samples (the pigeonhole
/// bootstrap, Owen 2007), and folds have none in common. Runs without an entry
/// share one fold.
///
/// For a comparison of two methods hand in the differences per run and sample.
/// With one run only samples are drawn. `None` without runs or samples, with
/// values that are not finite, with rows of unequal length in one fold, or when
/// `plan` is impossible.
///
/// ```
/// use counterpoint_report::statistics::{Resampling, grid_interval};
/// // Two seeds disagree about every sample: more samples would not help.
/// let grid = [vec![1.0; 500], vec![0.0; 500]];
/// let interval = grid_interval(&grid, &[0, 0], &Resampling::default()).unwrap();
/// assert_eq!((interval.low, interval.high), (0.0, 1.0));
/// ```
pub fn grid_interval<R: AsRef<[f64]>>(values: &[R], folds: &[usize], plan: &Resampling) -> Option<Interval> {
    let mut of: BTreeMap<usize, Vec<&[f64]>> = BTreeMap::new();
    for (run, row) in values.iter().enumerate() {
        of.entry(folds.get(run).copied().unwrap_or(0)).or_default().push(row.as_ref());
    }
    let folds: Vec<Vec<&[f64]>> = of.into_values().collect();
    let sound = |row: &&[f64]| !row.is_empty() && row.iter().all(|x| x.is_finite());
    let even = |runs: &Vec<&[f64]>| runs.iter().all(|row| row.len() == runs[0].len());
    if folds.is_empty() || !folds.iter().flatten().all(sound) || !folds.iter().all(even) || !plan.valid() {
        return None;
    }
    let mut stream = Stream::new(plan.seed);
    let mut times: Vec<u32> = Vec::new();
    let mut draws: Vec<f64> = (0..plan.draws)
        .map(|_| {
            let total: f64 = (0..folds.len())
                .map(|_| {
                    let runs = &folds[stream.one_of(folds.len())];
                    let samples = runs[0].len();
                    times.clear();
                    times.resize(samples, 0);
                    (0..samples).for_each(|_| times[stream.below(samples)] += 1);
                    let of_run = |row: &[f64]| -> f64 {
                        row.iter().zip(&times).map(|(x, &n)| x * f64::from(n)).sum::<f64>() / samples as f64
                    };
                    let drawn = (0..runs.len()).map(|_| of_run(runs[stream.one_of(runs.len())])).sum::<f64>();
                    drawn / runs.len() as f64
                })
                .sum();
            total / folds.len() as f64
        })
        .collect();
    plan.interval(&mut draws, plan.tails(), Method::SeedsAndSamples)
}
