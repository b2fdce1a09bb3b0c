//! The part of Python's pickle format that files of weights use.
//!
//! A pickle is a program for a small stack machine that may call any function.
//! This machine knows the few functions that build tensors by what they mean and
//! skips harmless objects of other kinds that people keep beside them (see
//! [`bystander`]). It refuses every other: nothing in a file is executed.

use std::collections::HashMap;

use super::bystander::{self, Bystander};

/// Index of an object.
pub(super) type Ref = usize;

/// What a pickle can hold here.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Int(i64),
    /// Something that no tensor depends on: nothing, a truth value, a fraction, bytes.
    Other,
    Text(String),
    /// A class or function by its full name.
    Global(String),
    /// A tuple or a list.
    Sequence(Vec<Ref>),
    Dict(Vec<(Ref, Ref)>),
    /// Numbers that lie elsewhere in the file.
    Storage {
        class: String,
        key: String,
    },
    /// A view of a storage.
    Tensor {
        storage: Ref,
        offset: usize,
        shape: Vec<usize>,
        strides: Vec<usize>,
    },
}

/// The objects of a pickle, and the one it is about.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Ref,
}

impl Pickle {
    pub fn root(&self) -> Ref {
        self.root
    }

    pub fn get(&self, at: Ref) -> &Object {
        &self.objects[at]
    }

    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter()
    }

    /// Reads one pickle and says how many bytes it took.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), String> {
        let mut machine = Machine {
            bytes,
            at: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            pickle: Self::default(),
        };
        while !machine.step()? {}
        machine.pickle.root = machine.pop()?;
        Ok((machine.pickle, machine.at))
    }
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Ref>,
    marks: Vec<usize>,
    memo: HashMap<usize, Ref>,
    pickle: Pickle,
}

