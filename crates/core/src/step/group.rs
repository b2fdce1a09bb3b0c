//! Parameter groups: the columns of the routing matrix.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

use crate::modality::{Modalities, Modality};

/// A set of parameters with one entry in the routing matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The encoder of one modality.
    Encoder(Modality),
    /// What joins the features.
    Fusion,
    /// What reads the joined features.
    Head,
    /// A head that reads one modality's features.
    UnimodalHead(Modality),
}

impl Group {
    /// Name for people and files: `encoder.audio`, `fusion`, `head`, `unimodal_head.audio`.
    pub fn label(self, names: &Modalities) -> String {
        match self {
            Self::Encoder(m) => format!("encoder.{}", names.name(m)),
            Self::Fusion => "fusion".into(),
            Self::Head => "head".into(),
            Self::UnimodalHead(m) => format!("unimodal_head.{}", names.name(m)),
        }
    }
}

/// One trainable tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Identity within the module.
    pub id: ParamId,
    /// Path, as in the checkpoint: `encoder.audio.conv1.weight`.
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// The group it belongs to.
    pub group: Group,
}

/// All parameters of a model, each in one group.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    parameters: Vec<Parameter>,
    index: HashMap<ParamId, usize>,
}

impl Groups {
    /// Adds the parameters of a sub-module; a parameter that is already in a
    /// group stays there, so shared layers belong to whoever named them first.
    pub fn add<M: Module>(&mut self, group: Group, prefix: &str, module: &M) {
        let mut collector =
            Collector { group, path: vec![prefix.to_owned()], enums: Vec::new(), groups: self };
        module.visit(&mut collector);
    }

    /// All parameters, in the order they were added.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Position of a parameter in [`Self::parameters`].
    pub fn position(&self, id: ParamId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    /// The groups that have parameters, in order of first appearance.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        for p in &self.parameters {
            if !groups.contains(&p.group) {
                groups.push(p.group);
            }
        }
        groups
    }

    /// Number of tensors and of numbers in a group.
    pub fn size(&self, group: Group) -> (usize, usize) {
        let of = self.parameters.iter().filter(|p| p.group == group);
        of.fold((0, 0), |(tensors, numbers), p| (tensors + 1, numbers + p.shape.iter().product::<usize>()))
    }
}

struct Collector<'a> {
    group: Group,
    path: Vec<String>,
    /// For every level whether it is an enum variant, which is not part of a name.
    enums: Vec<bool>,
    groups: &'a mut Groups,
}

impl ModuleVisitor for Collector<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        let variant = container.starts_with("Enum");
        self.enums.push(variant);
        if !variant {
            self.path.push(name.to_owned());
        }
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        if self.enums.pop() == Some(false) {
            self.path.pop();
        }
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.groups.index.contains_key(&param.id) {
            return;
        }
        self.groups.index.insert(param.id, self.groups.parameters.len());
        self.groups.parameters.push(Parameter {
            id: param.id,
            name: self.path.join("."),
            shape: param.val().dims().to_vec(),
            group: self.group,
        });
    }
}

/// Replaces parameters by what `change` makes of their flat values; `None` keeps one.
pub(crate) fn map_parameters<M: Module>(
    module: M,
    change: impl FnMut(ParamId, Tensor<1>) -> Option<Tensor<1>>,
) -> M {
    struct Mapper<F>(F);
    impl<F: FnMut(ParamId, Tensor<1>) -> Option<Tensor<1>>> ModuleMapper for Mapper<F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let tracked = tensor.is_require_grad();
            let (shape, autodiff) = (tensor.shape(), tensor.is_autodiff());
            let flat = tensor.clone().inner().reshape([shape.num_elements()]);
            // The old tensor is kept only if it stays: otherwise its memory may be reused.
            let changed = match (self.0)(id, flat) {
                Some(new) => {
                    let new = new.reshape(shape);
                    let new = if autodiff { Tensor::from_inner(new) } else { new };
                    if tracked { new.require_grad() } else { new }
                }
                None => tensor,
            };
            Param::from_mapped_value(id, changed, mapper)
        }
    }
    module.map(&mut Mapper(change))
}

/// Makes constants of the parameters for which `deaf` holds: no backward pass
/// computes their gradients.
pub(crate) fn freeze<M: Module>(module: M, deaf: impl Fn(ParamId) -> bool) -> M {
    struct Mapper<F>(F);
    impl<F: Fn(ParamId) -> bool> ModuleMapper for Mapper<F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let tensor = if tensor.is_autodiff() && (self.0)(id) {
                Tensor::from_inner(tensor.inner())
            } else {
                tensor
            };
            Param::from_mapped_value(id, tensor, mapper)
        }
    }
    module.map(&mut Mapper(deaf))
}
