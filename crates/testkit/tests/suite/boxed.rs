//! A module in a box is that module: to visitors, to mappers, and when it changes.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Bool, Device, Int, Tensor};
use counterpoint::host::host;
use counterpoint::model::Boxed;
use counterpoint::model::head::Head;

/// Parameters of every kind and of several ranks, some in a box of their own.
#[derive(Module, Debug)]
struct Odd {
    line: Param<Tensor<1>>,
    cubes: Vec<Param<Tensor<3>>>,
    deep: Param<Tensor<6>>,
    counts: Param<Tensor<2, Int>>,
    mask: Param<Tensor<1, Bool>>,
    inner: Option<Boxed<dyn Head>>,
}

/// Multiplies by the sum of the lines, the inner ones included.
impl Head for Odd {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let own = x.clone() * self.line.val().sum().unsqueeze();
        match &self.inner {
            Some(inner) => own + inner.forward(x),
            None => own,
        }
    }
}

fn sum(head: &Boxed<dyn Head>) -> f32 {
    host(head.forward(Tensor::ones([1, 1], &Device::flex().autodiff())).inner())[0]
}

fn odd(inner: Option<Boxed<dyn Head>>, first: u64) -> Odd {
    let device = Device::flex().autodiff();
    let id = |i: u64| ParamId::from(first + i);
    fn float<const D: usize>(id: ParamId, device: &Device) -> Param<Tensor<D>> {
        Param::initialized(id, Tensor::ones([2; D], device).require_grad())
    }
    Odd {
        line: float(id(0), &device),
        cubes: vec![float(id(1), &device), float(id(2), &device)],
        deep: float(id(3), &device),
        counts: Param::initialized(id(4), Tensor::<2, Int>::ones([2, 2], &device)),
        mask: Param::initialized(id(5), Tensor::<1, Int>::ones([2], &device).equal_elem(1)),
        inner,
    }
}

fn nested() -> Odd {
    odd(Some(Boxed::new(odd(None, 100))), 0)
}

/// What a visitor is told: paths, kinds, ranks, identities, gradients.
#[derive(Default)]
struct Told(Vec<String>);

impl ModuleVisitor for Told {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.push(format!("into {name} of {container}"));
    }

    fn exit_module(&mut self, name: &str, _: &str) {
        self.0.push(format!("out of {name}"));
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(format!("float {D} {} {}", param.id, param.val().is_require_grad()));
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.push(format!("int {D} {}", param.id));
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.push(format!("bool {D} {}", param.id));
    }
}

fn told<M: Module>(module: &M) -> Vec<String> {
    let mut visitor = Told::default();
    module.visit(&mut visitor);
    visitor.0
}

/// Doubles floating-point parameters.
struct Double;

impl ModuleMapper for Double {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let tensor = Tensor::from_inner(tensor.inner().mul_scalar(2.0)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}

#[test]
fn a_visitor_is_told_the_same_of_a_module_and_of_its_box() {
    let plain = told(&nested());
    assert_eq!(plain.iter().filter(|line| line.starts_with("float")).count(), 8);
    assert_eq!(plain.iter().filter(|line| line.starts_with("int ") || line.starts_with("bool ")).count(), 4);
    let boxed: Boxed<dyn Head> = Boxed::new(nested());
    assert_eq!(told(&boxed), plain);
    assert_eq!(told(&boxed.clone()), plain);
    assert_eq!(boxed.num_params(), nested().num_params());
}

#[test]
fn a_box_is_mapped_trained_and_frozen_as_its_module_is() {
    let boxed: Boxed<dyn Head> = Boxed::new(nested());
    let before = boxed.clone();
    let mapped = boxed.map(&mut Double);
    assert_eq!((sum(&before), sum(&mapped)), (4.0, 8.0), "the inner box, too, and no clone");
    assert_eq!(told(&mapped), told(&nested()));
    let frozen = mapped.valid();
    assert_eq!(told(&frozen), told(&nested().valid()));
    assert_ne!(told(&frozen), told(&mapped));
    assert_eq!(told(&frozen.train()), told(&nested()));
    assert_eq!(mapped.devices().len(), nested().devices().len());
    assert_eq!(sum(&mapped.fork(&Device::flex().autodiff())), 8.0);
}
