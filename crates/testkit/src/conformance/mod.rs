//! What every strategy must be able to do with every compatible model.
//!
//! The checks return what they found instead of asserting, so that negative
//! controls can ask for a failure.

mod agreement;
mod registry;
mod training;

pub use agreement::{Evaluated, agree, evaluate, listens, moment};
pub use registry::{Parts, Subject, limits, model, parts, strategies, subjects};
pub use training::{Run, run};

use std::collections::BTreeMap;

/// Gradients or parameters by name.
pub type Named = BTreeMap<String, Vec<f32>>;

/// Euclidean norm.
pub fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt()
}

/// Norm of the difference over the norm of the second.
pub fn relative_error(is: &[f32], should: &[f32]) -> f64 {
    let difference: Vec<f32> = is.iter().zip(should).map(|(a, b)| a - b).collect();
    match (norm(&difference), norm(should)) {
        (0.0, _) => 0.0,
        (difference, scale) => difference / scale,
    }
}

/// Compares arrays by name.
///
/// # Errors
/// If the names differ, or values of one name by more than the tolerance.
pub fn same(is: &Named, should: &Named, tolerance: f64) -> Result<(), String> {
    if !is.keys().eq(should.keys()) {
        return Err(format!("entries {:?} instead of {:?}", is.keys(), should.keys()));
    }
    for (name, should) in should {
        let is = &is[name];
        let error = relative_error(is, should);
        if is.len() != should.len() || error.is_nan() || error > tolerance {
            return Err(format!("`{name}` differs by {error:.2e}: {is:?} instead of {should:?}"));
        }
    }
    Ok(())
}
