//! Tensor values on the host.

use burn::tensor::Tensor;

/// The values of a tensor, row-major, in single precision.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().expect("just converted")
}

/// The value of a tensor with one element.
pub fn scalar<const D: usize>(tensor: Tensor<D>) -> f64 {
    f64::from(host(tensor)[0])
}
