//! Fully connected layers: convolutions of one pixel.

use burn::tensor::Shape;
use burn::tensor::{Tensor, activation::relu};
use burn_flex::FlexTensor;

use super::extension::{Operator, Results, run};
use super::flex::{self, SavedConv};
use super::{Arithmetic, Products, Window, applies, or_empty, product};

/// `x w^T` with a bias and a ReLU where wanted: `x` `[rows, in]`, `w` `[out, in]`.
pub fn linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    rectified: bool,
    how: Arithmetic,
) -> Tensor<2> {
    match applies(&x, how) {
        Some(products) => {
            let bias = or_empty(bias, &x.device()).into_dispatch();
            let tensors = [x.into_dispatch(), weight.into_dispatch(), bias];
            Tensor::from_dispatch(run(Linear { rectified, products }, tensors).swap_remove(0))
        }
        None => {
            let y = product(x, weight.transpose(), how);
            let y = match bias {
                Some(bias) => y + bias.unsqueeze(),
                None => y,
            };
            if rectified { relu(y) } else { y }
        }
    }
}

/// Of rows, weights and bias.
struct Linear {
    rectified: bool,
    products: Products,
}

/// Rows as the pixels of a map.
fn pixels(rows: FlexTensor) -> FlexTensor {
    let rows = rows.to_contiguous();
    let [count, width] = sides(&rows);
    rows.reshape(Shape::new([1, count, 1, width])).permute(&[0, 3, 1, 2])
}

/// The pixels of a map as rows.
fn rows(pixels: FlexTensor) -> FlexTensor {
    let rows = flex::side_by_side(pixels);
    let [_, count, _, width] = flex::dims(&rows);
    rows.reshape(Shape::new([count, width]))
}

fn sides(t: &FlexTensor) -> [usize; 2] {
    let shape = t.layout().shape();
    [shape[0], shape[1]]
}

impl Operator<3> for Linear {
    type Saved = SavedConv;

    fn run(self, [x, weight, bias]: [FlexTensor; 3]) -> Results<SavedConv> {
        let Self { rectified, products } = self;
        let window = Window { stride: [1, 1], padding: [0, 0] };
        let [outputs, inputs] = sides(&weight);
        let weight = weight.to_contiguous().reshape(Shape::new([outputs, inputs, 1, 1]));
        let (y, saved) = flex::conv(pixels(x), weight, bias, window, rectified, products);
        Results::of((rows(y), saved))
    }

    fn gradients(saved: SavedConv, upstream: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let [of_x, of_weight, of_bias] = flex::conv_gradients(saved, pixels(upstream), wanted);
        let matrix = |weight: FlexTensor| {
            let [outputs, inputs, ..] = flex::dims(&weight);
            weight.reshape(Shape::new([outputs, inputs]))
        };
        [of_x.map(rows), of_weight.map(matrix), of_bias]
    }
}
