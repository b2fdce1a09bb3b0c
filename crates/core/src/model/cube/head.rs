//! What reads the cube.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::layer::{Dropout, ForwardContext, Init, Linear};

/// One linear layer, or two where many numbers enter.
#[derive(Module, Debug)]
pub(super) enum CubeHead {
    /// Linear.
    Narrow(Linear),
    /// See [`TwoLayers`].
    Wide(TwoLayers),
}

/// Linear, ReLU, dropout, linear.
#[derive(Module, Debug)]
pub(super) struct TwoLayers {
    fc1: Linear,
    fc2: Linear,
    dropout: Dropout,
}

impl CubeHead {
    /// From `width` numbers to `outputs` scores. Where `width` is above `hidden`,
    /// a layer of `hidden` units lies between; 0 hidden units are never there.
    pub(super) fn new(width: usize, hidden: usize, outputs: usize, dropout: f64, init: &Init) -> Self {
        if hidden == 0 || width <= hidden {
            return Self::Narrow(Linear::new(width, outputs, init));
        }
        Self::Wide(TwoLayers {
            fc1: Linear::new(width, hidden, &init.part("fc1")),
            fc2: Linear::new(hidden, outputs, &init.part("fc2")),
            dropout: Dropout::new(dropout, &init.part("dropout")),
        })
    }

    /// # Shapes
    /// `[batch, width]` to `[batch, outputs]`.
    pub(super) fn forward(&self, x: Tensor<2>, pass: &ForwardContext<'_>) -> Tensor<2> {
        match self {
            Self::Narrow(head) => head.forward(x),
            Self::Wide(head) => {
                let hidden = head.fc1.rectified(x);
                head.fc2.forward(head.dropout.forward(hidden, pass))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::host;
    use crate::layer::Buffers;
    use crate::step::{Group, Groups};
    use burn::module::Param;
    use burn::tensor::Device;

    fn shapes(width: usize, hidden: usize) -> Vec<(String, Vec<usize>)> {
        let head = CubeHead::new(width, hidden, 2, 0.1, &Init::new(0, &Device::flex()).part("head"));
        let mut groups = Groups::default();
        groups.add(Group::Head, "head", &head);
        groups.parameters().iter().map(|p| (p.name.clone(), p.shape.clone())).collect()
    }

    /// The released model: 3 x 32 numbers go straight to the scores, 3 x 64 through 128.
    #[test]
    fn above_128_numbers_a_layer_of_128_units_lies_between() {
        let named = |pairs: &[(&str, &[usize])]| {
            pairs.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect::<Vec<_>>()
        };
        assert_eq!(shapes(96, 128), named(&[("head.weight", &[2, 96]), ("head.bias", &[2])]));
        assert_eq!(shapes(128, 128), named(&[("head.weight", &[2, 128]), ("head.bias", &[2])]));
        let two = [
            ("head.fc1.weight", &[128, 192][..]),
            ("head.fc1.bias", &[128]),
            ("head.fc2.weight", &[2, 128]),
            ("head.fc2.bias", &[2]),
        ];
        assert_eq!(shapes(192, 128), named(&two));
        assert_eq!(shapes(192, 0), named(&[("head.weight", &[2, 192]), ("head.bias", &[2])]));
    }

    #[test]
    fn two_layers_by_hand() {
        let device = Device::flex();
        let mut head = CubeHead::new(3, 2, 1, 0.0, &Init::new(0, &device));
        let CubeHead::Wide(layers) = &mut head else { panic!("3 is above 2") };
        let given = |values: &[f32], shape: [usize; 2]| {
            Param::from_tensor(Tensor::from_data(
                burn::tensor::TensorData::new(values.to_vec(), shape),
                &device,
            ))
        };
        layers.fc1.weight = given(&[1.0, 0.0, 2.0, -1.0, -1.0, 0.0], [2, 3]);
        layers.fc2.weight = given(&[3.0, 5.0], [1, 2]);
        let x = Tensor::<2>::from_data([[1.0_f32, 2.0, -0.25]], &device);
        // fc1 gives (0.5, -3), ReLU (0.5, 0), fc2 1.5.
        assert_eq!(host(head.forward(x, &ForwardContext::eval(&Buffers::default()))), [1.5]);
    }
}
