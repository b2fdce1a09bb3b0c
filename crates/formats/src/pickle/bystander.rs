//! What people keep beside weights: sizes, devices, counters, paths, settings.
//!
//! None of it is built. A name on this list says only that a pickle which asks
//! for it is not a reason to refuse the file, and what its entries would be.

/// What is left of an object that is not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bystander {
    /// A dictionary: its entries may be weights.
    Dict,
    /// A list or a set.
    Sequence,
    /// Nothing that holds a tensor.
    Other,
}

/// The functions and classes by their full names.
const KNOWN: [(&str, Bystander); 30] = [
    ("_codecs.encode", Bystander::Other),
    ("argparse.Namespace", Bystander::Other),
    ("builtins.bytearray", Bystander::Other),
    ("builtins.complex", Bystander::Other),
    ("builtins.dict", Bystander::Dict),
    ("builtins.frozenset", Bystander::Sequence),
    ("builtins.list", Bystander::Sequence),
    ("builtins.range", Bystander::Other),
    ("builtins.set", Bystander::Sequence),
    ("builtins.slice", Bystander::Other),
    ("collections.Counter", Bystander::Dict),
    ("collections.OrderedDict", Bystander::Dict),
    ("collections.defaultdict", Bystander::Dict),
    ("collections.deque", Bystander::Sequence),
    ("datetime.date", Bystander::Other),
    ("datetime.datetime", Bystander::Other),
    ("datetime.timedelta", Bystander::Other),
    ("decimal.Decimal", Bystander::Other),
    ("fractions.Fraction", Bystander::Other),
    ("numpy.dtype", Bystander::Other),
    ("numpy.ndarray", Bystander::Other),
    ("torch.Size", Bystander::Sequence),
    ("torch.device", Bystander::Other),
    ("torch._utils._rebuild_meta_tensor_no_storage", Bystander::Other),
    ("torch._utils._rebuild_qtensor", Bystander::Other),
    ("torch._utils._rebuild_sparse_tensor", Bystander::Other),
    ("torch._utils._rebuild_sparse_csr_tensor", Bystander::Other),
    ("torch._utils._rebuild_tensor_v3", Bystander::Other),
    ("torch.serialization._get_layout", Bystander::Other),
    ("types.SimpleNamespace", Bystander::Other),
];

/// What is left of what a function or class gives; `None` if it is not on the list.
pub(super) fn kind(name: &str) -> Option<Bystander> {
    // Python 2 and pickles for it call the module otherwise.
    let modern = name.strip_prefix("__builtin__.").map(|name| format!("builtins.{name}"));
    let name = modern.as_deref().unwrap_or(name);
    let known = KNOWN.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    let path = || matches!(name.rsplit_once('.'), Some(("pathlib" | "pathlib._local", _)));
    // NumPy 2 moved its internals.
    let numpy = || {
        let inner = name.strip_prefix("numpy.core.").or_else(|| name.strip_prefix("numpy._core."));
        matches!(inner, Some("multiarray.scalar" | "multiarray._reconstruct" | "numeric._frombuffer"))
    };
    // The dictionary in which Lightning keeps settings.
    let lightning = || {
        let module = name.strip_suffix(".AttributeDict");
        module.is_some_and(|m| m.starts_with("pytorch_lightning.") || m.starts_with("lightning."))
    };
    match known {
        Some(kind) => Some(kind),
        None if path() || numpy() => Some(Bystander::Other),
        None if lightning() => Some(Bystander::Dict),
        None => None,
    }
}
