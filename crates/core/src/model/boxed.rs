//! Modules whose type is known only while the program runs.
//!
//! Burn's [`Module`] makes no trait objects, because its visitors are generic
//! over the rank of a parameter. [`Boxed`] is a module all the same: it hands
//! visitors and mappers to the module inside, parameter by parameter. Names,
//! identities and values are those of the module inside; a box has no level of
//! its own in a path.

use std::any::Any;
use std::fmt::{Debug, Formatter, Result};
use std::ops::{Deref, DerefMut};

use burn::module::{
    Content, Devices, Flag, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param,
};
use burn::tensor::{Bool, Device, Int, Tensor};

/// A module that is known only as a `D`, such as `dyn Encoder`.
pub struct Boxed<D: ?Sized> {
    inner: Box<D>,
    /// From the module inside to `D`, where its type is still known.
    rebox: fn(Box<dyn Any>) -> Box<D>,
}

/// A module that can be used as a `D`; every module that implements the trait is.
pub trait IntoBoxed<D: ?Sized>: Module + ModuleDisplay + 'static {
    /// Forgets the type.
    fn unsize(self: Box<Self>) -> Box<D>;
}

/// What every [`Module`] can do without its type.
pub trait Erased: Debug + Send {
    /// A clone.
    fn erased_clone(&self) -> Box<dyn Any>;

    /// The module, changed.
    fn erased_change(self: Box<Self>, change: Change<'_>) -> Box<dyn Any>;

    /// Shows all parameters to a visitor.
    fn erased_visit(&self, visitor: &mut dyn AnyVisitor);

    /// Adds the devices of all parameters.
    fn erased_devices(&self, devices: Devices) -> Devices;

    /// For people.
    fn erased_content(&self, content: Content) -> Option<Content>;
}

/// What [`Module`] makes of a module.
#[expect(missing_docs, reason = "they are the methods of `Module`")]
pub enum Change<'a> {
    Map(&'a mut dyn AnyMapper),
    Fork(&'a Device),
    ToDevice(&'a Device),
    Train,
    Valid,
    Materialize,
}

impl<M: Module + ModuleDisplay + 'static> Erased for M {
    fn erased_clone(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }

    fn erased_change(self: Box<Self>, change: Change<'_>) -> Box<dyn Any> {
        Box::new(match change {
            Change::Map(mapper) => self.map(&mut ByAny(mapper)),
            Change::Fork(device) => self.fork(device),
            Change::ToDevice(device) => self.to_device(device),
            Change::Train => self.train(),
            Change::Valid => self.valid(),
            Change::Materialize => self.materialize(),
        })
    }

    fn erased_visit(&self, visitor: &mut dyn AnyVisitor) {
        self.visit(&mut ByAny(visitor));
    }

    fn erased_devices(&self, devices: Devices) -> Devices {
        self.collect_devices(devices)
    }

    fn erased_content(&self, content: Content) -> Option<Content> {
        ModuleDisplayDefault::content(self, content)
    }
}

impl<D: ?Sized> Boxed<D> {
    /// Puts a module into a box.
    pub fn new<M: IntoBoxed<D>>(module: M) -> Self {
        let rebox = |any: Box<dyn Any>| any.downcast::<M>().expect("a change keeps the type").unsize();
        Self { inner: Box::new(module).unsize(), rebox }
    }

    /// What is in the box.
    pub fn into_inner(self) -> Box<D> {
        self.inner
    }
}

impl<D: Erased + ?Sized> Boxed<D> {
    fn change(self, change: Change<'_>) -> Self {
        Self { inner: (self.rebox)(self.inner.erased_change(change)), rebox: self.rebox }
    }
}

impl<D: ?Sized> Deref for Boxed<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.inner
    }
}

impl<D: ?Sized> DerefMut for Boxed<D> {
    fn deref_mut(&mut self) -> &mut D {
        &mut self.inner
    }
}

impl<D: Erased + ?Sized> Debug for Boxed<D> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.inner.fmt(f)
    }
}

impl<D: Erased + ?Sized> Clone for Boxed<D> {
    fn clone(&self) -> Self {
        Self { inner: (self.rebox)(self.inner.erased_clone()), rebox: self.rebox }
    }
}

impl<D: Erased + ?Sized> Module for Boxed<D> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.inner.erased_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.change(Change::Fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.change(Change::ToDevice(device))
    }

    fn train(self) -> Self {
        self.change(Change::Train)
    }

    fn valid(&self) -> Self {
        self.clone().change(Change::Valid)
    }

    fn materialize(self) -> Self {
        self.change(Change::Materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.inner.erased_visit(visitor);
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.change(Change::Map(mapper))
    }
}

