//! Samples put together along a first axis.

use std::ops::Range;

use crate::{Array, ModalitySpec, Sample, ShapeError, Targets};

/// One modality of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Shape `[batch, ..]`; rows of samples that lack the modality are zero.
    pub array: Array,
    /// Which rows are real.
    pub present: Vec<bool>,
    /// Of a ragged modality how much of each row's first axis is real; the
    /// rest is zero. 0 for rows that are not present.
    pub lengths: Option<Vec<usize>>,
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

    /// A batch without samples.
    pub fn of_none(spec: &[ModalitySpec]) -> Self {
        let input = |m: &ModalitySpec| Input {
            array: Array::zeros([&[0], m.shape.as_slice()].concat()),
            present: Vec::new(),
            lengths: m.ragged.then(Vec::new),
        };
        Self {
            ids: Vec::new(),
            inputs: spec.iter().map(input).collect(),
            targets: Targets::Classes(Vec::new()),
        }
    }

    /// Some of the samples, in their order; the lengths of axes stay.
    ///
    /// # Errors
    /// If an input has not as many rows as there are samples.
    ///
    /// # Panics
    /// If the range ends after the last sample.
    pub fn part(self, samples: Range<usize>) -> Result<Self, ShapeError> {
        let input = |Input { array, present, lengths }: Input| {
            let mut shape = array.shape().to_vec();
            let width: usize = shape[1..].iter().product();
            shape[0] = samples.len();
            let array =
                Array::new(shape, array.values()[samples.start * width..samples.end * width].to_vec())?;
            let lengths = lengths.map(|all| all[samples.clone()].to_vec());
            Ok(Input { array, present: present[samples.clone()].to_vec(), lengths })
        };
        let inputs = self.inputs.into_iter().map(input).collect::<Result<_, ShapeError>>()?;
        let targets = self.targets.pick(&samples.clone().collect::<Vec<_>>());
        Ok(Self { ids: self.ids[samples].to_vec(), inputs, targets })
    }

    /// Stacks samples along a new first axis.
    ///
    /// # Errors
    /// If there is no sample, a sample has another number of modalities or
    /// another shape than the specification, or the targets are of two kinds.
    pub fn collate(samples: Vec<Sample>, spec: &[ModalitySpec]) -> Result<Self, ShapeError> {
        let count = samples.len();
        let mut ids = Vec::with_capacity(count);
        let mut targets = Vec::with_capacity(count);
        let mut columns: Vec<Column> = spec.iter().map(|m| Column::new(m, count)).collect();
        for sample in samples {
            if sample.inputs.len() != spec.len() {
                return Err(ShapeError(format!(
                    "sample `{}` has {} modalities, expected {}",
                    sample.id,
                    sample.inputs.len(),
                    spec.len()
                )));
            }
            for ((input, m), column) in sample.inputs.into_iter().zip(spec).zip(&mut columns) {
                column.push(input, m).map_err(|e| ShapeError(format!("sample `{}`: {e}", sample.id)))?;
            }
            ids.push(sample.id);
            targets.push(sample.target);
        }
        let targets = Targets::collate(ids.iter().map(String::as_str).zip(targets))?;
        let inputs =
            columns.into_iter().zip(spec).map(|(column, m)| column.finish(m)).collect::<Result<_, _>>()?;
        Ok(Self { ids, inputs, targets })
    }
}

/// One modality of a batch in the making.
struct Column {
    values: Vec<f32>,
    present: Vec<bool>,
    lengths: Vec<usize>,
}

impl Column {
    fn new(m: &ModalitySpec, count: usize) -> Self {
        Self {
            values: Vec::with_capacity(count * m.shape.iter().product::<usize>()),
            present: Vec::with_capacity(count),
            lengths: Vec::with_capacity(count),
        }
    }

    /// Adds a sample; what it lacks is zero.
    fn push(&mut self, input: Option<Array>, m: &ModalitySpec) -> Result<(), ShapeError> {
        let full = self.values.len() + m.shape.iter().product::<usize>();
        self.present.push(input.is_some());
        self.lengths.push(input.as_ref().map_or(0, |array| array.shape().first().copied().unwrap_or(1)));
        if let Some(array) = input {
            if !m.admits(array.shape()) {
                let up_to = if m.ragged { "up to " } else { "" };
                return Err(ShapeError(format!(
                    "modality `{}` has shape {:?}, expected {up_to}{:?}",
                    m.name,
                    array.shape(),
                    m.shape
                )));
            }
            self.values.extend_from_slice(array.values());
        }
        self.values.resize(full, 0.0);
        Ok(())
    }

    fn finish(self, m: &ModalitySpec) -> Result<Input, ShapeError> {
        let shape: Vec<usize> = std::iter::once(self.present.len()).chain(m.shape.iter().copied()).collect();
        let lengths = m.ragged.then_some(self.lengths);
        Ok(Input { array: Array::new(shape, self.values)?, present: self.present, lengths })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    #[test]
    fn shorter_sequences_are_padded_with_zeros_and_their_lengths_kept() {
        let spec = [ModalitySpec::new("text", [3, 2]).with_lengths()];
        let sample = |values: &[f32]| {
            let array = Array::new([values.len() / 2, 2], values.to_vec()).unwrap();
            Sample::new("a", vec![(!values.is_empty()).then_some(array)], Target::Class(0))
        };
        let batch = Batch::collate(vec![sample(&[1.0, 2.0]), sample(&[]), sample(&[3.0; 6])], &spec).unwrap();
        assert_eq!(batch.inputs[0].lengths, Some(vec![1, 0, 3]));
        assert_eq!(batch.inputs[0].array.shape(), [3, 3, 2]);
        assert_eq!(batch.inputs[0].array.values()[..8], [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let long = Batch::collate(vec![sample(&[0.0; 8])], &spec).unwrap_err().0;
        assert_eq!(long, "sample `a`: modality `text` has shape [4, 2], expected up to [3, 2]");
        let fixed = [ModalitySpec::new("text", [3, 2])];
        assert!(Batch::collate(vec![sample(&[1.0, 2.0])], &fixed).is_err());
    }
}
