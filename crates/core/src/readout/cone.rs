//! The convex problem of a readout, in few numbers and without tensors.
//!
//! ```text
//! min over w >= 0 of  mean over samples of loss(sum_r w_r s_r, y) + ridge / 2 ||w||^2
//! ```
//!
//! `s_r` are the scores of row `r`, the loss is that of [`Truth`]. With one row
//! and no ridge the answer is a temperature ([`temperature`]). With a ridge the
//! problem is strictly convex, so its only minimum is where Karush, Kuhn and
//! Tucker's conditions hold: no slope at a weight above 0, and no descent at one
//! that is 0. [`weights`] reaches it by an active set of rows (Lawson and Hanson,
//! Solving Least Squares Problems, chapter 23) with Newton steps inside, and says
//! how far from the conditions it ended.
//!
//! It starts at 0 and not at 1: there no softmax is saturated, whatever the scale
//! of the scores, so that the second derivatives mean something.

use super::Truth;

/// Newton steps in one set of rows after which it goes on to the next.
const STEPS: usize = 100;
/// Share of the predicted decrease that a step must bring (Armijo).
const ENOUGH: f64 = 1e-4;
/// A decrease that double precision no longer tells from none.
const STILL: f64 = 1e-16;
/// Largest temperature, in units of 1 / spread of the scores: where validation is
/// separated, a larger one would make the loss smaller for ever.
const SHARPEST: f64 = 100.0;

/// Where the minimum is.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// One weight for each row, at least 0.
    pub weights: Vec<f64>,
    /// The mean loss there, without the ridge.
    pub loss: f64,
    /// Largest violation of the conditions, each row in units of its spread.
    pub fault: f64,
}

/// The weights of rows of scores, each `[samples, outputs]` row-major and 0 where it has none.
pub fn weights(truth: &Truth, rows: &[Vec<f64>], ridge: f64) -> Minimum {
    let spreads: Vec<f64> = rows.iter().map(|row| truth.spread(row)).collect();
    let spread = |r: usize| if spreads[r] > 0.0 { spreads[r] } else { 1.0 };
    let problem = Problem { truth, rows, ridge };
    let mut at = vec![0.0; rows.len()];
    let mut free: Vec<usize> = Vec::new();
    let all: Vec<usize> = (0..rows.len()).filter(|&r| spreads[r] > 0.0).collect();
    // A set of rows has one minimum and every further one lies below, so none comes twice.
    for _ in 0..1 << rows.len().min(16) {
        problem.settle(&mut at, &mut free);
        let slopes = problem.slopes(&at, &all);
        let steepest = all.iter().zip(&slopes.gradient).filter(|(r, _)| !free.contains(r));
        let steepest = steepest.map(|(&r, g)| (r, g / spread(r))).min_by(|a, b| a.1.total_cmp(&b.1));
        match steepest {
            Some((row, slope)) if slope < -1e-9 => free.push(row),
            _ => break,
        }
    }
    let slopes = problem.slopes(&at, &all);
    let violation = |(&r, g): (&usize, &f64)| {
        let g = g / spread(r);
        if at[r] > 0.0 { g.abs() } else { (-g).max(0.0) }
    };
    let fault = all.iter().zip(&slopes.gradient).map(violation).fold(0.0, f64::max);
    let loss = slopes.value - ridge / 2.0 * at.iter().map(|w| w * w).sum::<f64>();
    Minimum { weights: at, loss, fault }
}

