//! Values of any shape that configuration carries along, such as the values of a helm chart.

use serde::de::{self, Deserializer, Visitor};

use super::Spanned;
use super::scalar::json_number;
use crate::yaml::{Entry, Key, Map, Node, Pos, Scalar, Seq, Str, Tag, Value};

/// Largest integer that every smaller one is exact below, as a float.
const EXACT: u64 = 1 << 53;

/// A node as it is after its way through Go's JSON: numbers are floats written in their shortest
/// form, booleans are `true` and `false`, keys are strings.
impl<'de> de::Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Plain(value), pos } = Spanned::<Plain>::deserialize(deserializer)?;
        Ok(Node { pos, value })
    }
}

struct Plain(Value);

impl<'de> de::Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlainVisitor)
    }
}

struct PlainVisitor;

fn scalar(text: impl Into<Str>, tag: Tag) -> Plain {
    Plain(Value::Scalar(Scalar { text: text.into(), tag, ..Scalar::default() }))
}

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Plain, E> {
        Ok(Plain(Value::Scalar(Scalar::null())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Plain, E> {
        Ok(scalar(if value { "true" } else { "false" }, Tag::Bool))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Plain, E> {
        #[allow(clippy::cast_precision_loss)] // what the reference does
        match value.unsigned_abs() <= EXACT {
            true => Ok(scalar(value.to_string(), Tag::Int)),
            false => self.visit_f64(value as f64),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Plain, E> {
        #[allow(clippy::cast_precision_loss)] // what the reference does
        match value <= EXACT {
            true => Ok(scalar(value.to_string(), Tag::Int)),
            false => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Plain, E> {
        let text = json_number(value).ok_or_else(|| E::custom("infinity and NaN cannot be used here"))?;
        let is_integer = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
        Ok(scalar(text, if is_integer { Tag::Int } else { Tag::Float }))
    }

    fn visit_str<E>(self, value: &str) -> Result<Plain, E> {
        Ok(scalar(value, Tag::Str))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Plain, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Plain(Value::Seq(Seq::from_items(items))))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Plain, A::Error> {
        let mut entries = Vec::new();
        while let Some((text, value)) = map.next_entry::<Str, Node>()? {
            let key = Key { pos: Pos::NONE, scalar: Scalar { text, tag: Tag::Str, ..Scalar::default() } };
            entries.push(Entry { key, value });
        }
        Ok(Plain(Value::Map(Map::from_entries(entries))))
    }
}

/// A map of any values, or nothing where null is written. For `deserialize_with`.
///
/// # Errors
/// If it is neither.
pub fn free_form_map<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Node>, D::Error> {
    struct MapOnly;

    impl<'de> Visitor<'de> for MapOnly {
        type Value = Value;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
            PlainVisitor.visit_map(map).map(|Plain(value)| value)
        }
    }

    struct FreeForm(Value);

    impl<'de> de::Deserialize<'de> for FreeForm {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(MapOnly).map(FreeForm)
        }
    }

    let read: Option<Spanned<FreeForm>> = de::Deserialize::deserialize(deserializer)?;
    Ok(read.map(|Spanned { value: FreeForm(value), pos }| Node { pos, value }))
}
