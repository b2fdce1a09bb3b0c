//! The operators on Flex's buffers, and their gradients.

use std::borrow::Cow;
use std::sync::Arc;

use burn::backend::{DType, TensorMetadata};
use burn::tensor::{Bytes, Shape};
use burn_flex::{FlexTensor, Layout};
use counterpoint_kernels::bf16::Pairs;
use counterpoint_kernels::update::{self, Adam, Sgd};
use counterpoint_kernels::{ConvShape, Kernels, Level, PoolShape, Signs, conv, unwritten};

use super::{Precision, Products, Window};

/// A tensor in the order of its shape.
pub fn plain<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::new(shape)), DType::F32)
}

/// Maps whose channels lie side by side.
pub fn maps(values: Vec<f32>, [images, channels, height, width]: [usize; 4]) -> FlexTensor {
    plain(values, [images, height, width, channels]).permute(&[0, 3, 1, 2])
}

/// Maps with their channels side by side: a view if they lie so, else a copy.
pub fn side_by_side(t: FlexTensor) -> FlexTensor {
    t.permute(&[0, 2, 3, 1]).to_contiguous()
}

/// The numbers of a tensor without gaps.
pub fn numbers(t: &FlexTensor) -> &[f32] {
    t.as_slice().expect("made contiguous before")
}

pub fn vector(t: FlexTensor) -> Vec<f32> {
    numbers(&t.to_contiguous()).to_vec()
}

pub fn dims(t: &FlexTensor) -> [usize; 4] {
    let shape = t.shape();
    [0, 1, 2, 3].map(|i| shape[i])
}

/// A tensor that an operator can do without: one without numbers is none.
pub fn there(t: FlexTensor) -> Option<FlexTensor> {
    (t.shape().num_elements() > 0).then_some(t)
}

/// The sum of two gradients of the same maps.
pub fn sum(a: FlexTensor, b: FlexTensor) -> FlexTensor {
    let (a, b) = (side_by_side(a), side_by_side(b));
    let (mut sum, more) = if a.is_unique() { (a, b) } else { (b, a) };
    f32::add(Level::best(), sum.storage_mut(), numbers(&more));
    sum.permute(&[0, 3, 1, 2])
}

/// A tensor whose buffer holds its numbers and no others. The one that is given is gone
/// afterwards: whoever owned it alone still does, and writes without a copy.
fn whole(t: FlexTensor) -> FlexTensor {
    t.to_contiguous()
}

/// The values, where their gradient was, and the velocity.
pub fn sgd(
    x: FlexTensor,
    gradient: FlexTensor,
    velocity: FlexTensor,
    update: Sgd,
) -> (FlexTensor, FlexTensor) {
    let (x, mut moved) = (x.to_contiguous(), whole(gradient));
    let len = numbers(&x).len();
    let (first, mut velocity) = match there(velocity) {
        Some(velocity) => (false, whole(velocity)),
        None => (true, plain(unwritten(len), [len])),
    };
    update::sgd(Level::best(), update, numbers(&x), moved.storage_mut(), velocity.storage_mut(), first);
    (moved, velocity)
}

/// The values, where their gradient was, and the moments.
pub fn adam(
    x: FlexTensor,
    gradient: FlexTensor,
    moments: [FlexTensor; 2],
    update: Adam,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let (x, mut moved) = (x.to_contiguous(), whole(gradient));
    let [mut m, mut v] = moments.map(whole);
    update::adam(Level::best(), update, numbers(&x), moved.storage_mut(), [m.storage_mut(), v.storage_mut()]);
    (moved, m, v)
}

/// Maps, their channels side by side, that a later pass needs.
#[derive(Clone, Debug)]
pub enum Kept {
    /// As they are.
    Whole(FlexTensor),
    /// Rounded to bf16.
    Rounded(Arc<Pairs>),
    /// One for what was above zero, else zero.
    Signs(Arc<Signs>),
}

impl Kept {
    /// Maps with their channels side by side.
    pub fn new(precision: Precision, channels: usize, maps: FlexTensor) -> Self {
        match precision {
            Precision::F32 | Precision::F16 => Self::Whole(maps),
            Precision::Bf16 => Self::Rounded(Arc::new(Pairs::of(Level::best(), channels, numbers(&maps)))),
        }
    }

    /// Maps of which only the signs are asked for.
    pub fn signs(precision: Precision, maps: FlexTensor) -> Self {
        match precision {
            Precision::F32 | Precision::F16 => Self::Whole(maps),
            Precision::Bf16 => Self::Signs(Arc::new(Signs::of(Level::best(), numbers(&maps)))),
        }
    }

    /// The numbers that were kept.
    pub fn numbers(&self) -> Cow<'_, [f32]> {
        match self {
            Self::Whole(maps) => Cow::Borrowed(numbers(maps)),
            Self::Rounded(pairs) => Cow::Owned(pairs.widen(Level::best())),
            Self::Signs(signs) => Cow::Owned(signs.widen(Level::best())),
        }
    }
}

/// The sum of the squares, `[1]`.
pub fn square_sum(x: FlexTensor) -> FlexTensor {
    plain(vec![f32::square_sum(Level::best(), numbers(&x.to_contiguous()))], [1])
}