impl<D: Erased + ?Sized> ModuleDisplayDefault for Boxed<D> {
    fn content(&self, content: Content) -> Option<Content> {
        self.inner.erased_content(content)
    }
}

impl<D: Erased + ?Sized> ModuleDisplay for Boxed<D> {}

/// [`ModuleVisitor`] as a trait object: a parameter is a `Param` of any kind and rank.
pub trait AnyVisitor {
    /// Visits a parameter or a flag.
    fn any(&mut self, param: &dyn Any);
    /// Enters a level of the path.
    fn enter(&mut self, name: &str, container: &str);
    /// Leaves it.
    fn exit(&mut self, name: &str, container: &str);
}

/// [`ModuleMapper`] as a trait object; see [`AnyVisitor`].
pub trait AnyMapper {
    /// Maps a parameter or a flag to one of the same type.
    fn any(&mut self, param: Box<dyn Any>) -> Box<dyn Any>;
    /// Enters a level of the path.
    fn enter(&mut self, name: &str, container: &str);
    /// Leaves it.
    fn exit(&mut self, name: &str, container: &str);
}

/// The other direction: a module inside a box sees a visitor or mapper of its own kind.
struct ByAny<'a, T: ?Sized>(&'a mut T);

impl ModuleVisitor for ByAny<'_, dyn AnyVisitor + '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.any(param);
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.0.any(param);
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.0.any(param);
    }

    fn visit_flag(&mut self, flag: &Param<Flag>) {
        self.0.any(flag);
    }
}

impl ByAny<'_, dyn AnyMapper + '_> {
    fn same<P: 'static>(&mut self, param: P) -> P {
        *self.0.any(Box::new(param)).downcast().expect("a mapper keeps the type")
    }
}

impl ModuleMapper for ByAny<'_, dyn AnyMapper + '_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.0.enter(name, container);
    }

    fn exit_module(&mut self, name: &str, container: &str) {
        self.0.exit(name, container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.same(param)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        self.same(param)
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        self.same(param)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        self.same(flag)
    }
}

/// The ranks that a parameter can have; that of a convolution over three axes has 5.
macro_rules! each_rank {
    ($run:ident) => {
        $run!(1 2 3 4 5 6 7 8)
    };
}

const NO_SUCH_RANK: &str = "a parameter of a module in a box has a rank from 1 to 8";

impl<V: ModuleVisitor> AnyVisitor for V {
    fn any(&mut self, param: &dyn Any) {
        macro_rules! visit {
            ($($rank:literal)*) => {$(
                if let Some(param) = param.downcast_ref::<Param<Tensor<$rank>>>() {
                    return self.visit_float(param);
                }
                if let Some(param) = param.downcast_ref::<Param<Tensor<$rank, Int>>>() {
                    return self.visit_int(param);
                }
                if let Some(param) = param.downcast_ref::<Param<Tensor<$rank, Bool>>>() {
                    return self.visit_bool(param);
                }
            )*};
        }
        each_rank!(visit);
        self.visit_flag(param.downcast_ref().expect(NO_SUCH_RANK));
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.exit_module(name, container);
    }
}

impl<M: ModuleMapper> AnyMapper for M {
    fn any(&mut self, param: Box<dyn Any>) -> Box<dyn Any> {
        macro_rules! map {
            ($($rank:literal)*) => {{
                let param = param;
                $(
                    let param = match param.downcast::<Param<Tensor<$rank>>>() {
                        Ok(param) => return Box::new(self.map_float(*param)),
                        Err(other) => other,
                    };
                    let param = match param.downcast::<Param<Tensor<$rank, Int>>>() {
                        Ok(param) => return Box::new(self.map_int(*param)),
                        Err(other) => other,
                    };
                    let param = match param.downcast::<Param<Tensor<$rank, Bool>>>() {
                        Ok(param) => return Box::new(self.map_bool(*param)),
                        Err(other) => other,
                    };
                )*
                param
            }};
        }
        let flag = each_rank!(map);
        Box::new(self.map_flag(*flag.downcast().expect(NO_SUCH_RANK)))
    }

    fn enter(&mut self, name: &str, container: &str) {
        self.enter_module(name, container);
    }

    fn exit(&mut self, name: &str, container: &str) {
        self.exit_module(name, container);
    }
}
