//! Samples put together along a first axis.

use crate::{Array, ModalitySpec, Sample, ShapeError, Target};

/// One modality of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Shape `[batch, ..]`; rows of samples that lack the modality are zero.
    pub array: Array,
    /// Which rows are real.
    pub present: Vec<bool>,
}

/// The targets of a batch, all of one kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Targets {
    /// A class index per sample.
    Classes(Vec<usize>),
    /// A real number per sample.
    Values(Vec<f32>),
}

impl Targets {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(c) => c.len(),
            Self::Values(v) => v.len(),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class indices, if these are classes.
    pub fn classes(&self) -> Option<&[usize]> {
        match self {
            Self::Classes(classes) => Some(classes),
            Self::Values(_) => None,
        }
    }
}

/// Several samples as one array per modality.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Sample names, in order.
    pub ids: Vec<String>,
    /// One entry per modality, in the order of the specification.
    pub inputs: Vec<Input>,
    /// What to predict, in the same order.
    pub targets: Targets,
}

impl Batch {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Stacks samples along a new first axis.
    ///
    /// # Errors
    /// If there is no sample, a sample has another number of modalities or
    /// another shape than the specification, or the targets are of two kinds.
    pub fn collate(samples: Vec<Sample>, spec: &[ModalitySpec]) -> Result<Self, ShapeError> {
        let count = samples.len();
        let Some(first) = samples.first() else {
            return Err(ShapeError("a batch needs at least one sample".into()));
        };
        let classes = matches!(first.target, Target::Class(_));
        let mut ids = Vec::with_capacity(count);
        let (mut class, mut value) = (Vec::new(), Vec::new());
        let mut columns: Vec<(Vec<f32>, Vec<bool>)> = spec
            .iter()
            .map(|m| {
                (Vec::with_capacity(count * m.shape.iter().product::<usize>()), Vec::with_capacity(count))
            })
            .collect();
        for sample in samples {
            if sample.inputs.len() != spec.len() {
                return Err(ShapeError(format!(
                    "sample `{}` has {} modalities, expected {}",
                    sample.id,
                    sample.inputs.len(),
                    spec.len()
                )));
            }
            for ((input, m), (values, present)) in sample.inputs.into_iter().zip(spec).zip(&mut columns) {
                present.push(input.is_some());
                match input {
                    Some(array) if array.shape() == m.shape => values.extend_from_slice(array.values()),
                    Some(array) => {
                        return Err(ShapeError(format!(
                            "sample `{}`: modality `{}` has shape {:?}, expected {:?}",
                            sample.id,
                            m.name,
                            array.shape(),
                            m.shape
                        )));
                    }
                    None => values.resize(values.len() + m.shape.iter().product::<usize>(), 0.0),
                }
            }
            match sample.target {
                Target::Class(c) if classes => class.push(c),
                Target::Value(v) if !classes => value.push(v),
                other => {
                    return Err(ShapeError(format!(
                        "sample `{}`: target {other:?} is of another kind than the first of its batch",
                        sample.id
                    )));
                }
            }
            ids.push(sample.id);
        }
        let inputs = columns
            .into_iter()
            .zip(spec)
            .map(|((values, present), m)| {
                let shape: Vec<usize> = std::iter::once(count).chain(m.shape.iter().copied()).collect();
                Ok(Input { array: Array::new(shape, values)?, present })
            })
            .collect::<Result<_, ShapeError>>()?;
        let targets = if classes { Targets::Classes(class) } else { Targets::Values(value) };
        Ok(Self { ids, inputs, targets })
    }
}
