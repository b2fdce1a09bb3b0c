//! How NumPy pickles arrays: a call that makes an empty one, and its state.

use super::array::{Array, Data};
use super::{Object, Payload, Ref};

/// Axes of an array.
const AXES: usize = 64;

/// What a function of NumPy returns; `None` if it is another function or not called as NumPy does.
pub fn call(objects: &[Object], name: &str, arguments: &[Ref]) -> Option<Object> {
    // NumPy 2 moved its internals.
    let inner = name.strip_prefix("numpy.core.").or_else(|| name.strip_prefix("numpy._core."));
    match (inner, arguments) {
        // Its state follows.
        (Some("multiarray._reconstruct"), _) => Some(Object::Array(Array::default())),
        (Some("multiarray.scalar"), &[dtype, data]) => {
            array(objects, dtype, Vec::new(), false, data).map(Object::Array)
        }
        // numpy._core.numeric._frombuffer(bytes, dtype, shape, "C" or "F") of protocol 5.
        (Some("numeric._frombuffer"), &[data, dtype, shape, order]) => {
            let fortran = matches!(&objects[order], Object::Text(order) if order == "F");
            array(objects, dtype, sides(objects, shape)?, fortran, data).map(Object::Array)
        }
        (None, &[kind, ..]) if name == "numpy.dtype" => match &objects[kind] {
            // Little-endian, unless its state says otherwise.
            Object::Text(kind) if kind.len() < 32 => Some(Object::Dtype(format!("<{kind}"))),
            _ => None,
        },
        // How protocol 2 writes no bytes.
        (None, &[]) if matches!(name, "__builtin__.bytes" | "builtins.bytes") => {
            Some(Object::Bytes(Payload::Held(Vec::new())))
        }
        _ => None,
    }
}

/// Gives an object its state, if it is one of NumPy's; what is not understood is no array.
pub fn build(objects: &mut [Object], object: Ref, state: Ref) {
    let Object::Sequence(state) = &objects[state] else { return };
    let built = match (&objects[object], state.as_slice()) {
        // (version, shape, dtype, column-major, data)
        (Object::Array(_), &[_, shape, dtype, fortran, data]) => {
            let fortran = matches!(objects[fortran], Object::Bool(true) | Object::Int(1));
            sides(objects, shape)
                .and_then(|shape| array(objects, dtype, shape, fortran, data))
                .map_or(Object::Other, Object::Array)
        }
        // (version, order of bytes, shape within an element, fields, ..)
        (Object::Dtype(kind), &[_, order, within, fields, ..]) => {
            let plain = matches!((&objects[within], &objects[fields]), (Object::Other, Object::Other));
            match &objects[order] {
                Object::Text(order) if plain && order.len() == 1 => {
                    Object::Dtype(format!("{order}{}", kind.trim_start_matches(['<', '>', '|', '='])))
                }
                _ => Object::Other,
            }
        }
        _ => return,
    };
    objects[object] = built;
}

fn array(objects: &[Object], dtype: Ref, shape: Vec<usize>, fortran: bool, data: Ref) -> Option<Array> {
    let Object::Dtype(dtype) = &objects[dtype] else { return None };
    let data = match &objects[data] {
        Object::Text(_) | Object::Bytes(_) => Data::Bytes(data),
        Object::Sequence(_) => Data::Objects(data),
        _ => return None,
    };
    Some(Array { shape, dtype: dtype.clone(), fortran, data })
}

fn sides(objects: &[Object], shape: Ref) -> Option<Vec<usize>> {
    let Object::Sequence(sides) = &objects[shape] else { return None };
    if sides.len() > AXES {
        return None;
    }
    let side = |&at: &Ref| match objects[at] {
        Object::Int(side) => usize::try_from(side).ok(),
        _ => None,
    };
    sides.iter().map(side).collect()
}