/// The factor of at least 0 that makes a row's mean loss smallest, and that loss.
pub fn temperature(truth: &Truth, row: &[f64]) -> (f64, f64) {
    let spread = truth.spread(row);
    let rows = [row.to_vec()];
    let problem = Problem { truth, rows: &rows, ridge: 0.0 };
    let at = |t: f64| {
        let slopes = problem.slopes(&[t], &[0]);
        (slopes.value, slopes.gradient[0], slopes.hessian[0])
    };
    let sharpest = if truth.is_bounded() { f64::MAX.sqrt() } else { SHARPEST };
    if spread == 0.0 || at(0.0).1 >= 0.0 {
        return (0.0, at(0.0).0);
    }
    let (mut low, mut high) = (0.0, sharpest / spread);
    let mut t = (1.0 / spread).min(high);
    if !truth.is_bounded() && at(high).1 <= 0.0 {
        return (high, at(high).0);
    }
    for _ in 0..STEPS {
        let (_, slope, curvature) = at(t);
        if slope > 0.0 {
            high = t
        } else {
            low = t
        }
        let newton = t - slope / curvature;
        let inside = newton > low && newton < high;
        let next = if inside { newton } else { low + (high.min(low * 4.0 + 1.0 / spread) - low) / 2.0 };
        if (next - t).abs() <= 1e-12 * t.abs() {
            break;
        }
        t = next;
    }
    (t, at(t).0)
}

struct Problem<'a> {
    truth: &'a Truth,
    rows: &'a [Vec<f64>],
    ridge: f64,
}

/// Value, and of some rows the first and second derivatives.
struct Slopes {
    value: f64,
    gradient: Vec<f64>,
    /// `[rows, rows]`, row-major.
    hessian: Vec<f64>,
}

impl Problem<'_> {
    fn slopes(&self, at: &[f64], of: &[usize]) -> Slopes {
        let (samples, width) = (self.truth.samples(), self.truth.width());
        let count = of.len();
        let mut slopes = Slopes { value: 0.0, gradient: vec![0.0; count], hessian: vec![0.0; count * count] };
        let mut scores = vec![0.0; width];
        let mut curved = vec![0.0; count * width];
        for sample in 0..samples {
            let range = sample * width..(sample + 1) * width;
            scores.fill(0.0);
            for (row, &w) in self.rows.iter().zip(at).filter(|(_, w)| **w != 0.0) {
                scores.iter_mut().zip(&row[range.clone()]).for_each(|(s, z)| *s += w * z);
            }
            let local = self.truth.slopes(sample, &scores);
            slopes.value += local.value;
            for (i, &r) in of.iter().enumerate() {
                let z = &self.rows[r][range.clone()];
                slopes.gradient[i] += z.iter().zip(&local.gradient).map(|(z, g)| z * g).sum::<f64>();
                // The second derivative is diag(d) - p p^T.
                let mean: f64 = z.iter().zip(&local.rank_one).map(|(z, p)| z * p).sum();
                let part = &mut curved[i * width..(i + 1) * width];
                for ((part, z), (d, p)) in
                    part.iter_mut().zip(z).zip(local.diagonal.iter().zip(&local.rank_one))
                {
                    *part = d * z - p * mean;
                }
            }
            for (i, part) in curved.chunks_exact(width).enumerate() {
                for (j, &r) in of.iter().enumerate().take(i + 1) {
                    let z = &self.rows[r][range.clone()];
                    slopes.hessian[i * count + j] += part.iter().zip(z).map(|(c, z)| c * z).sum::<f64>();
                }
            }
        }
        let mean = 1.0 / samples.max(1) as f64;
        slopes.value *= mean;
        slopes.gradient.iter_mut().for_each(|g| *g *= mean);
        slopes.hessian.iter_mut().for_each(|h| *h *= mean);
        slopes.value += self.ridge / 2.0 * at.iter().map(|w| w * w).sum::<f64>();
        for (i, &r) in of.iter().enumerate() {
            slopes.gradient[i] += self.ridge * at[r];
            slopes.hessian[i * count + i] += self.ridge;
            for j in 0..i {
                slopes.hessian[j * count + i] = slopes.hessian[i * count + j];
            }
        }
        slopes
    }

    /// The minimum over the free rows, where one that reaches 0 stops being free.
    fn settle(&self, at: &mut Vec<f64>, free: &mut Vec<usize>) {
        for _ in 0..STEPS {
            if free.is_empty() {
                return;
            }
            let slopes = self.slopes(at, free);
            let Some(direction) = newton(&slopes) else { return };
            let slope: f64 = direction.iter().zip(&slopes.gradient).map(|(d, g)| d * g).sum();
            if -slope <= STILL * (1.0 + slopes.value.abs()) {
                return;
            }
            let room = |(&r, &d): (&usize, &f64)| if d < 0.0 { at[r] / -d } else { f64::INFINITY };
            let room = free.iter().zip(&direction).map(room).fold(f64::INFINITY, f64::min);
            let mut step = room.min(1.0);
            let reached = loop {
                let mut next = at.clone();
                for (&r, d) in free.iter().zip(&direction) {
                    next[r] = (at[r] + step * d).max(0.0);
                    if step == room && d < &0.0 && at[r] / -d <= room {
                        next[r] = 0.0;
                    }
                }
                if self.slopes(&next, &[]).value <= slopes.value + ENOUGH * step * slope {
                    break Some(next);
                }
                step *= 0.5;
                if step < 1e-18 {
                    break None;
                }
            };
            let Some(next) = reached else { return };
            *at = next;
            free.retain(|&r| at[r] > 0.0);
        }
    }
}

