//! The part of Python's pickle format that weights and data sets use.
//!
//! A pickle is a program for a small stack machine that may call any function. The machine here
//! knows the few functions that build tensors and arrays by what they mean and skips harmless
//! objects of other kinds that people keep beside them. It refuses every other:
//! nothing in a file is executed. Large contents stay in the file until they are asked for.

mod array;
mod bystander;
mod machine;
mod numpy;
mod tape;

use std::error::Error;
use std::fmt;
use std::io::{Read, Seek};

pub use array::{Array, Data};
pub use tape::Span;

/// Index of an object.
pub type Ref = usize;

/// What a pickle can hold here.
#[derive(Clone, Debug)]
pub enum Object {
    /// A whole number of up to 64 bits.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Something that nothing here depends on: nothing, a device, a path.
    Other,
    /// A text of up to 64 KiB; of Python 2 each byte a character.
    Text(String),
    /// Bytes, or a longer text.
    Bytes(Payload),
    /// A class or function by its full name.
    Global(String),
    /// A tuple, a list or a set.
    Sequence(Vec<Ref>),
    /// A dictionary.
    Dict(Vec<(Ref, Ref)>),
    /// The numbers of a tensor of PyTorch, which lie elsewhere in the file.
    Storage {
        /// Class by its full name.
        class: String,
        /// Name of the part of the file.
        key: String,
    },
    /// A view of a storage.
    Tensor {
        /// Where its numbers are.
        storage: Ref,
        /// The first of them.
        offset: usize,
        /// Length of each axis.
        shape: Vec<usize>,
        /// Numbers from one entry of an axis to the next.
        strides: Vec<usize>,
    },
    /// The type of the elements of an array of NumPy, as `<f4`.
    Dtype(String),
    /// An array of NumPy.
    Array(Array),
}

/// Bytes of a file.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Held in memory.
    Held(Vec<u8>),
    /// Those of a part of the file.
    Raw(Span),
    /// A part of the file that is UTF-8; each character stands for a byte.
    Utf8(Span),
}

/// Why a pickle cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PickleError {
    /// It asks to call a function, by its full name, that is not known to be harmless.
    Refused(String),
    /// It is truncated, damaged or of a kind that is not read; the text goes on after the file's name.
    Damaged(String),
}

impl fmt::Display for PickleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(name) => write!(f, "it asks to call `{name}`, which is refused"),
            Self::Damaged(what) => f.write_str(what),
        }
    }
}

impl Error for PickleError {}

impl From<String> for PickleError {
    fn from(what: String) -> Self {
        Self::Damaged(what)
    }
}

impl From<&str> for PickleError {
    fn from(what: &str) -> Self {
        Self::Damaged(what.into())
    }
}

/// The objects of a pickle, and the one it is about.
#[derive(Debug, Default)]
pub struct Pickle {
    objects: Vec<Object>,
    root: Ref,
}

impl Pickle {
    /// Reads one pickle from where the file stands, and leaves it standing behind it.
    ///
    /// # Errors
    /// If it is damaged, asks for a call that is refused, or cannot be read.
    pub fn read<R: Read + Seek>(file: &mut R) -> Result<Self, PickleError> {
        machine::run(file)
    }

    /// The object that was pickled.
    pub fn root(&self) -> Ref {
        self.root
    }

    /// An object.
    pub fn get(&self, at: Ref) -> &Object {
        &self.objects[at]
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter()
    }

    /// A text.
    pub fn text(&self, at: Ref) -> Option<&str> {
        match self.get(at) {
            Object::Text(text) => Some(text),
            Object::Bytes(Payload::Held(bytes)) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The entry of a dictionary; the last of several.
    pub fn entry(&self, dict: Ref, key: &str) -> Option<Ref> {
        let Object::Dict(entries) = self.get(dict) else { return None };
        entries.iter().rev().find(|(name, _)| self.text(*name) == Some(key)).map(|(_, value)| *value)
    }

    /// The keys of a dictionary that are texts.
    pub fn keys(&self, dict: Ref) -> Vec<&str> {
        let Object::Dict(entries) = self.get(dict) else { return Vec::new() };
        entries.iter().filter_map(|(name, _)| self.text(*name)).collect()
    }
}
