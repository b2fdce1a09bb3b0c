//! Files of the safetensors format.

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::{Array, Weights};

pub(super) fn read(bytes: &[u8]) -> Result<Weights, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        format!("it is neither a file of torch.save nor of safetensors, or it is damaged: {e}")
    })?;
    file.iter()
        .map(|(name, view)| {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
                Dtype::F16 => data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
                Dtype::BF16 => data.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
                Dtype::I64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f32).collect(),
                Dtype::I32 => data.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b) as f32).collect(),
                Dtype::U8 | Dtype::BOOL => data.iter().map(|b| f32::from(*b)).collect(),
                other => {
                    return Err(format!("`{name}` contains numbers of the unknown type {other:?}"));
                }
            };
            Ok((name.to_owned(), Array { shape: view.shape().to_vec(), values }))
        })
        .collect()
}

pub(super) fn bytes(weights: &Weights) -> Result<Vec<u8>, String> {
    let data: Vec<(&String, &Array, Vec<u8>)> = weights
        .iter()
        .map(|(name, array)| (name, array, array.values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = data.iter().map(|(name, array, bytes)| {
        TensorView::new(Dtype::F32, array.shape.clone(), bytes).map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
    // PyTorch's readers of safetensors look for this.
    let format = Some([("format".to_owned(), "pt".to_owned())].into());
    safetensors::serialize(views, format).map_err(|e| e.to_string())
}
