//! Bootstrap over seeds and samples together.

use super::{Interval, Method, Resampling, random::Stream};

/// How the samples belong to the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Every seed was tested on the same samples: a draw takes seeds, and one
    /// set of samples for all of them (the pigeonhole bootstrap, Owen 2007).
    Shared,
    /// Every seed was tested on samples of its own (folds): a draw takes seeds,
    /// and samples anew within each.
    Nested,
}

/// Percentile interval of the mean of `values[seed][sample]`, drawing seeds and
/// samples with replacement.
///
/// For a comparison of two methods hand in the differences per seed and sample.
/// With one seed only samples are drawn. `None` without seeds or samples, with
/// values that are not finite, with rows of unequal length under
/// [`Crossing::Shared`], or when `plan` is impossible.
///
/// ```
/// use counterpoint_report::statistics::{Crossing, Resampling, grid_interval};
/// // Two seeds disagree about every sample: more samples would not help.
/// let grid = [vec![1.0; 500], vec![0.0; 500]];
/// let interval = grid_interval(&grid, Crossing::Shared, &Resampling::default()).unwrap();
/// assert_eq!((interval.low, interval.high), (0.0, 1.0));
/// ```
pub fn grid_interval<R: AsRef<[f64]>>(
    values: &[R],
    crossing: Crossing,
    plan: &Resampling,
) -> Option<Interval> {
    let rows: Vec<&[f64]> = values.iter().map(AsRef::as_ref).collect();
    let samples = rows.first()?.len();
    let ragged = rows.iter().any(|row| row.len() != samples);
    let hollow = rows.iter().any(|row| row.is_empty() || row.iter().any(|x| !x.is_finite()));
    if hollow || !plan.valid() || (ragged && crossing == Crossing::Shared) {
        return None;
    }
    let mut stream = Stream::new(plan.seed);
    let mut times = vec![0_u32; samples];
    let mut draws: Vec<f64> = (0..plan.draws)
        .map(|_| {
            if crossing == Crossing::Shared {
                times.fill(0);
                (0..samples).for_each(|_| times[stream.below(samples)] += 1);
            }
            let total: f64 = (0..rows.len())
                .map(|_| {
                    let row = rows[stream.below(rows.len())];
                    let sum: f64 = match crossing {
                        Crossing::Shared => row.iter().zip(&times).map(|(x, &n)| x * f64::from(n)).sum(),
                        Crossing::Nested => (0..row.len()).map(|_| row[stream.below(row.len())]).sum(),
                    };
                    sum / row.len() as f64
                })
                .sum();
            total / rows.len() as f64
        })
        .collect();
    plan.interval(&mut draws, plan.tails(), Method::SeedsAndSamples)
}