/// What the gradients of a convolution need.
#[derive(Clone, Debug)]
pub struct SavedConv {
    x: Kept,
    weight: FlexTensor,
    /// The output where a ReLU follows.
    out: Option<Kept>,
    shape: ConvShape,
    products: Products,
}

pub fn conv(
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    Window { stride, padding }: Window,
    rectified: bool,
    products: Products,
) -> (FlexTensor, SavedConv) {
    let ([images, inputs, height, width], [outputs, _, down, across]) = (dims(&x), dims(&weight));
    let shape = ConvShape {
        images,
        size: [height, width],
        inputs,
        outputs,
        kernel: [down, across],
        stride,
        padding,
        dilation: [1, 1],
    };
    let level = Level::best();
    let Products { algorithm, precision } = products;
    let (x, weight) = (Kept::new(precision, inputs, side_by_side(x)), weight.to_contiguous());
    let (w, mut y) = (numbers(&weight), unwritten(shape.output_len()));
    match &x {
        Kept::Whole(x) => f32::conv(level, algorithm, &shape, numbers(x), w, &mut y),
        Kept::Rounded(x) => conv::forward_in_bf16(level, algorithm, &shape, x, w, &mut y),
        Kept::Signs(_) => unreachable!("factors are numbers"),
    }
    match there(bias) {
        Some(bias) => f32::add_bias(level, &vector(bias), rectified, &mut y),
        None if rectified => f32::add_bias(level, &vec![0.0; outputs], true, &mut y),
        None => {}
    }
    let [height, width] = shape.out_size();
    let y = maps(y, [images, outputs, height, width]);
    let out = rectified.then(|| Kept::signs(precision, side_by_side(y.clone())));
    (y, SavedConv { x, weight, out, shape, products })
}

/// Gradients of input, weights and bias, those that are wanted.
pub fn conv_gradients(saved: SavedConv, upstream: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
    let SavedConv { x, weight, out, shape, products: Products { algorithm, .. } } = saved;
    let level = Level::best();
    let mut dy = side_by_side(upstream);
    if let Some(out) = out {
        let mut before = unwritten(shape.output_len());
        f32::relu_gradient(level, &out.numbers(), numbers(&dy), &mut before);
        let len = before.len();
        dy = plain(before, [len]);
    }
    let (dy, w) = (numbers(&dy), numbers(&weight));
    let rounded = match &x {
        Kept::Rounded(x) if wanted[0] || wanted[1] => Some((x, Pairs::of(level, shape.outputs, dy))),
        _ => None,
    };
    let [height, width] = shape.size;
    let of_input = wanted[0].then(|| {
        let mut dx = unwritten(shape.input_len());
        match &rounded {
            None => f32::conv_input_gradient(level, algorithm, &shape, dy, w, &mut dx),
            Some((_, dy)) => conv::input_gradient_in_bf16(level, algorithm, &shape, dy, w, &mut dx),
        }
        maps(dx, [shape.images, shape.inputs, height, width])
    });
    let of_weight = wanted[1].then(|| {
        let mut dw = unwritten(shape.weight_len());
        match &rounded {
            None => f32::conv_weight_gradient(level, algorithm, &shape, &x.numbers(), dy, &mut dw),
            Some((x, dy)) => conv::weight_gradient_in_bf16(level, algorithm, &shape, x, dy, &mut dw),
        }
        plain(dw, [shape.outputs, shape.inputs, shape.kernel[0], shape.kernel[1]])
    });
    let of_bias = wanted[2].then(|| plain(f32::bias_gradient(level, shape.outputs, dy), [shape.outputs]));
    [of_input, of_weight, of_bias]
}

/// Where the largest numbers were.
#[derive(Clone, Debug)]
pub struct SavedPool {
    winners: Arc<Vec<u8>>,
    shape: PoolShape,
}

pub fn max_pool(x: FlexTensor, shape: PoolShape) -> (FlexTensor, SavedPool) {
    let x = side_by_side(x);
    let [height, width] = shape.out_size();
    let mut y = unwritten(shape.output_len());
    let mut winners = vec![0; y.len()];
    f32::max_pool(Level::best(), &shape, numbers(&x), &mut y, &mut winners);
    let y = maps(y, [shape.images, shape.channels, height, width]);
    (y, SavedPool { winners: Arc::new(winners), shape })
}

pub fn max_pool_gradient(SavedPool { winners, shape }: SavedPool, upstream: FlexTensor) -> FlexTensor {
    let mut dx = unwritten(shape.input_len());
    let upstream = side_by_side(upstream);
    f32::max_pool_gradient(Level::best(), &shape, numbers(&upstream), &winners, &mut dx);
    maps(dx, [shape.images, shape.channels, shape.size[0], shape.size[1]])
}

/// The mean over height and width, `[batch, channels]`.
pub fn mean(x: FlexTensor) -> FlexTensor {
    let [images, channels, height, width] = dims(&x);
    let mut means = unwritten(images * channels);
    f32::mean(Level::best(), height * width, channels, numbers(&side_by_side(x)), &mut means);
    plain(means, [images, channels])
}

/// The gradient of a mean over `[height, width]`.
pub fn mean_gradient(dims: [usize; 4], upstream: FlexTensor) -> FlexTensor {
    let [_, channels, height, width] = dims;
    let mut dx = unwritten(dims.iter().product());
    f32::mean_gradient(Level::best(), height * width, channels, &vector(upstream), &mut dx);
    maps(dx, dims)
}
