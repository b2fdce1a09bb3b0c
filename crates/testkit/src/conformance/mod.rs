//! What every strategy must be able to do with every compatible model.
//!
//! The checks return what they found instead of asserting, so that negative
//! controls can ask for a failure.

mod agreement;
mod name;
mod registry;
mod training;

pub use agreement::{
    Evaluated, agree, agree_in_families, evaluate, evaluate_among, part, position, receives,
};
pub use name::{told, told_model};
pub use registry::{
    Parts, Subject, cubes, each_of_catalog, encoders, forgotten, late_fusion, limits, model, parts,
    sequence_subjects, staged, strategies, subjects, untested,
};
pub use training::{Run, run};

use std::collections::BTreeMap;

/// Gradients or parameters by name.
pub type Named = BTreeMap<String, Vec<f32>>;

/// Euclidean norm.
pub fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

/// Compares arrays by name, each relative to its own norm.
///
/// # Errors
/// If the names differ, or values of one name by more than the tolerance.
pub fn same(is: &Named, should: &Named, tolerance: f64) -> Result<(), String> {
    same_in_families(is, should, tolerance, |name| name)
}

/// Compares arrays by name, relative to the norm over all arrays of a family.
///
/// The gradient of a batch norm's scale is a small sum of large terms that
/// cancel: rounding shows at the size of the terms, which the rest of the
/// encoder's gradient has and the sum has not.
///
/// # Errors
/// If the names differ, or values of one name by more than the tolerance.
pub fn same_in_families(
    is: &Named,
    should: &Named,
    tolerance: f64,
    family: impl Fn(&str) -> &str,
) -> Result<(), String> {
    if !is.keys().eq(should.keys()) {
        return Err(format!("entries {:?} instead of {:?}", is.keys(), should.keys()));
    }
    let mut scales: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, should) in should {
        let scale = scales.entry(family(name)).or_default();
        *scale = scale.hypot(norm(should));
    }
    for (name, should) in should {
        let is = &is[name];
        let difference: Vec<f32> = is.iter().zip(should).map(|(a, b)| a - b).collect();
        let (difference, scale) = (norm(&difference), scales[family(name)]);
        // Not a number is not the same.
        let close = difference <= tolerance * scale;
        if is.len() != should.len() || !close {
            return Err(format!(
                "`{name}` differs by {difference:.2e} of {scale:.2e}: {is:?} instead of {should:?}"
            ));
        }
    }
    Ok(())
}
