//! A batch as tensors on a device.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use counterpoint_batch::{Batch, Targets};

use crate::feature::{Feature, Features};
use crate::modality::{Modality, Present};
use crate::peers::Peers;
use crate::roster::{Others, Roster, parts, patterns, serving};
use crate::step::Incomplete;
use crate::step::LossTerm;

/// One modality of a batch: only the rows of samples that have it.
#[derive(Clone, Debug)]
pub struct Input {
    flat: Tensor<1>,
    shape: Vec<usize>,
    lengths: Option<Vec<usize>>,
    /// The longest of the whole batch, if this is a rank's share of it.
    longest: Option<usize>,
}

impl Input {
    /// An input from its values, row-major.
    pub fn new(values: Vec<f32>, shape: impl Into<Vec<usize>>, device: &Device) -> Self {
        let count = values.len();
        let flat = Tensor::from_data(TensorData::new(values, [count]), device);
        Self { flat, shape: shape.into(), lengths: None, longest: None }
    }

    /// The same with the real length of each row, up to its second axis.
    #[must_use]
    pub fn with_lengths(self, lengths: Vec<usize>) -> Self {
        Self { lengths: Some(lengths), ..self }
    }

    /// The tensor; the rank is checked when a model is built.
    ///
    /// # Panics
    /// If the rank is another one.
    pub fn tensor<const D: usize>(&self) -> Tensor<D> {
        let shape: [usize; D] =
            self.shape.clone().try_into().expect("rank was checked when the model was built");
        self.flat.clone().reshape(shape)
    }

    /// The values as one vector.
    pub fn flat(&self) -> Tensor<1> {
        self.flat.clone()
    }

    /// How many steps of each row are real, if rows may differ; the others are zero.
    pub fn lengths(&self) -> Option<&[usize]> {
        self.lengths.as_deref()
    }

    /// The longest real length of a row in the batch of all ranks, if rows may differ.
    pub fn longest(&self) -> Option<usize> {
        self.longest.or_else(|| self.lengths.as_ref()?.iter().copied().max())
    }

    /// The same rows with other values.
    ///
    /// # Panics
    /// If they are not as many.
    #[must_use]
    pub fn replaced(&self, values: Vec<f32>) -> Self {
        let count = values.len();
        assert_eq!(count, self.shape.iter().product::<usize>(), "values for shape {:?}", self.shape);
        let flat = Tensor::from_data(TensorData::new(values, [count]), &self.flat.device());
        Self { flat, ..self.clone() }
    }

    /// Where the values are.
    pub(crate) fn device(&self) -> Device {
        self.flat.device()
    }

    /// Shape `[samples, ..]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

/// A batch on a device, with the presence of every modality.
#[derive(Clone, Debug)]
pub struct Inputs {
    inputs: Vec<Option<Input>>,
    /// For every sample the modalities it has.
    present: Vec<Present>,
    targets: Targets,
    incomplete: Incomplete,
    /// The batch of all ranks, if this is the share of one.
    roster: Option<Roster>,
}

impl Inputs {
    /// Copies a batch to the device. Absent samples are left out of a
    /// modality, not sent as zeros: they must not reach its batch norm.
    pub fn new(batch: Batch, device: &Device) -> Self {
        let count = batch.len();
        let mut present = vec![Present::of([]); count];
        let inputs = batch
            .inputs
            .into_iter()
            .enumerate()
            .map(|(index, input)| {
                let mut shape = input.array.shape().to_vec();
                let rows: Vec<usize> = (0..count).filter(|&i| input.present[i]).collect();
                for &row in &rows {
                    present[row] = present[row].with(Modality(index));
                }
                let values = if rows.len() == count {
                    input.array.into_values()
                } else {
                    let width: usize = shape[1..].iter().product();
                    let all = input.array.values();
                    rows.iter().flat_map(|&row| &all[row * width..(row + 1) * width]).copied().collect()
                };
                shape[0] = rows.len();
                let lengths = input.lengths.map(|all| rows.iter().map(|&row| all[row]).collect());
                (!rows.is_empty()).then(|| Input { lengths, ..Input::new(values, shape, device) })
            })
            .collect();
        Self { inputs, present, targets: batch.targets, incomplete: Incomplete::Skip, roster: None }
    }

    /// The same with another role of incomplete samples in the fused term.
    #[must_use]
    pub fn with_incomplete(self, incomplete: Incomplete) -> Self {
        Self { incomplete, ..self }
    }

    /// The same as the share of one rank: tells the others what it has, and hears what they have.
    #[must_use]
    pub fn shared(self, peers: &dyn Peers) -> Self {
        if peers.size() == 1 {
            return self;
        }
        let longest = |input: &Option<Input>| input.as_ref().and_then(Input::longest).unwrap_or(0);
        let longest: Vec<usize> = self.inputs.iter().map(longest).collect();
        let (roster, longest) = Roster::of(peers, &self.present, &self.targets, &longest);
        let inputs = self.inputs.into_iter().zip(longest);
        let inputs = inputs.map(|(input, longest)| {
            let input = input?;
            Some(Input { longest: input.lengths.is_some().then_some(longest), ..input })
        });
        Self { inputs: inputs.collect(), roster: Some(roster), ..self }
    }