impl Machine<'_> {
    /// One instruction; true after the last.
    fn step(&mut self) -> Result<bool, String> {
        match self.take(1)?[0] {
            0x80 => drop(self.take(1)?),                    // PROTO
            0x95 => drop(self.take(8)?),                    // FRAME
            b'.' => return Ok(true),                        // STOP
            b'(' => self.marks.push(self.stack.len()),      // MARK
            b'0' => drop(self.pop()?),                      // POP
            b'1' => drop(self.marked()?),                   // POP_MARK
            b'2' => self.stack.push(self.top()?),           // DUP
            b'N' | 0x88 | 0x89 => self.push(Object::Other), // NONE, NEWTRUE, NEWFALSE
            b'K' => self.integer(1)?,                       // BININT1
            b'M' => self.integer(2)?,                       // BININT2
            b'J' => {
                let value = i32::from_le_bytes(self.array()?); // BININT
                self.push(Object::Int(value.into()));
            }
            0x8a => self.long(1)?, // LONG1
            0x8b => self.long(4)?, // LONG4
            b'G' => {
                self.take(8)?; // BINFLOAT
                self.push(Object::Other);
            }
            b'B' | b'T' => self.bytes(4)?, // BINBYTES, BINSTRING
            b'C' | b'U' => self.bytes(1)?, // SHORT_BINBYTES, SHORT_BINSTRING
            0x8e | 0x96 => self.bytes(8)?, // BINBYTES8, BYTEARRAY8
            b'X' => self.text(4)?,         // BINUNICODE
            0x8c => self.text(1)?,         // SHORT_BINUNICODE
            0x8d => self.text(8)?,         // BINUNICODE8
            b'c' => {
                let (module, name) = (self.line()?, self.line()?); // GLOBAL
                self.push(Object::Global(format!("{module}.{name}")));
            }
            0x93 => {
                let (name, module) = (self.popped_text()?, self.popped_text()?); // STACK_GLOBAL
                self.push(Object::Global(format!("{module}.{name}")));
            }
            b')' => self.push(Object::Sequence(Vec::new())), // EMPTY_TUPLE
            b']' | 0x8f => self.push(Object::Sequence(Vec::new())), // EMPTY_LIST, EMPTY_SET
            b'}' => self.push(Object::Dict(Vec::new())),     // EMPTY_DICT
            b't' | b'l' | 0x91 => {
                let items = self.marked()?; // TUPLE, LIST, FROZENSET
                self.push(Object::Sequence(items));
            }
            code @ 0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(code - 0x84)).ok_or(EMPTY)?; // TUPLE1..3
                let items = self.stack.split_off(start);
                self.push(Object::Sequence(items));
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
                self.push(Object::Dict(Vec::new()));
                self.insert(&items)?;
            }
            b'u' => {
                let items = self.marked()?; // SETITEMS
                self.insert(&items)?;
            }
            b'q' => self.memorise(1)?,                                    // BINPUT
            b'r' => self.memorise(4)?,                                    // LONG_BINPUT
            0x94 => drop(self.memo.insert(self.memo.len(), self.top()?)), // MEMOIZE
            b'h' => self.recall(1)?,                                      // BINGET
            b'j' => self.recall(4)?,                                      // LONG_BINGET
            b'Q' => self.persistent()?,                                   // BINPERSID
            b'R' | 0x81 => self.call()?,                                  // REDUCE, NEWOBJ
            0x92 => {
                self.pop()?; // NEWOBJ_EX: arguments by name, which no tensor needs
                self.call()?;
            }
            b'b' => drop(self.pop()?), // BUILD: attributes, which no tensor needs
            other => {
                return Err(format!("it uses pickle instruction 0x{other:02x}, which weights do not need"));
            }
        }
        Ok(false)
    }

    /// What a function would return, for those that build tensors.
    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Object::Global(name) = &self.pickle.objects[function] else {
            return Err("it calls something that is not a function".into());
        };
        let name = name.clone();
        let Object::Sequence(arguments) = self.pickle.objects[arguments].clone() else {
            return Err(format!("it calls `{name}` without arguments"));
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
            "torch._utils._rebuild_parameter" => {
                self.stack.push(argument(0)?);
                return Ok(());
            }
            _ => match bystander::kind(&name) {
                Some(Bystander::Dict) => Object::Dict(self.pairs(arguments.first())),
                Some(Bystander::Sequence) => Object::Sequence(self.items(arguments.first())),
                Some(Bystander::Other) => Object::Other,
                None => {
                    return Err(format!(
                        "it asks to call `{name}`, which is refused; save only weights: torch.save(model.state_dict(), ..)"
                    ));
                }
            },
        };
        self.push(result);
        Ok(())
    }

    /// The entries of a dictionary or a list of pairs.
    fn pairs(&self, at: Option<&Ref>) -> Vec<(Ref, Ref)> {
        match at.map(|&at| &self.pickle.objects[at]) {
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

    fn items(&self, at: Option<&Ref>) -> Vec<Ref> {
        match at.map(|&at| &self.pickle.objects[at]) {
            Some(Object::Sequence(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    /// `("storage", class, key, place, count)`.
    fn persistent(&mut self) -> Result<(), String> {
        let identity = self.pop()?;
        let of = |at: Ref| self.pickle.objects[at].clone();
        let Object::Sequence(parts) = of(identity) else { return Err(UNKNOWN.into()) };
        match parts.iter().take(3).map(|&at| of(at)).collect::<Vec<_>>().as_slice() {
            [Object::Text(kind), Object::Global(class), Object::Text(key)] if kind == "storage" => {
                let storage = Object::Storage { class: class.clone(), key: key.clone() };
                self.push(storage);
                Ok(())
            }
            _ => Err(UNKNOWN.into()),
        }
    }

    fn sizes(&self, at: Ref) -> Result<Vec<usize>, String> {
        match &self.pickle.objects[at] {
            Object::Sequence(items) => self.numbers(items),
            _ => Err("the size of a tensor is not a sequence".into()),
        }
    }

    fn numbers(&self, items: &[Ref]) -> Result<Vec<usize>, String> {
        let number = |&at: &Ref| match self.pickle.objects[at] {
            Object::Int(value) => {
                usize::try_from(value).map_err(|_| format!("a tensor has the size {value}"))
            }
            _ => Err("the size of a tensor is not a number".into()),
        };
        items.iter().map(number).collect()
    }

    fn insert(&mut self, items: &[Ref]) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.pickle.objects[top] {
            Object::Dict(entries) => entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            Object::Other => {}
            _ => return Err("it sets entries of something that is not a dictionary".into()),
        }
        Ok(())
    }

    fn extend(&mut self, items: Vec<Ref>) -> Result<(), String> {
        let top = self.top()?;
        match &mut self.pickle.objects[top] {
            Object::Sequence(all) => all.extend(items),
            Object::Other => {}
            _ => return Err("it appends to something that is not a list".into()),
        }
        Ok(())
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.pickle.objects.len());
        self.pickle.objects.push(object);
    }

    fn pop(&mut self) -> Result<Ref, String> {
        self.stack.pop().ok_or_else(|| EMPTY.into())
    }

    fn top(&self) -> Result<Ref, String> {
        self.stack.last().copied().ok_or_else(|| EMPTY.into())
    }

    /// Everything above the last mark.
    fn marked(&mut self) -> Result<Vec<Ref>, String> {
        let mark = self.marks.pop().filter(|m| *m <= self.stack.len()).ok_or(EMPTY)?;
        Ok(self.stack.split_off(mark))
    }

    fn memorise(&mut self, bytes: usize) -> Result<(), String> {
        let slot = self.unsigned(bytes)?;
        self.memo.insert(slot, self.top()?);
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Result<(), String> {
        let slot = self.unsigned(bytes)?;
        self.stack.push(*self.memo.get(&slot).ok_or("it reads a memo entry that was never written")?);
        Ok(())
    }

    fn integer(&mut self, bytes: usize) -> Result<(), String> {
        let value = self.unsigned(bytes)?;
        self.push(Object::Int(value as i64));
        Ok(())
    }

    /// A number of any length; one beyond 64 bits is not the size of anything.
    fn long(&mut self, bytes: usize) -> Result<(), String> {
        let count = self.unsigned(bytes)?;
        let bytes = self.take(count)?;
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        let object = match wide.get_mut(..count) {
            Some(low) => {
                low.copy_from_slice(bytes);
                Object::Int(i64::from_le_bytes(wide))
            }
            None => Object::Other,
        };
        self.push(object);
        Ok(())
    }

    fn text(&mut self, bytes: usize) -> Result<(), String> {
        let count = self.unsigned(bytes)?;
        let text = std::str::from_utf8(self.take(count)?).map_err(|_| "a name is not UTF-8")?.to_owned();
        self.push(Object::Text(text));
        Ok(())
    }

    fn bytes(&mut self, bytes: usize) -> Result<(), String> {
        let count = self.unsigned(bytes)?;
        self.take(count)?;
        self.push(Object::Other);
        Ok(())
    }

    fn popped_text(&mut self) -> Result<String, String> {
        let at = self.pop()?;
        match &self.pickle.objects[at] {
            Object::Text(text) => Ok(text.clone()),
            _ => Err("the name of a class is not text".into()),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| *b == b'\n').ok_or(ENDS)?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    fn unsigned(&mut self, bytes: usize) -> Result<usize, String> {
        let mut wide = [0; 8];
        wide[..bytes].copy_from_slice(self.take(bytes)?);
        Ok(u64::from_le_bytes(wide) as usize)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        Ok(self.take(N)?.try_into().expect("as many as asked for"))
    }

    fn take(&mut self, count: usize) -> Result<&[u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len()).ok_or(ENDS)?;
        let start = std::mem::replace(&mut self.at, end);
        Ok(&self.bytes[start..end])
    }
}

const EMPTY: &str = "its pickle takes more from the stack than there is";
const ENDS: &str = "its pickle ends too early";
const UNKNOWN: &str = "it refers to something that is not a storage of numbers";
