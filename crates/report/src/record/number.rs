//! Serde for `f64` that keeps NaN, as `null`, and the infinities, as strings.
//!
//! `null` is how JSON says that a number is not there, and what any other
//! program makes of NaN. Earlier versions wrote `"NaN"`, which reads the same.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

/// One number, however unfinite.
#[derive(Clone, Copy)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_nan() => out.serialize_unit(),
            f64::INFINITY => out.serialize_str("inf"),
            f64::NEG_INFINITY => out.serialize_str("-inf"),
            x => out.serialize_f64(x),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = f64;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, null, \"NaN\", \"inf\" or \"-inf\"")
            }
            fn visit_f64<E>(self, x: f64) -> Result<f64, E> {
                Ok(x)
            }
            fn visit_u64<E>(self, x: u64) -> Result<f64, E> {
                Ok(x as f64)
            }
            fn visit_i64<E>(self, x: i64) -> Result<f64, E> {
                Ok(x as f64)
            }
            fn visit_unit<E>(self) -> Result<f64, E> {
                Ok(f64::NAN)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
                // Rust reads `nan`, `inf`, `infinity` in any case, with a sign.
                text.trim().parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        input.deserialize_any(Any).map(Number)
    }
}

/// For a field of type `f64`.
pub(super) fn serialize<S: Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
    Number(*value).serialize(out)
}

/// For a field of type `f64`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    Number::deserialize(input).map(|n| n.0)
}

/// For a field of type `Option<f64>`; absent and `null` are `None`.
pub(super) mod option {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Option<f64>, out: S) -> Result<S::Ok, S::Error> {
        value.map(Number).serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Number>::deserialize(input)?.map(|n| n.0))
    }
}

/// For a field of type `Values`.
pub(super) mod map {
    use super::*;

    pub fn serialize<S: Serializer>(values: &BTreeMap<String, f64>, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(values.iter().map(|(name, value)| (name, Number(*value))))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<BTreeMap<String, f64>, D::Error> {
        let values = BTreeMap::<String, Number>::deserialize(input)?;
        Ok(values.into_iter().map(|(name, n)| (name, n.0)).collect())
    }
}

/// For a field of type `Scores`.
pub(super) mod nested {
    use super::*;

    type Nested = BTreeMap<String, BTreeMap<String, f64>>;

    pub fn serialize<S: Serializer>(rows: &Nested, out: S) -> Result<S::Ok, S::Error> {
        out.collect_map(rows.iter().map(|(row, values)| {
            (row, values.iter().map(|(name, value)| (name, Number(*value))).collect::<BTreeMap<_, _>>())
        }))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Nested, D::Error> {
        let rows = BTreeMap::<String, BTreeMap<String, Number>>::deserialize(input)?;
        Ok(rows
            .into_iter()
            .map(|(row, values)| (row, values.into_iter().map(|(name, n)| (name, n.0)).collect()))
            .collect())
    }
}