    /// The batch of all ranks; `None` if this is all of it.
    pub(crate) fn roster(&self) -> Option<&Roster> {
        self.roster.as_ref()
    }

    /// Whose rows a term is computed on besides those here; nobody's if this is the whole batch.
    pub(crate) fn others(&self, term: LossTerm, modalities: usize) -> Others {
        match &self.roster {
            Some(roster) => roster.others(term, self.incomplete, modalities),
            None => Others::default(),
        }
    }

    /// Whether this is the share of one rank.
    pub(crate) fn is_shared(&self) -> bool {
        self.roster.is_some()
    }

    /// Whether layers compute statistics of the rows of all ranks.
    pub(crate) fn synchronises(&self) -> bool {
        self.roster.as_ref().is_some_and(Roster::synchronises)
    }

    /// The terms that show what samples have of a term: those here, or those of all ranks if their rows are computed
    /// together.
    pub(crate) fn shown(&self, term: LossTerm, modalities: usize) -> Vec<LossTerm> {
        let parts = match self.roster.as_ref().filter(|roster| roster.synchronises()) {
            Some(roster) => roster.parts(term, self.incomplete, modalities),
            None => self.parts(term, modalities),
        };
        parts.into_iter().map(|(part, _)| part).collect()
    }

    /// The samples of all ranks that serve a term, in order, and their targets; `None` if there is none.
    pub(crate) fn of_all_ranks(&self, term: LossTerm, modalities: usize) -> Option<(Vec<usize>, Targets)> {
        let roster = self.roster.as_ref()?;
        let samples = roster.serving(term, self.incomplete, modalities);
        (!samples.is_empty()).then(|| (samples.clone(), roster.targets(&samples)))
    }

    /// The rows of one modality; `None` if no sample has it.
    pub fn get(&self, m: Modality) -> Option<&Input> {
        self.inputs[m.0].as_ref()
    }

    /// The samples that have a modality, in the order of its rows.
    pub fn holders(&self, m: Modality) -> Vec<usize> {
        (0..self.samples()).filter(|&i| self.present[i].has(m)).collect()
    }

    /// The same samples with other values of their modalities.
    #[must_use]
    pub fn map(&self, change: impl Fn(Modality, &Input) -> Input) -> Self {
        let changed = |(index, input): (usize, &Option<Input>)| {
            input.as_ref().map(|input| change(Modality(index), input))
        };
        Self { inputs: self.inputs.iter().enumerate().map(changed).collect(), ..self.clone() }
    }

    /// Number of samples of all ranks together, whatever they have.
    pub fn whole(&self) -> usize {
        self.roster.as_ref().map_or_else(|| self.samples(), Roster::samples)
    }

    /// Number of samples, whatever they have.
    pub fn samples(&self) -> usize {
        self.present.len()
    }

    /// What every sample has.
    pub fn present(&self) -> &[Present] {
        &self.present
    }

    /// The samples that have all of `needed`.
    pub fn serving(&self, needed: Present) -> Vec<usize> {
        serving(&self.present, needed)
    }

    /// The samples that a term is computed on, with the term that shows what they
    /// have: one part, or one for each combination of modalities where
    /// incomplete samples serve the fused term too. Nobody serves it: no part.
    pub fn parts(&self, term: LossTerm, modalities: usize) -> Vec<(LossTerm, Vec<usize>)> {
        parts(&self.present, term, self.incomplete, modalities)
    }

    /// The samples with each combination of modalities; those without any are left out.
    pub fn patterns(&self) -> BTreeMap<Present, Vec<usize>> {
        patterns(&self.present)
    }

    /// The targets of the given samples.
    pub fn targets_of(&self, samples: &[usize]) -> Targets {
        self.targets.pick(samples)
    }

    /// What a term sees of encoded features: for each needed modality the terms
    /// of the given samples.
    pub fn pick(&self, encoded: &Features, needed: Present, samples: &[usize]) -> Features {
        let pick = |(index, z): (usize, &Option<Feature>)| {
            let m = Modality(index);
            needed
                .has(m)
                .then(|| self.rows(z.as_ref().expect("the samples have what the term needs"), m, samples))
        };
        encoded.iter().enumerate().map(pick).collect()
    }

    /// Rows of `feature`, which holds one row for every sample that has `m`,
    /// for the given samples, in their order.
    fn rows(&self, feature: &Feature, m: Modality, samples: &[usize]) -> Feature {
        let have = feature.samples();
        if have == samples.len() && samples.is_sorted() {
            return feature.clone();
        }
        let mut row = 0;
        let position: Vec<Option<i64>> = self
            .present
            .iter()
            .map(|p| {
                p.has(m).then(|| {
                    row += 1;
                    row - 1
                })
            })
            .collect();
        let index: Vec<i64> = samples
            .iter()
            .map(|&i| position[i].expect("only samples that have the modality are asked for"))
            .collect();
        let count = index.len();
        feature.select(&Tensor::from_data(TensorData::new(index, [count]), &feature.device()))
    }
}
