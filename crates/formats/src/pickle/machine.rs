//! The stack machine.

use std::collections::HashMap;
use std::io::{Read, Seek};

use super::bystander::{self, Bystander};
use super::tape::Tape;
use super::{Object, Payload, Pickle, PickleError, Ref, numpy};

/// Texts and bytes up to this size are held in memory.
const SHORT: u64 = 1 << 16;
/// Objects of one pickle: each takes some eighty bytes of memory, but maybe one of the file.
const OBJECTS: usize = 1 << 24;
/// Characters of a name, axes of a tensor.
const LONGEST: (usize, usize) = (1024, 64);

/// Reads one pickle.
pub(super) fn run<R: Read + Seek>(file: &mut R) -> Result<Pickle, PickleError> {
    let mut machine = Machine {
        tape: Tape::new(file)?,
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        pickle: Pickle::default(),
        copied: 0,
        steps: 0,
    };
    while !machine.step()? {}
    machine.pickle.root = machine.pop()?;
    machine.tape.leave()?;
    Ok(machine.pickle)
}

struct Machine<'a, R: Read + Seek> {
    tape: Tape<'a, R>,
    stack: Vec<Ref>,
    marks: Vec<usize>,
    memo: HashMap<u64, Ref>,
    pickle: Pickle,
    /// Entries that were copied from one object to another.
    copied: usize,
    /// Instructions so far.
    steps: usize,
}

