//! Derivatives without calculus, to judge those that calculus gave.

use burn::module::Module;
use counterpoint::math::random::Random;
use counterpoint::step::Groups;

use crate::parameters::{replaced, values};

/// The derivative of `loss` when one parameter moves along `direction`, by a
/// central difference of the given step.
pub fn derivative<M: Module>(
    model: &M,
    groups: &Groups,
    name: &str,
    direction: &[f64],
    step: f64,
    loss: impl Fn(&M) -> f64,
) -> f64 {
    let at = |sign: f64| {
        let moved = replaced(model.clone(), groups, |n| {
            (n == name).then(|| {
                let old = &values(model, groups)[name];
                old.iter().zip(direction).map(|(x, d)| (f64::from(*x) + sign * step * d) as f32).collect()
            })
        });
        loss(&moved)
    };
    (at(1.0) - at(-1.0)) / (2.0 * step)
}

/// A random direction of length 1.
pub fn direction(count: usize, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed, &["direction"]);
    let draws: Vec<f64> = (0..count).map(|_| random.normal()).collect();
    let norm = draws.iter().map(|d| d * d).sum::<f64>().sqrt();
    draws.into_iter().map(|d| d / norm).collect()
}
