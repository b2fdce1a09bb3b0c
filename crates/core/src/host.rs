//! Tensor values on the host.

use burn::tensor::Tensor;

/// The values of a tensor, row-major.
///
/// # Panics
/// If the tensor is not `f32`; everything here is.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("all tensors here are f32")
}

/// The value of a tensor with one element.
pub fn scalar<const D: usize>(tensor: Tensor<D>) -> f64 {
    f64::from(host(tensor)[0])
}
