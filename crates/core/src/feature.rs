//! What streams hand over where modalities first meet.

use burn::tensor::{Device, Int, Tensor};

/// What one modality's stream has computed before it meets another one: one
/// tensor, or several (the maps of a pyramid, a sequence and its mask).
///
/// The first axis of every part counts samples.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use counterpoint::feature::Feature;
/// let (map, mask) = (Tensor::<4>::ones([2, 3, 4, 5], &Device::flex()), Tensor::<2>::ones([2, 7], &Device::flex()));
/// let feature = Feature::of(map).with(mask);
/// assert_eq!(feature.part::<4>(0).dims(), [2, 3, 4, 5]);
/// assert_eq!((feature.samples(), feature.parts()), (2, 2));
/// ```
#[derive(Clone, Debug)]
pub struct Feature(Vec<Part>);

/// A tensor as `[samples, numbers]`, and its shape without the first axis.
#[derive(Clone, Debug)]
struct Part {
    rows: Tensor<2>,
    shape: Vec<usize>,
}

/// Numbers for each part of a feature, `[samples, numbers]`; `None` where
/// nothing arrived.
pub(crate) type PartGradients = Vec<Option<Tensor<2>>>;

/// By modality; `None` where a modality is absent from the row.
pub type Features = Vec<Option<Feature>>;

/// One vector per sample, `[samples, width]`, by modality; `None` where a
/// modality is absent from the row.
pub type Vectors = Vec<Option<Tensor<2>>>;

impl Feature {
    /// A feature of one part, `[samples, ..]`.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        Self(Vec::new()).with(tensor)
    }

    /// Adds a part of as many samples.
    #[must_use]
    pub fn with<const D: usize>(mut self, tensor: Tensor<D>) -> Self {
        let dims = tensor.dims();
        let shape = dims[1..].to_vec();
        self.0.push(Part { rows: tensor.reshape([dims[0], shape.iter().product()]), shape });
        self
    }

    /// One part, in the order they were added.
    ///
    /// # Panics
    /// If there is no such part, or it has another rank.
    pub fn part<const D: usize>(&self, index: usize) -> Tensor<D> {
        let Part { rows, shape } = &self.0[index];
        let dims: Vec<usize> = std::iter::once(rows.dims()[0]).chain(shape.iter().copied()).collect();
        let dims: [usize; D] = dims.try_into().expect("a model reads the ranks that it wrote");
        rows.clone().reshape(dims)
    }

    /// All parts, which have the same rank.
    ///
    /// # Panics
    /// If one has another rank.
    pub fn all<const D: usize>(&self) -> Vec<Tensor<D>> {
        (0..self.parts()).map(|index| self.part(index)).collect()
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.0.len()
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.0[0].rows.dims()[0]
    }

    /// Where the numbers are.
    pub(crate) fn device(&self) -> Device {
        self.0[0].rows.device()
    }

    /// Some samples, in the given order.
    #[must_use]
    pub(crate) fn select(&self, index: &Tensor<1, Int>) -> Self {
        self.map(|rows| rows.select(0, index.clone()))
    }

    /// The same numbers without their graph.
    #[must_use]
    pub(crate) fn inner(&self) -> Self {
        self.map(Tensor::inner)
    }

    /// The same numbers as the start of a graph of their own.
    #[must_use]
    pub(crate) fn leaf(&self) -> Self {
        self.map(|rows| Tensor::from_inner(rows).require_grad())
    }

    /// The rows of every part.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Tensor<2>> {
        self.0.iter().map(|part| &part.rows)
    }

    fn map(&self, change: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        Self(
            self.0
                .iter()
                .map(|part| Part { rows: change(part.rows.clone()), shape: part.shape.clone() })
                .collect(),
        )
    }
}
