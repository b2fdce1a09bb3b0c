//! How the scores of an ensemble become one.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::modality::Modalities;

/// How the scores of the present modalities become one: in a configuration
/// `"mean"`, `"entropy"`, `"sum"` or a list of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Combine {
    /// Their mean.
    #[default]
    Mean,
    /// Their mean weighted by `softmax over m of -H(softmax(f_m))`, sample by
    /// sample: a modality that is sure counts more.
    Entropy,
    /// Their sum.
    Sum,
    /// Their mean with these weights, divided by the sum of the present ones.
    Fixed(Shares),
}

/// One weight for each modality, in the order of the data: positive and finite.
#[derive(Clone, Copy, PartialEq)]
pub struct Shares {
    values: [f64; Modalities::MAX],
    count: usize,
}

impl Shares {
    /// One weight per modality; `None` if there are none or too many, or
    /// one is not a positive number.
    pub fn new(weights: &[f64]) -> Option<Self> {
        let count = weights.len();
        let fine =
            (1..=Modalities::MAX).contains(&count) && weights.iter().all(|w| w.is_finite() && *w > 0.0);
        let mut values = [0.0; Modalities::MAX];
        fine.then(|| values[..count].copy_from_slice(weights));
        fine.then_some(Self { values, count })
    }

    /// The weights.
    pub fn values(&self) -> &[f64] {
        &self.values[..self.count]
    }
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values().fmt(f)
    }
}

impl Serialize for Combine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Mean => serializer.serialize_str("mean"),
            Self::Entropy => serializer.serialize_str("entropy"),
            Self::Sum => serializer.serialize_str("sum"),
            Self::Fixed(shares) => {
                let mut list = serializer.serialize_seq(Some(shares.count))?;
                shares.values().iter().try_for_each(|weight| list.serialize_element(weight))?;
                list.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Combine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrList;
        impl<'de> Visitor<'de> for WordOrList {
            type Value = Combine;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`mean`, `entropy`, `sum`, or a list of one weight above 0 for each modality")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Combine, E> {
                match word {
                    "mean" => Ok(Combine::Mean),
                    "entropy" => Ok(Combine::Entropy),
                    "sum" => Ok(Combine::Sum),
                    other => Err(E::unknown_variant(other, &["mean", "entropy", "sum"])),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Combine, A::Error> {
                let mut weights: Vec<f64> = Vec::new();
                while let Some(weight) = list.next_element()? {
                    weights.push(weight);
                }
                let shares = Shares::new(&weights);
                shares.map(Combine::Fixed).ok_or_else(|| {
                    A::Error::custom(format!(
                        "weights = {weights:?}: expected one number above 0 for each modality"
                    ))
                })
            }
        }
        deserializer.deserialize_any(WordOrList)
    }
}

impl JsonSchema for Combine {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Combine".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "enum": ["mean", "entropy", "sum"] },
                { "type": "array", "items": { "type": "number", "exclusiveMinimum": 0 }, "minItems": 1 },
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_lists_are_read_and_written() {
        let read = |text: &str| serde_json::from_str::<Combine>(text).map_err(|e| e.to_string());
        let shares = Combine::Fixed(Shares::new(&[0.35, 0.25, 0.4]).unwrap());
        for (text, combine) in [
            (r#""mean""#, Combine::Mean),
            (r#""entropy""#, Combine::Entropy),
            (r#""sum""#, Combine::Sum),
            ("[0.35,0.25,0.4]", shares),
        ] {
            assert_eq!(read(text).unwrap(), combine);
            assert_eq!(serde_json::to_string(&combine).unwrap(), text);
        }
        assert_eq!(read("[1, 2]").unwrap(), Combine::Fixed(Shares::new(&[1.0, 2.0]).unwrap()));
        assert!(read(r#""entropi""#).unwrap_err().contains("entropi"));
        for wrong in ["[]", "[0.5, 0.0]", "[0.5, -1.0]", &format!("[{}1]", "1,".repeat(16))] {
            assert!(read(wrong).unwrap_err().contains("one number above 0"), "{wrong}");
        }
        assert!(read("0.5").unwrap_err().contains("list of one weight"), "{:?}", read("0.5"));
    }
}
