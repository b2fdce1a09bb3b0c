//! k-means and how pure its clusters are.

use super::random::Random;

/// Scales every column to [-1, 1] by its smallest and largest value; a column
/// without spread becomes 0. `values` is row-major `[_, width]`.
pub fn scale_columns(values: &mut [f32], width: usize) {
    let mut range = vec![(f32::INFINITY, f32::NEG_INFINITY); width];
    for row in values.chunks_exact(width) {
        for (&v, (low, high)) in row.iter().zip(&mut range) {
            *low = low.min(v);
            *high = high.max(v);
        }
    }
    for row in values.chunks_exact_mut(width) {
        for (v, (low, high)) in row.iter_mut().zip(&range) {
            *v = if high > low { 2.0 * (*v - low) / (high - low) - 1.0 } else { 0.0 };
        }
    }
}

/// The cluster of every row of `values` (row-major `[_, width]`) by k-means:
/// k-means++ starts (Arthur and Vassilvitskii 2007), Lloyd's iteration until
/// nothing moves or 100 times, the best of `starts`. Ties go to the smaller
/// index, so the result is a function of the arguments.
pub fn k_means(values: &[f32], width: usize, k: usize, starts: usize, random: &mut Random) -> Vec<usize> {
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..starts {
        let (spread, clusters) = run(values, width, k, random);
        if best.as_ref().is_none_or(|(least, _)| spread < *least) {
            best = Some((spread, clusters));
        }
    }
    best.map_or_else(Vec::new, |(_, clusters)| clusters)
}

fn run(values: &[f32], width: usize, k: usize, random: &mut Random) -> (f64, Vec<usize>) {
    let rows: Vec<&[f32]> = values.chunks_exact(width).collect();
    let mut centers = start(&rows, k, random);
    let mut clusters = vec![usize::MAX; rows.len()];
    let mut spread = 0.0;
    for _ in 0..100 {
        let mut moved = false;
        spread = 0.0;
        for (row, cluster) in rows.iter().zip(&mut clusters) {
            let (nearest, distance) = nearest(row, &centers);
            moved |= *cluster != nearest;
            *cluster = nearest;
            spread += distance;
        }
        if !moved {
            break;
        }
        let mut sums = vec![vec![0.0_f64; width]; centers.len()];
        let mut counts = vec![0_usize; centers.len()];
        for (row, &cluster) in rows.iter().zip(&clusters) {
            counts[cluster] += 1;
            sums[cluster].iter_mut().zip(*row).for_each(|(sum, &v)| *sum += f64::from(v));
        }
        // A cluster that lost all its rows keeps its center.
        for ((center, sum), &count) in centers.iter_mut().zip(&sums).zip(&counts).filter(|(_, c)| **c > 0) {
            center.iter_mut().zip(sum).for_each(|(c, s)| *c = (s / count as f64) as f32);
        }
    }
    (spread, clusters)
}

/// Rows drawn with probability proportional to their squared distance from
/// those already drawn.
fn start(rows: &[&[f32]], k: usize, random: &mut Random) -> Vec<Vec<f32>> {
    let mut centers = Vec::new();
    let mut distances = vec![f64::INFINITY; rows.len()];
    while centers.len() < k.min(rows.len()) {
        let total: f64 = distances.iter().sum();
        let drawn = if centers.is_empty() || total <= 0.0 {
            random.below(rows.len())
        } else {
            let mut left = random.uniform() * total;
            let passed = |d: &f64| {
                left -= d;
                left < 0.0
            };
            distances.iter().position(passed).unwrap_or(rows.len() - 1)
        };
        centers.push(rows[drawn].to_vec());
        for (row, distance) in rows.iter().zip(&mut distances) {
            *distance = distance.min(squared_distance(row, rows[drawn]));
        }
    }
    centers
}

fn nearest(row: &[f32], centers: &[Vec<f32>]) -> (usize, f64) {
    let distances = centers.iter().map(|center| squared_distance(row, center)).enumerate();
    distances.fold((0, f64::INFINITY), |best, (i, d)| if d < best.1 { (i, d) } else { best })
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f32>().into()
}

/// Share of the items whose cluster's most frequent label is theirs.
pub fn purity(clusters: &[usize], labels: &[usize]) -> f64 {
    let size = |ids: &[usize]| ids.iter().max().map_or(0, |max| max + 1);
    let classes = size(labels);
    let mut counts = vec![0_usize; size(clusters) * classes];
    for (&cluster, &label) in clusters.iter().zip(labels) {
        counts[cluster * classes + label] += 1;
    }
    let of_majority: usize = counts.chunks_exact(classes.max(1)).filter_map(|c| c.iter().max()).sum();
    of_majority as f64 / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separated_classes_are_pure_and_names_of_clusters_do_not_matter() {
        let labels: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let mut noise = Random::new(1, &["noise"]);
        let mut values: Vec<f32> = labels
            .iter()
            .flat_map(|&l| [l as f32 * 10.0 + noise.uniform() as f32, noise.uniform() as f32 * 0.1])
            .collect();
        let clusters = k_means(&values, 2, 3, 4, &mut Random::new(0, &["k"]));
        assert_eq!(purity(&clusters, &labels), 1.0);
        let renamed: Vec<usize> = clusters.iter().map(|c| (c + 1) % 3).collect();
        assert_eq!(purity(&renamed, &labels), 1.0);
        assert_eq!(clusters, k_means(&values, 2, 3, 4, &mut Random::new(0, &["k"])));
        scale_columns(&mut values, 2);
        assert!(
            values.iter().all(|v| (-1.0..=1.0).contains(v))
                && values.contains(&-1.0)
                && values.contains(&1.0)
        );
    }

    #[test]
    fn purity_by_hand() {
        // Cluster 0 holds labels 0, 0, 1; cluster 1 holds 1, 2.
        assert!((purity(&[0, 0, 0, 1, 1], &[0, 0, 1, 1, 2]) - 0.6).abs() < 1e-12);
        // One cluster: the share of the most frequent label.
        assert!((purity(&[0; 5], &[0, 0, 1, 1, 1]) - 0.6).abs() < 1e-12);
    }
}