impl<R: Read + Seek> Machine<'_, R> {
    /// One instruction; true after the last.
    fn step(&mut self) -> Result<bool, PickleError> {
        self.steps += 1;
        match self.tape.array::<1>()?[0] {
            0x80 => drop(self.tape.array::<1>()?),                          // PROTO
            0x95 => drop(self.tape.array::<8>()?),                          // FRAME
            b'.' => return Ok(true),                                        // STOP
            b'(' => self.marks.push(self.stack.len()),                      // MARK
            b'0' => drop(self.pop()?),                                      // POP
            b'1' => drop(self.marked()?),                                   // POP_MARK
            b'2' => self.stack.push(self.top()?),                           // DUP
            b'N' => self.push(Object::Other)?,                              // NONE
            code @ (0x88 | 0x89) => self.push(Object::Bool(code == 0x88))?, // NEWTRUE, NEWFALSE
            b'K' => self.integer::<1>()?,                                   // BININT1
            b'M' => self.integer::<2>()?,                                   // BININT2
            b'J' => {
                let value = i32::from_le_bytes(self.tape.array()?); // BININT
                self.push(Object::Int(value.into()))?;
            }
            0x8a => self.long::<1>()?, // LONG1
            0x8b => self.long::<4>()?, // LONG4
            b'G' => {
                let value = f64::from_be_bytes(self.tape.array()?); // BINFLOAT
                self.push(Object::Float(value))?;
            }
            b'B' => self.bytes::<4>()?,        // BINBYTES
            b'C' => self.bytes::<1>()?,        // SHORT_BINBYTES
            0x8e | 0x96 => self.bytes::<8>()?, // BINBYTES8, BYTEARRAY8
            b'T' => self.narrow::<4>()?,       // BINSTRING
            b'U' => self.narrow::<1>()?,       // SHORT_BINSTRING
            b'X' => self.text::<4>()?,         // BINUNICODE
            0x8c => self.text::<1>()?,         // SHORT_BINUNICODE
            0x8d => self.text::<8>()?,         // BINUNICODE8
            b'c' => {
                let (module, name) = (self.tape.line()?, self.tape.line()?); // GLOBAL
                self.push(Object::Global(format!("{module}.{name}")))?;
            }
            0x93 => {
                let (name, module) = (self.popped_name()?, self.popped_name()?); // STACK_GLOBAL
                self.push(Object::Global(format!("{module}.{name}")))?;
            }
            b')' | b']' | 0x8f => self.push(Object::Sequence(Vec::new()))?, // EMPTY_TUPLE, EMPTY_LIST, EMPTY_SET
            b'}' => self.push(Object::Dict(Vec::new()))?,                   // EMPTY_DICT
            b't' | b'l' | 0x91 => {
                let items = self.marked()?; // TUPLE, LIST, FROZENSET
                self.push(Object::Sequence(items))?;
            }
            code @ 0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(code - 0x84)).ok_or(EMPTY)?; // TUPLE1..3
                let items = self.stack.split_off(start);
                self.push(Object::Sequence(items))?;
            }
            b'a' => {
                let item = self.pop()?; // APPEND
                self.extend(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.marked()?; // APPENDS, ADDITEMS
                self.extend(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?); // SETITEM
                self.insert(&[key, value])?;
            }
            b'd' => {
                let items = self.marked()?; // DICT
                self.push(Object::Dict(Vec::new()))?;
                self.insert(&items)?;
            }
            b'u' => {
                let items = self.marked()?; // SETITEMS
                self.insert(&items)?;
            }
            b'q' => self.memorise::<1>()?, // BINPUT
            b'r' => self.memorise::<4>()?, // LONG_BINPUT
            0x94 => {
                let (slot, top) = (self.memo.len() as u64, self.top()?); // MEMOIZE
                self.memo.insert(slot, top);
            }
            b'h' => self.recall::<1>()?, // BINGET
            b'j' => self.recall::<4>()?, // LONG_BINGET
            b'Q' => self.persistent()?,  // BINPERSID
            b'R' | 0x81 => self.call()?, // REDUCE, NEWOBJ
            0x92 => {
                self.pop()?; // NEWOBJ_EX: arguments by name, which nothing here needs
                self.call()?;
            }
            b'b' => {
                let state = self.pop()?; // BUILD: attributes, which only arrays need
                let object = self.top()?;
                numpy::build(&mut self.pickle.objects, object, state);
            }
            0x97 | 0x98 => {
                return Err(
                    "its arrays lie outside the file (buffers of protocol 5); write it with pickle.dump(.., \
                            protocol=4)"
                        .into(),
                );
            }
            other => {
                return Err(format!(
                    "it uses the pickle instruction 0x{other:02x}, which protocols 2 to 5 do not need for weights and \
                     arrays; write it with pickle.dump(.., protocol=4)"
                )
                .into());
            }
        }
        Ok(false)
    }

    /// What a function would return, for those that build tensors and arrays.
    fn call(&mut self) -> Result<(), PickleError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let objects = &self.pickle.objects;
        let Object::Global(name) = &objects[function] else {
            return Err("it calls something that is not a function".into());
        };
        let Object::Sequence(arguments) = &objects[arguments] else {
            return Err(format!("it calls `{name}` without arguments").into());
        };
        let argument =
            |i: usize| arguments.get(i).copied().ok_or(format!("it calls `{name}` with too few arguments"));
        let result = match name.as_str() {
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => Object::Tensor {
                storage: argument(0)?,
                offset: self.numbers(&[argument(1)?])?[0],
                shape: self.sizes(argument(2)?)?,
                strides: self.sizes(argument(3)?)?,
            },
            // The second is how protocol 2 writes bytes: as a text of which each character is one.
            "torch._utils._rebuild_parameter" | "_codecs.encode" => {
                self.stack.push(argument(0)?);
                return Ok(());
            }
            _ => match (numpy::call(objects, name, arguments), bystander::kind(name)) {
                (Some(object), _) => object,
                (_, Some(kind @ (Bystander::Dict | Bystander::Sequence))) => {
                    let first = arguments.first().copied();
                    self.copied += first.map_or(0, |at| entries(&self.pickle.objects[at]));
                    // What is copied was written once, with at least one instruction for each entry.
                    if self.copied > self.steps {
                        return Err(
                            "it copies the same objects again and again, as no program writes it".into()
                        );
                    }
                    match kind {
                        Bystander::Dict => Object::Dict(self.pairs(first)),
                        _ => Object::Sequence(self.items(first)),
                    }
                }
                (_, Some(Bystander::Other)) => Object::Other,
                (None, None) => return Err(PickleError::Refused(name.clone())),
            },
        };
        self.push(result)
    }

    /// The entries of a dictionary or a list of pairs.
    fn pairs(&self, at: Option<Ref>) -> Vec<(Ref, Ref)> {
        match at.map(|at| &self.pickle.objects[at]) {
            Some(Object::Dict(entries)) => entries.clone(),
            Some(Object::Sequence(items)) => {
                let pair = |&item: &Ref| match &self.pickle.objects[item] {
                    Object::Sequence(pair) if pair.len() == 2 => Some((pair[0], pair[1])),
                    _ => None,
                };
                items.iter().filter_map(pair).collect()
            }
            _ => Vec::new(),
        }
    }

    fn items(&self, at: Option<Ref>) -> Vec<Ref> {
        match at.map(|at| &self.pickle.objects[at]) {
            Some(Object::Sequence(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    /// `("storage", class, key, place, count)`.
    fn persistent(&mut self) -> Result<(), PickleError> {
        let identity = self.pop()?;
        let objects = &self.pickle.objects;
        let Object::Sequence(parts) = &objects[identity] else { return Err(UNKNOWN.into()) };
        let &[kind, class, key, ..] = parts.as_slice() else { return Err(UNKNOWN.into()) };
        match (&objects[kind], &objects[class], &objects[key]) {
            (Object::Text(kind), Object::Global(class), Object::Text(key))
                if kind == "storage" && key.len() <= LONGEST.0 =>
            {
                let storage = Object::Storage { class: class.clone(), key: key.clone() };
                self.push(storage)
            }
            _ => Err(UNKNOWN.into()),
        }
    }

    fn sizes(&self, at: Ref) -> Result<Vec<usize>, PickleError> {
        match &self.pickle.objects[at] {
            Object::Sequence(items) if items.len() <= LONGEST.1 => self.numbers(items),
            Object::Sequence(items) => Err(format!("a tensor has {} axes", items.len()).into()),
            _ => Err("the size of a tensor is not a sequence".into()),
        }
    }

    fn numbers(&self, items: &[Ref]) -> Result<Vec<usize>, PickleError> {
        let number = |&at: &Ref| match self.pickle.objects[at] {
            Object::Int(value) => {
                usize::try_from(value).map_err(|_| format!("a tensor has the size {value}").into())
            }
            _ => Err("the size of a tensor is not a number".into()),
        };
        items.iter().map(number).collect()
    }

    fn insert(&mut self, items: &[Ref]) -> Result<(), PickleError> {
        let top = self.top()?;
        match &mut self.pickle.objects[top] {
            Object::Dict(entries) => entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            Object::Other => {}
            _ => return Err("it sets entries of something that is not a dictionary".into()),
        }
        Ok(())
    }

    fn extend(&mut self, items: Vec<Ref>) -> Result<(), PickleError> {
        let top = self.top()?;
        match &mut self.pickle.objects[top] {
            Object::Sequence(all) => all.extend(items),
            Object::Other => {}
            _ => return Err("it appends to something that is not a list".into()),
        }
        Ok(())
    }

    fn push(&mut self, object: Object) -> Result<(), PickleError> {
        if self.pickle.objects.len() >= OBJECTS {
            return Err(format!("it holds more than {OBJECTS} objects; keep numbers in arrays").into());
        }
        self.stack.push(self.pickle.objects.len());
        self.pickle.objects.push(object);
        Ok(())
    }

    fn pop(&mut self) -> Result<Ref, PickleError> {
        self.stack.pop().ok_or_else(|| EMPTY.into())
    }

    fn top(&self) -> Result<Ref, PickleError> {
        self.stack.last().copied().ok_or_else(|| EMPTY.into())
    }

    /// Everything above the last mark.
    fn marked(&mut self) -> Result<Vec<Ref>, PickleError> {
        let mark = self.marks.pop().filter(|m| *m <= self.stack.len()).ok_or(EMPTY)?;
        Ok(self.stack.split_off(mark))
    }

    fn memorise<const N: usize>(&mut self) -> Result<(), PickleError> {
        let slot = self.tape.count::<N>()?;
        self.memo.insert(slot, self.top()?);
        Ok(())
    }

    fn recall<const N: usize>(&mut self) -> Result<(), PickleError> {
        let slot = self.tape.count::<N>()?;
        self.stack.push(*self.memo.get(&slot).ok_or("it reads a memo entry that was never written")?);
        Ok(())
    }

    fn integer<const N: usize>(&mut self) -> Result<(), PickleError> {
        // Two bytes at most.
        let value = self.tape.count::<N>()? as i64;
        self.push(Object::Int(value))
    }

    /// A number of any length; one beyond 64 bits is not the size of anything.
    fn long<const N: usize>(&mut self) -> Result<(), PickleError> {
        let count = self.tape.count::<N>()?;
        if count > 8 {
            self.tape.skip(count)?;
            return self.push(Object::Other);
        }
        let bytes = self.tape.bytes(count)?;
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(&bytes);
        self.push(Object::Int(i64::from_le_bytes(wide)))
    }

    fn text<const N: usize>(&mut self) -> Result<(), PickleError> {
        let count = self.tape.count::<N>()?;
        let object = if count <= SHORT {
            Object::Text(String::from_utf8(self.tape.bytes(count)?).map_err(|_| "a text is not UTF-8")?)
        } else {
            Object::Bytes(Payload::Utf8(self.tape.skip(count)?))
        };
        self.push(object)
    }

    fn bytes<const N: usize>(&mut self) -> Result<(), PickleError> {
        let count = self.tape.count::<N>()?;
        let payload = if count <= SHORT {
            Payload::Held(self.tape.bytes(count)?)
        } else {
            Payload::Raw(self.tape.skip(count)?)
        };
        self.push(Object::Bytes(payload))
    }

    /// A text or bytes of Python 2, which made no difference.
    fn narrow<const N: usize>(&mut self) -> Result<(), PickleError> {
        let count = self.tape.count::<N>()?;
        let object = if count <= SHORT {
            Object::Text(self.tape.bytes(count)?.into_iter().map(char::from).collect())
        } else {
            Object::Bytes(Payload::Raw(self.tape.skip(count)?))
        };
        self.push(object)
    }

    /// Part of the name of a class.
    fn popped_name(&mut self) -> Result<String, PickleError> {
        let at = self.pop()?;
        match &self.pickle.objects[at] {
            Object::Text(text) if text.len() <= LONGEST.0 => Ok(text.clone()),
            _ => Err("the name of a class is not a short text".into()),
        }
    }
}

/// How many objects an object holds.
fn entries(object: &Object) -> usize {
    match object {
        Object::Dict(entries) => entries.len(),
        Object::Sequence(items) => items.len(),
        _ => 0,
    }
}

const EMPTY: &str = "its pickle takes more from the stack than there is";
const UNKNOWN: &str = "it refers to something that is not a storage of numbers";
