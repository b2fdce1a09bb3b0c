//! Minimising a smooth convex function of many numbers.
//!
//! Limited-memory BFGS (Nocedal and Wright, Numerical Optimization, algorithm
//! 7.5) with backtracking. Nothing is random, so equal input gives equal bits.

use std::collections::VecDeque;

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 10;
/// Steps after which it gives up.
const STEPS: usize = 2000;
/// Share of the predicted decrease that a step must bring (Armijo).
const ENOUGH: f64 = 1e-4;

/// Where it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The point.
    pub at: Vec<f64>,
    /// Largest absolute entry of the gradient there.
    pub gradient: f64,
}

/// The minimum of a function that gives its value and writes its gradient,
/// from `start` on until no entry of the gradient exceeds `tolerance`, no step
/// decreases the value in double precision, or 2000 steps are done.
///
/// ```
/// use counterpoint::math::lbfgs::minimize;
/// // (x - 3)^2 + 10 (y + 1)^2
/// let found = minimize(vec![0.0, 0.0], 1e-9, |p, g| {
///     (g[0], g[1]) = (2.0 * (p[0] - 3.0), 20.0 * (p[1] + 1.0));
///     (p[0] - 3.0).powi(2) + 10.0 * (p[1] + 1.0).powi(2)
/// });
/// assert!((found.at[0] - 3.0).abs() < 1e-9 && (found.at[1] + 1.0).abs() < 1e-9);
/// ```
pub fn minimize(
    start: Vec<f64>,
    tolerance: f64,
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> Minimum {
    let mut at = start;
    let mut gradient = vec![0.0; at.len()];
    let mut value = function(&at, &mut gradient);
    let mut pairs: VecDeque<Pair> = VecDeque::new();
    for _ in 0..STEPS {
        if largest(&gradient) <= tolerance {
            break;
        }
        let mut direction = towards(&gradient, &pairs);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            // Rounding spoiled what is remembered.
            pairs.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        // Before anything is remembered, the gradient's length says nothing of how far to go.
        let mut step = if pairs.is_empty() { (1.0 / dot(&gradient, &gradient).sqrt()).min(1.0) } else { 1.0 };
        let mut next = vec![0.0; at.len()];
        let mut there = vec![0.0; at.len()];
        let reached = loop {
            for ((next, at), d) in next.iter_mut().zip(&at).zip(&direction) {
                *next = at + step * d;
            }
            let reached = function(&next, &mut there);
            if reached <= value + ENOUGH * step * slope {
                break Some(reached);
            }
            step *= 0.5;
            if step < 1e-20 {
                break None;
            }
        };
        let Some(reached) = reached else { break };
        let s: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = there.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 0.0 {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back(Pair { s, y, curvature });
        }
        let still = reached == value;
        (at, gradient, value) = (next, there, reached);
        if still {
            break;
        }
    }
    let gradient = largest(&gradient);
    Minimum { at, gradient }
}

/// A step, the change of the gradient over it, and their product.
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    curvature: f64,
}

/// Minus the inverse Hessian, as far as it is remembered, times the gradient.
fn towards(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(pairs.len());
    for pair in pairs.iter().rev() {
        let share = dot(&pair.s, &q) / pair.curvature;
        add(&mut q, -share, &pair.y);
        shares.push(share);
    }
    if let Some(last) = pairs.back() {
        let scale = last.curvature / dot(&last.y, &last.y);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (pair, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let back = dot(&pair.y, &q) / pair.curvature;
        add(&mut q, share - back, &pair.s);
    }
    q
}

fn add(to: &mut [f64], factor: f64, of: &[f64]) {
    to.iter_mut().zip(of).for_each(|(to, of)| *to += factor * of);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(of: &[f64]) -> f64 {
    of.iter().fold(0.0, |most, v| v.abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_valley_of_fifty_numbers() {
        // sum_i c_i (x_i - i)^2 with c from 1 to 10^4, turned so that no axis is its own.
        let count = 50;
        let weight = |i: usize| 10_f64.powf(4.0 * i as f64 / (count - 1) as f64);
        let found = minimize(vec![0.0; count], 1e-8, |p, g| {
            let mean = p.iter().sum::<f64>() / count as f64;
            let error = |i: usize| p[i] + mean - i as f64;
            let value = (0..count).map(|i| weight(i) * error(i).powi(2)).sum();
            let shared: f64 = (0..count).map(|i| 2.0 * weight(i) * error(i)).sum::<f64>() / count as f64;
            g.iter_mut().enumerate().for_each(|(i, g)| *g = 2.0 * weight(i) * error(i) + shared);
            value
        });
        // The mean m of the answer solves m = mean(i) - m.
        let m = (count - 1) as f64 / 4.0;
        for (i, x) in found.at.iter().enumerate() {
            assert!((x - (i as f64 - m)).abs() < 1e-5, "{i}: {x}, gradient {}", found.gradient);
        }
    }

    #[test]
    fn a_function_without_a_minimum_ends() {
        let found = minimize(vec![0.0], 1e-6, |p, g| {
            g[0] = -(-p[0]).exp();
            (-p[0]).exp()
        });
        assert!(found.at[0] > 10.0 && found.gradient <= 1e-6);
    }
}
