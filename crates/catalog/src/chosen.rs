//! One part, as a configuration chose it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Table;

use crate::{Catalog, Kind, Part, Settings, Takes};

/// A part's settings, whatever their type. As a serde value it is the table
/// `{ name, .. }` with every default written out, and is read by
/// [`Catalog::current`].
pub struct Chosen<K: ?Sized>(Arc<K>);

impl<K: Kind + ?Sized> Chosen<K> {
    /// The part with these settings.
    pub fn new<S: Settings>(settings: S) -> Self
    where
        K: Takes<S>,
    {
        Self(K::take(settings))
    }

    /// The settings, if they are of this type.
    pub fn get<S: Settings>(&self) -> Option<&S> {
        self.0.as_any().downcast_ref()
    }

    /// Whether the settings are of this type.
    pub fn is<S: Settings>(&self) -> bool {
        self.get::<S>().is_some()
    }
}

impl<S: Settings, K: Takes<S> + ?Sized> From<S> for Chosen<K> {
    fn from(settings: S) -> Self {
        Self::new(settings)
    }
}

impl<K: ?Sized> Deref for Chosen<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.0
    }
}

impl<K: ?Sized> Clone for Chosen<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Part + ?Sized> fmt::Debug for Chosen<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<K: Part + ?Sized> PartialEq for Chosen<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(other.0.as_any())
    }
}

impl<K: Part + ?Sized> Serialize for Chosen<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Erased<'a, K: ?Sized>(&'a K);
        impl<K: Part + ?Sized> Serialize for Erased<'_, K> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                erased_serde::serialize(self.0, serializer)
            }
        }
        #[derive(Serialize)]
        #[serde(bound = "")]
        struct Named<'a, K: Part + ?Sized> {
            name: &'static str,
            #[serde(flatten)]
            settings: Erased<'a, K>,
        }
        Named { name: self.0.name(), settings: Erased(&*self.0) }.serialize(serializer)
    }
}

impl<'de, K: Kind + ?Sized> Deserialize<'de> for Chosen<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = Table::deserialize(deserializer)?;
        Catalog::current().read(table).map_err(D::Error::custom)
    }
}

impl<K: Kind + ?Sized> JsonSchema for Chosen<K> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        K::NOUN.into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Catalog::<K>::current().schema(generator)
    }
}
