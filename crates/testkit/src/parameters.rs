//! Reading and replacing parameters by name.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use counterpoint::host::host;
use counterpoint::step::Groups;

/// Values of all parameters, row-major, by name.
pub fn values<M: Module>(model: &M, groups: &Groups) -> BTreeMap<String, Vec<f32>> {
    struct Reader<'a>(&'a Groups, BTreeMap<String, Vec<f32>>);
    impl ModuleVisitor for Reader<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(position) = self.0.position(param.id) {
                self.1.insert(self.0.parameters()[position].name.clone(), host(param.val().inner()));
            }
        }
    }
    let mut reader = Reader(groups, BTreeMap::new());
    model.visit(&mut reader);
    reader.1
}

/// The model with other values where `new` gives some; the rest stays.
///
/// # Panics
/// If the number of values is not that of the parameter.
pub fn replaced<M: Module>(model: M, groups: &Groups, new: impl FnMut(&str) -> Option<Vec<f32>>) -> M {
    struct Writer<'a, F>(&'a Groups, F);
    impl<F: FnMut(&str) -> Option<Vec<f32>>> ModuleMapper for Writer<'_, F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, old, mapper) = param.consume();
            let name = self.0.position(id).map(|i| self.0.parameters()[i].name.as_str());
            let tensor = match name.and_then(&mut self.1) {
                Some(values) => {
                    let data = TensorData::new(values, old.dims());
                    Tensor::from_data(data, &old.device()).require_grad()
                }
                None => old,
            };
            Param::from_mapped_value(id, tensor, mapper)
        }
    }
    model.map(&mut Writer(groups, new))
}

/// The model with every parameter replaced by what `change` makes of its
/// position and flat value, in the precision of the device.
pub fn changed<M: Module>(model: M, groups: &Groups, change: impl FnMut(usize, Tensor<1>) -> Tensor<1>) -> M {
    struct Changer<'a, F>(&'a Groups, F);
    impl<F: FnMut(usize, Tensor<1>) -> Tensor<1>> ModuleMapper for Changer<'_, F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, old, mapper) = param.consume();
            let Some(position) = self.0.position(id) else {
                return Param::from_mapped_value(id, old, mapper);
            };
            let shape = old.dims();
            let flat = old.inner().reshape([shape.iter().product::<usize>()]);
            let new = Tensor::from_inner((self.1)(position, flat).reshape(shape)).require_grad();
            Param::from_mapped_value(id, new, mapper)
        }
    }
    model.map(&mut Changer(groups, change))
}
