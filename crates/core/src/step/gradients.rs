//! Gradients of a model's parameters, by position in its [`Groups`].

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients as Tape, Tensor};

use super::{Group, Groups};
use crate::engine;
use crate::host::Reads;

/// One flat gradient for each parameter that anything receives for.
///
/// A missing entry and a zero gradient are different things: momentum and
/// weight decay still move a parameter whose gradient is zero.
#[derive(Clone, Debug)]
pub struct Gradients(Vec<Option<Tensor<1>>>);

impl Gradients {
    /// No entries.
    pub fn none(groups: &Groups) -> Self {
        Self(vec![None; groups.parameters().len()])
    }

    /// What a backward pass left on a module's parameters.
    pub(crate) fn take<M: Module>(module: &M, groups: &Groups, tape: &mut Tape) -> Self {
        struct Taker<'a> {
            groups: &'a Groups,
            tape: &'a mut Tape,
            entries: Vec<Option<Tensor<1>>>,
        }
        impl ModuleVisitor for Taker<'_> {
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                if let Some(position) = self.groups.position(param.id)
                    && let Some(gradient) = param.val().grad_remove(self.tape)
                {
                    let count = gradient.shape().num_elements();
                    self.entries[position] = Some(gradient.reshape([count]));
                }
            }
        }
        let mut taker = Taker { groups, tape, entries: vec![None; groups.parameters().len()] };
        module.visit(&mut taker);
        Self(taker.entries)
    }

    /// Adds the entries of other parameters, or of the same ones.
    pub(crate) fn merge(&mut self, other: Self) {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            *mine = match (mine.take(), other) {
                (Some(mine), Some(other)) => Some(mine + other),
                (mine, other) => mine.or(other),
            };
        }
    }

    /// The gradient of the parameter at `position`.
    pub fn get(&self, position: usize) -> Option<&Tensor<1>> {
        self.0[position].as_ref()
    }

    /// Replaces the gradient of the parameter at `position`.
    pub fn set(&mut self, position: usize, gradient: Option<Tensor<1>>) {
        self.0[position] = gradient;
    }

    /// Removes and returns the gradient of the parameter at `position`.
    pub fn remove(&mut self, position: usize) -> Option<Tensor<1>> {
        self.0[position].take()
    }

    /// Adds `weight * other` for the parameters of a group.
    pub fn add(&mut self, other: &Self, group: Group, weight: f64, groups: &Groups) {
        for (position, parameter) in groups.parameters().iter().enumerate() {
            if parameter.group == group
                && let Some(gradient) = &other.0[position]
            {
                let scaled =
                    if weight == 1.0 { gradient.clone() } else { gradient.clone().mul_scalar(weight) };
                self.0[position] = Some(match self.0[position].take() {
                    Some(sum) => sum + scaled,
                    None => scaled,
                });
            }
        }
    }

    /// Removes every entry.
    pub(crate) fn clear(&mut self) {
        self.0.fill(None);
    }

    /// Multiplies every entry.
    pub fn scale(&mut self, factor: f64) {
        for entry in &mut self.0 {
            // Whoever owns a tensor alone multiplies it where it lies.
            *entry = entry.take().map(|gradient| gradient.mul_scalar(factor));
        }
    }

    /// Euclidean norm over all entries for which `of` holds of their position.
    pub fn norm(&self, of: impl Fn(usize) -> bool) -> f64 {
        let mut reads = Reads::default();
        let entries = self.0.iter().enumerate().filter(|(i, _)| of(*i));
        entries.filter_map(|(_, entry)| entry.as_ref()).for_each(|g| reads.add(square(g)));
        root(&reads.fetch())
    }

    /// Adds what [`Self::clip_by`] needs to know to what is read.
    pub(crate) fn ask(&self, reads: &mut Reads) {
        self.0.iter().flatten().for_each(|g| reads.add(square(g)));
    }

    /// Limits the norm over all entries together, as PyTorch's
    /// `clip_grad_norm_`: factor `min(1, max / (norm + 1e-6))`.
    pub fn clip(&mut self, max: f64) -> Clip {
        let mut reads = Reads::default();
        self.ask(&mut reads);
        self.clip_by(max, &reads.fetch())
    }

    /// As [`Self::clip`], with the answers to what was asked.
    pub(crate) fn clip_by(&mut self, max: f64, squares: &[Vec<f32>]) -> Clip {
        let norm = root(squares);
        let factor = (max / (norm + 1e-6)).min(1.0);
        if factor < 1.0 {
            self.scale(factor);
        }
        Clip { norm, factor }
    }
}

fn square(gradient: &Tensor<1>) -> Tensor<1> {
    engine::square_sum(gradient.clone())
}

fn root(squares: &[Vec<f32>]) -> f64 {
    squares.iter().map(|square| f64::from(square[0])).sum::<f64>().sqrt()
}

/// What a clip did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clip {
    /// Norm over all parameters before.
    pub norm: f64,
    /// Factor that was applied, 1 if none was needed.
    pub factor: f64,
}
