//! Cross-entropy against its definition, its gradient against differences.

use crate::common::{Numbers, marked, of, same_bits, wide};
use counterpoint_kernels::{Kernels, Level};

struct Case {
    scores: Vec<f64>,
    labels: Vec<u32>,
    shares: Vec<f64>,
    upstream: Vec<f64>,
}

impl Case {
    /// Scores up to `size` far from zero; some rows have no share.
    fn new(rows: usize, classes: usize, size: f64, seed: u64) -> Self {
        let mut n = Numbers(seed);
        let labels = (0..rows).map(|_| n.within(0, classes - 1) as u32).collect();
        let some = |n: &mut Numbers| (0..rows).map(|i| if i % 5 == 3 { 0.0 } else { n.next() }).collect();
        Self {
            scores: n.vec(rows * classes).into_iter().map(|v| f64::from((v * size) as f32)).collect(),
            labels,
            shares: some(&mut n),
            upstream: some(&mut n),
        }
    }

    fn classes(&self) -> usize {
        self.scores.len() / self.labels.len()
    }

    /// Logarithms and losses of every row, by the definition.
    fn expected(&self) -> [Vec<f64>; 2] {
        let row = |(row, scores): (usize, &[f64])| {
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let log = most + scores.iter().map(|s| (s - most).exp()).sum::<f64>().ln();
            (log, (log - scores[self.labels[row] as usize]) * self.shares[row])
        };
        let (logs, losses) = self.scores.chunks_exact(self.classes()).enumerate().map(row).unzip();
        [logs, losses]
    }

    /// Logarithms, losses, and the gradient of the scores.
    fn run<S: Kernels>(&self, level: Level) -> [Vec<f64>; 3] {
        let (scores, shares, upstream) =
            (of::<S>(&self.scores), of::<S>(&self.shares), of::<S>(&self.upstream));
        let [mut logs, mut losses] = [(); 2].map(|()| marked::<S>(self.labels.len()));
        S::cross_entropy(level, &scores, &self.labels, &shares, &mut logs, &mut losses);
        let mut of_scores = marked::<S>(scores.len());
        S::cross_entropy_gradient(level, &scores, &self.labels, &logs, &upstream, &mut of_scores);
        [logs, losses, of_scores].map(|v| wide(&v))
    }
}

fn cases() -> Vec<Case> {
    let sizes = [(1, 1), (3, 2), (7, 16), (300, 40), (33, 70), (20, 13)];
    let both = sizes.into_iter().flat_map(|size| [1.0, 60.0, 1e4].map(|far| (size, far)));
    both.enumerate().map(|(i, ((rows, classes), far))| Case::new(rows, classes, far, i as u64)).collect()
}

#[test]
fn losses_are_those_of_the_definition() {
    for case in cases() {
        let [logs, losses] = case.expected();
        let size = case.scores.iter().fold(1.0, |most: f64, s| most.max(s.abs()));
        let check = |[found_logs, found_losses, _]: [Vec<f64>; 3], limit: f64, what: &str| {
            for (found, expected) in [(found_logs, &logs), (found_losses, &losses)] {
                let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < limit * size, "{what}, scores up to {size}: {worst}");
            }
        };
        check(case.run::<f64>(Level::Portable), 1e-14, "double");
        for level in Level::available() {
            check(case.run::<f32>(level), 1e-6, level.name());
        }
    }
}

#[test]
fn gradients_are_differences_of_the_losses() {
    for case in cases().into_iter().filter(|case| case.scores.iter().all(|s| s.abs() < 100.0)) {
        let [_, _, gradient] = case.run::<f64>(Level::Portable);
        let classes = case.classes();
        let mut numbers = Numbers(2);
        for _ in 0..20 {
            let at = numbers.within(0, case.scores.len() - 1);
            let row = at / classes;
            let [up, down] = [1e-5, -1e-5].map(|by| {
                let mut scores = case.scores.clone();
                scores[at] += by;
                let (labels, shares) = (case.labels.clone(), vec![1.0; case.labels.len()]);
                Case { scores, labels, shares, upstream: Vec::new() }.expected()[1][row]
            });
            let expected = (up - down) / 2e-5 * case.upstream[row];
            assert!((gradient[at] - expected).abs() < 1e-8, "{} {expected}", gradient[at]);
        }
        // The logarithm is a score's size, and rounded: a share of a class is off by as much, relatively.
        let limit = 1e-7 * case.scores.iter().fold(2.0, |most: f64, s| most.max(s.abs()));
        for level in Level::available() {
            let found = case.run::<f32>(level)[2].clone();
            let worst = found.iter().zip(&gradient).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < limit, "{}: {worst} above {limit}", level.name());
        }
    }
}

#[test]
fn what_is_not_a_number_counts_where_a_row_has_a_share() {
    for level in Level::available() {
        let scores = [0.5, f32::NAN, 1.0, 2.0, f32::NAN, 0.0];
        let (mut logs, mut losses) = ([0.0; 3], [0.0; 3]);
        f32::cross_entropy(level, &scores, &[0, 1, 1], &[1.0, 1.0, 0.0], &mut logs, &mut losses);
        assert!(losses[0].is_nan() && losses[1] < 1.0 && losses[2] == 0.0, "{}: {losses:?}", level.name());
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri runs one thread")]
fn any_number_of_threads_gives_the_same_bits() {
    let case = Case::new(1200, 40, 5.0, 6);
    same_bits("cross-entropy", || {
        case.run::<f32>(Level::best()).concat().into_iter().map(|v| v as f32).collect()
    });
}

#[test]
#[should_panic(expected = "labels below 3")]
fn a_label_that_is_no_class_is_refused() {
    let mut out = [[0.0f32; 1]; 2];
    let [logs, losses] = &mut out;
    f32::cross_entropy(Level::Portable, &[0.0; 3], &[3], &[1.0], logs, losses);
}
