//! Dropout (Srivastava et al. 2014) whose masks are a function of a key.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};

use super::{ForwardContext, Init};

/// Zeroes each number with probability `rate` in training and divides the
/// others by `1 - rate`; does nothing in evaluation.
///
/// The mask depends on the seed, the step, the layer and, after a meeting of
/// modalities, on which of them are present: a layer before the meeting draws
/// one mask for all rows of a step, because it runs once, a layer after it an
/// independent one for each row. Ranks that share a batch draw the mask of all of it, and each
/// uses the part of its own rows.
#[derive(Module, Debug)]
pub struct Dropout {
    rate: f64,
    #[module(skip)]
    layer: String,
}

impl Dropout {
    /// A layer that drops a share `rate` in `[0, 1)`.
    pub fn new(rate: f64, init: &Init) -> Self {
        Self { rate, layer: init.path().to_owned() }
    }

    /// # Shapes
    /// Any, to the same.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, pass: &ForwardContext<'_>) -> Tensor<D> {
        if self.rate == 0.0 {
            return x;
        }
        let Some(mut random) = pass.random(&self.layer) else { return x };
        let keep = (1.0 / (1.0 - self.rate)) as f32;
        let shape = x.shape();
        let count = shape.num_elements();
        // Those of the rows of earlier ranks: all ranks together draw what one process would.
        (0..pass.skipped(count)).for_each(|_| {
            random.uniform();
        });
        let mask: Vec<f32> =
            (0..count).map(|_| if random.uniform() < self.rate { 0.0 } else { keep }).collect();
        x.clone() * Tensor::from_data(TensorData::new(mask, shape), &x.device())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use crate::layer::{BnPolicy, Buffers};
    use crate::modality::{Modality, Present};
    use burn::tensor::Device;

    fn dropped(step: u64, row: Option<Modality>) -> Vec<f32> {
        let device = Device::flex();
        let layer = Dropout::new(0.25, &Init::new(0, &device).part("dropout"));
        let mut buffers = Buffers::default();
        let mut pass = ForwardContext::train(&mut buffers);
        pass.draw(3, step);
        let x = Tensor::<2>::ones([100, 100], &device);
        host(match row {
            Some(m) => pass.after_fusion(Present::only(m), Present::all(2), BnPolicy::Shared, |pass| {
                layer.forward(x, pass)
            }),
            None => layer.forward(x, &pass),
        })
    }

    #[test]
    fn a_quarter_is_dropped_and_the_mean_stays() {
        let values = dropped(0, None);
        let zeros = values.iter().filter(|v| **v == 0.0).count();
        // Binomial(10000, 1/4): standard deviation 43.
        assert!((2300..2700).contains(&zeros), "{zeros}");
        assert!(values.iter().all(|v| *v == 0.0 || (*v - 4.0 / 3.0).abs() < 1e-6));
    }

    #[test]
    fn masks_are_a_function_of_step_and_row() {
        assert_eq!(dropped(0, None), dropped(0, None));
        assert_ne!(dropped(0, None), dropped(1, None));
        assert_ne!(dropped(0, Some(Modality(0))), dropped(0, Some(Modality(1))));
    }

    #[test]
    fn evaluation_drops_nothing() {
        let device = Device::flex();
        let layer = Dropout::new(0.9, &Init::new(0, &device).part("dropout"));
        let x = Tensor::<1>::ones([50], &device);
        assert_eq!(host(layer.forward(x.clone(), &ForwardContext::eval(&Buffers::default()))), host(x));
    }
}
