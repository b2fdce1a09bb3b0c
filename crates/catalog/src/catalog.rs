//! The parts of one kind, and how a configuration's table becomes one of them.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

use schemars::{Schema, SchemaGenerator, json_schema};
use toml::{Table, Value};

use crate::read::{ReadError, keys_of, read};
use crate::suggestion::unknown;
use crate::{Chosen, Kind, Settings, Takes};

/// The parts of one kind by name.
pub struct Catalog<K: ?Sized> {
    entries: Vec<Entry<K>>,
}

/// One part of a catalogue.
pub struct Entry<K: ?Sized> {
    /// The name that a configuration chooses it by.
    pub name: &'static str,
    /// One line on it.
    pub summary: &'static str,
    earlier: &'static [(&'static str, &'static str)],
    read: fn(Table) -> Result<Chosen<K>, ReadError>,
    schema: fn(&mut SchemaGenerator) -> Schema,
}

impl<K: ?Sized> Clone for Entry<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: ?Sized> Copy for Entry<K> {}

impl<K: ?Sized> Clone for Catalog<K> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<K: ?Sized> Default for Catalog<K> {
    /// An empty one.
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

thread_local! {
    /// Catalogues in use, the innermost last; of several kinds.
    static IN_USE: RefCell<Vec<Rc<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// Takes a catalogue out of use again, also when reading panics.
struct Use;

impl Drop for Use {
    fn drop(&mut self) {
        IN_USE.with_borrow_mut(Vec::pop);
    }
}

impl<K: Kind + ?Sized> Catalog<K> {
    /// Adds a part; one of the same name is replaced.
    #[must_use]
    pub fn with<S: Settings>(mut self) -> Self
    where
        K: Takes<S>,
    {
        self.entries.retain(|entry| entry.name != S::NAME);
        self.entries.push(Entry {
            name: S::NAME,
            summary: S::SUMMARY,
            earlier: S::EARLIER,
            read: |table| read(table).map(Chosen::new::<S>),
            schema: S::json_schema,
        });
        self
    }

    /// All parts, in the order in which they were added.
    pub fn entries(&self) -> &[Entry<K>] {
        &self.entries
    }

    /// The part of a name.
    ///
    /// # Errors
    /// If there is none; the message lists those that there are.
    pub fn find(&self, name: &str) -> Result<&Entry<K>, ReadError> {
        let names = || self.entries.iter().map(|entry| entry.name).collect::<Vec<_>>();
        let found = self.entries.iter().find(|entry| entry.name == name);
        found.ok_or_else(|| ReadError(unknown(&format!("unknown {} `{name}`", K::NOUN), name, &names())))
    }

    /// Reads a table `{ name, .. }`. Parts within it are read by this catalogue, too.
    ///
    /// # Errors
    /// If the name or a key is unknown, or a value does not fit its key.
    pub fn read(&self, mut table: Table) -> Result<Chosen<K>, ReadError> {
        let name = match table.remove("name") {
            Some(Value::String(name)) => name,
            other => {
                let found = other.map_or("missing".into(), |value| format!("`{value}`"));
                let names: Vec<&str> = self.entries.iter().map(|entry| entry.name).collect();
                return Err(ReadError(format!("`name` is {found}: expected one of {}", names.join(", "))));
            }
        };
        let entry = self.find(&name)?;
        for (earlier, now) in entry.earlier {
            if let Some(value) = table.remove(*earlier) {
                table.entry(*now).or_insert(value);
            }
        }
        entry.check_keys(&table)?;
        self.during(|| (entry.read)(table))
    }

    /// Runs `work`; what it reads on this thread, it reads by this catalogue.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        IN_USE.with_borrow_mut(|used| used.push(Rc::new(self.clone())));
        let _until = Use;
        work()
    }

    /// The innermost catalogue in use on this thread; the parts of this project if there is none.
    pub fn current() -> Self {
        let used =
            IN_USE.with_borrow(|used| used.iter().rev().find_map(|any| any.downcast_ref::<Self>().cloned()));
        used.unwrap_or_else(K::built_in)
    }

    /// What a table of any of the parts looks like.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let each: Vec<Schema> = self.entries.iter().map(|entry| entry.schema(generator)).collect();
        json_schema!({ "oneOf": each })
    }
}

impl<K: Kind + ?Sized> Entry<K> {
    /// What its table looks like, its name included.
    pub fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = (self.schema)(generator);
        let object = schema.ensure_object();
        object.insert("title".into(), self.name.into());
        object.insert("description".into(), self.summary.into());
        object.insert("type".into(), "object".into());
        object.insert("additionalProperties".into(), false.into());
        if let Some(properties) =
            object.entry("properties").or_insert_with(|| serde_json::Map::new().into()).as_object_mut()
        {
            properties.insert("name".into(), json_schema!({ "const": self.name }).to_value());
        }
        if let Some(required) =
            object.entry("required").or_insert_with(|| Vec::<String>::new().into()).as_array_mut()
        {
            required.insert(0, "name".into());
        }
        schema
    }

    /// The part with all settings at their defaults.
    ///
    /// # Errors
    /// If a key has none.
    pub fn defaults(&self) -> Result<Chosen<K>, ReadError> {
        (self.read)(Table::new())
    }

    /// The keys that its table may have besides `name`.
    pub fn keys(&self) -> Vec<String> {
        keys_of(&(self.schema)(&mut SchemaGenerator::default()))
    }

    fn check_keys(&self, table: &Table) -> Result<(), ReadError> {
        let keys = self.keys();
        let Some(wrong) = table.keys().find(|key| !keys.contains(key)) else { return Ok(()) };
        let what = format!("unknown key `{wrong}` of {} `{}`", K::NOUN, self.name);
        Err(ReadError(unknown(&what, wrong, &keys)))
    }
}
