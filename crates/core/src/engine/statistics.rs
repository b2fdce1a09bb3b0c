//! Statistics of batch norm over ranks.

use counterpoint_kernels::norm::Statistics;

use crate::peers::Among;

/// How many pixels all ranks have, and their statistics, from those here.
pub fn of_all_ranks(among: &Among, (pixels, own): (usize, Statistics<f64>)) -> (usize, Statistics<f64>) {
    let channels = own.mean.len();
    let told = [vec![pixels as f64], own.mean, own.variance].concat();
    let read = |told: Vec<f64>| {
        let (mean, variance) = told[1..].split_at(channels);
        (told[0] as usize, Statistics { mean: mean.to_vec(), variance: variance.to_vec() })
    };
    let parts: Vec<(usize, Statistics<f64>)> = among.exchange(false, &told).into_iter().map(read).collect();
    (parts.iter().map(|(pixels, _)| pixels).sum(), Statistics::merged(&parts))
}
