//! What a part says of itself, with and without its type.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::Catalog;

/// The settings of a part: what a configuration writes beside its `name`.
///
/// Defaults are serde's, and the reference of the settings is made of the doc
/// comments of the fields.
pub trait Settings:
    Serialize + DeserializeOwned + JsonSchema + PartialEq + Debug + Send + Sync + 'static
{
    /// The name that a configuration chooses it by.
    const NAME: &'static str;

    /// One line on it, for lists.
    const SUMMARY: &'static str;

    /// Keys that earlier versions called otherwise: what they were, and what they are.
    const EARLIER: &'static [(&'static str, &'static str)] = &[];
}

/// What is known of every part's settings without their type.
pub trait Part: erased_serde::Serialize + Debug + Send + Sync {
    /// The name that a configuration chooses it by.
    fn name(&self) -> &'static str;

    /// For asking whether it is of a certain type.
    fn as_any(&self) -> &dyn Any;

    /// Whether the other is of the same type with the same settings.
    fn equals(&self, other: &dyn Any) -> bool;
}

impl<S: Settings> Part for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<S>() == Some(self)
    }
}

/// A kind of part: the trait object that their settings are used as.
pub trait Kind: Part + 'static {
    /// What one is called in messages: `strategy`.
    const NOUN: &'static str;

    /// The parts that come with this project.
    fn built_in() -> Catalog<Self>;
}

/// A kind that settings of type `S` belong to; implemented once for each kind,
/// for all that implement its trait.
pub trait Takes<S>: Kind {
    /// The settings without their type.
    fn take(settings: S) -> Arc<Self>;
}
