//! A dense row-major array of `f32` with its shape.

use std::fmt;

/// A dense array of `f32`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Array {
    /// An array of the given shape.
    ///
    /// # Errors
    /// If the number of values is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Result<Self, ShapeError> {
        let shape = shape.into();
        if shape.iter().product::<usize>() != values.len() {
            return Err(ShapeError(format!(
                "shape {shape:?} needs {} values, got {}",
                shape.iter().product::<usize>(),
                values.len()
            )));
        }
        Ok(Self { shape, values })
    }

    /// An array of zeros.
    pub fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let values = vec![0.0; shape.iter().product()];
        Self { shape, values }
    }

    /// The length of each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, row-major, to change in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values without the shape.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

/// A shape or length that does not fit; the message names both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError(pub String);

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}