/// Minus the inverse of the second derivative times the first, by Cholesky; `None` if it has none.
fn newton(slopes: &Slopes) -> Option<Vec<f64>> {
    let count = slopes.gradient.len();
    let mut l = slopes.hessian.clone();
    for i in 0..count {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| l[i * count + k] * l[j * count + k]).sum();
            let rest = l[i * count + j] - sum;
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                l[i * count + i] = rest.sqrt();
            } else {
                l[i * count + j] = rest / l[j * count + j];
            }
        }
    }
    let mut x: Vec<f64> = slopes.gradient.iter().map(|g| -g).collect();
    for i in 0..count {
        let sum: f64 = (0..i).map(|k| l[i * count + k] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * count + i];
    }
    for i in (0..count).rev() {
        let sum: f64 = (i + 1..count).map(|k| l[k * count + i] * x[k]).sum();
        x[i] = (x[i] - sum) / l[i * count + i];
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Random;

    /// Scores of some rows, each the truth's with another strength in noise of its own.
    fn drawn(seed: u64, samples: usize, strengths: &[f64], scale: f64) -> (Truth, Vec<Vec<f64>>) {
        let width = 4;
        let mut random = Random::new(seed, &["cone"]);
        let classes: Vec<usize> = (0..samples).map(|_| (random.uniform() * width as f64) as usize).collect();
        let rows = strengths.iter().map(|strength| {
            let of = |class: &usize| -> Vec<f64> {
                (0..width)
                    .map(|k| scale * (random.normal() + if k == *class { *strength } else { 0.0 }))
                    .collect()
            };
            classes.iter().flat_map(of).collect()
        });
        let rows = rows.collect();
        (Truth::Classes { classes, count: width }, rows)
    }

    fn value(truth: &Truth, rows: &[Vec<f64>], ridge: f64, at: &[f64]) -> f64 {
        Problem { truth, rows, ridge }.slopes(at, &[]).value
    }

    #[test]
    fn the_conditions_hold_and_nothing_near_is_better() {
        for seed in 0..40 {
            let scale = 10_f64.powi(seed as i32 % 7 - 3);
            let (truth, rows) = drawn(seed, 60, &[1.5, 0.0, -1.5, 0.8, 0.1], scale);
            let ridge = 1e-3 * scale * scale;
            let found = weights(&truth, &rows, ridge);
            assert!(found.fault < 1e-7, "{seed}: {found:?}");
            let least = value(&truth, &rows, ridge, &found.weights);
            let mut random = Random::new(seed, &["near"]);
            for _ in 0..50 {
                let size = 10_f64.powf(-4.0 * random.uniform()) / scale;
                let near = |w: &f64| (w + size * random.normal()).max(0.0);
                let near: Vec<f64> = found.weights.iter().map(near).collect();
                assert!(value(&truth, &rows, ridge, &near) >= least - 1e-12, "{seed}");
            }
            // A row against the truth has no place.
            assert_eq!(found.weights[2], 0.0, "{seed}: {found:?}");
            assert!(found.weights[0] > 0.0);
        }
    }

    #[test]
    fn saturated_and_separated_scores_have_their_minimum_too() {
        // A first row that is always right by a wide margin, a second that repeats it, and noise.
        let (truth, rows) = drawn(3, 80, &[40.0, 40.0, 0.0], 50.0);
        let found = weights(&truth, &rows, 1e-3);
        assert!(found.fault < 1e-7 && found.loss < 1e-2, "{found:?}");
        assert!(found.weights[0] > 0.0 && found.weights[0] < 0.1, "{found:?}");
        let doubled = vec![rows[0].clone(), rows[0].clone()];
        let twins = weights(&truth, &doubled, 1e-3);
        assert!(twins.fault < 1e-7 && (twins.weights[0] - twins.weights[1]).abs() < 1e-6, "{twins:?}");
    }

    #[test]
    fn rows_that_say_nothing_get_nothing() {
        let (truth, mut rows) = drawn(5, 50, &[1.0, -1.0], 1.0);
        rows.push(vec![0.0; rows[0].len()]);
        rows.push(vec![3.0; rows[0].len()]);
        let found = weights(&truth, &rows, 1e-3);
        assert!(found.weights[0] > 0.0 && found.weights[1..] == [0.0; 3], "{found:?}");
        let worst = weights(&truth, &rows[1..2], 1e-3);
        assert_eq!(worst.weights, [0.0]);
        assert!((worst.loss - 4.0_f64.ln()).abs() < 1e-12);
        assert_eq!(weights(&truth, &[], 1e-3).weights, [0.0; 0]);
    }

    #[test]
    fn a_temperature_has_no_slope() {
        for (seed, scale) in [(0, 1e-4), (1, 1.0), (2, 300.0)] {
            let (truth, rows) = drawn(seed, 100, &[1.0], scale);
            let (t, loss) = temperature(&truth, &rows[0]);
            let problem = Problem { truth: &truth, rows: &rows, ridge: 0.0 };
            let slopes = problem.slopes(&[t], &[0]);
            assert!(t > 0.0 && (slopes.gradient[0] / scale).abs() < 1e-9 && slopes.value == loss);
            // The same problem in other units.
            let twice: Vec<f64> = rows[0].iter().map(|z| z * 2.0).collect();
            let (half, same) = temperature(&truth, &twice);
            assert!((half * 2.0 - t).abs() < 1e-9 * t && (same - loss).abs() < 1e-12);
        }
        let (truth, rows) = drawn(4, 100, &[-2.0], 1.0);
        let (none, loss) = temperature(&truth, &rows[0]);
        assert!(none == 0.0 && (loss - 4.0_f64.ln()).abs() < 1e-12);
        // Separated: finite, and better the wider the margin.
        let (truth, rows) = drawn(5, 100, &[30.0], 1.0);
        let (t, loss) = temperature(&truth, &rows[0]);
        assert!(t.is_finite() && (0.0..1e-6).contains(&loss));
    }

    #[test]
    fn least_squares_and_labels_by_hand() {
        // y = 2 a + 0 b: b is against y and gets nothing.
        let truth = Truth::Values { values: vec![2.0, -2.0, 4.0, -4.0], variance: 1.0 };
        let rows = [vec![1.0, -1.0, 2.0, -2.0], vec![-1.0, 1.0, 0.0, 0.0]];
        let found = weights(&truth, &rows, 1e-9);
        assert!((found.weights[0] - 2.0).abs() < 1e-6 && found.weights[1] == 0.0, "{found:?}");
        assert!((temperature(&truth, &rows[0]).0 - 2.0).abs() < 1e-9);
        // One label, right in 3 of 4 samples with one and the same score: sigmoid(w) = 3/4.
        let truth = Truth::Labels { flags: vec![true, true, true, false], width: 1 };
        let (t, loss) = temperature(&truth, &[1.0; 4]);
        assert!((t - 3.0_f64.ln()).abs() < 1e-9);
        assert!((loss + 0.75 * 0.75_f64.ln() + 0.25 * 0.25_f64.ln()).abs() < 1e-12);
        let found = weights(&truth, &[vec![1.0; 4]], 1e-12);
        assert!((found.weights[0] - 3.0_f64.ln()).abs() < 1e-6, "{found:?}");
    }
}
