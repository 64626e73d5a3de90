//! From nodes to typed configuration, through serde, with the habits of Go's JSON decoder:
//! field names match whatever their case, null means "not given", and nothing is coerced.
//!
//! Errors carry the position of the value that did not fit.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::resolve::{self, Resolved};
use super::{Entry, Node, Pos, Tag, Value};

/// Decodes a typed value from a node.
///
/// Give structs `#[serde(default)]`, so that absent and null fields take their default, and
/// `#[serde(deny_unknown_fields)]` where the reference decodes strictly.
///
/// # Errors
/// What did not fit, and where.
pub fn from_node<'de, T: de::Deserialize<'de>>(node: &'de Node) -> Result<T, DecodeError> {
    T::deserialize(Decoder { node, loose: false })
}

/// Decodes the configuration of a builtin plugin: unlike [`from_node`] it passes over fields that
/// are unknown, and takes numbers and booleans where strings are expected (sigs.k8s.io/yaml).
///
/// # Errors
/// What did not fit, and where.
pub fn from_node_loosely<'de, T: de::Deserialize<'de>>(node: &'de Node) -> Result<T, DecodeError> {
    T::deserialize(Decoder { node, loose: true })
}

/// A value that does not fit the type it is decoded into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// What did not fit.
    pub message: String,
    /// Where it stands.
    pub pos: Pos,
    /// Path of fields that leads there, outermost first: `images`, `[0]`, `newTag`.
    pub path: Vec<String>,
    /// For an unknown field: its name and the names that exist.
    pub unknown_field: Option<(String, &'static [&'static str])>,
}

impl DecodeError {
    fn at(mut self, pos: Pos) -> Self {
        if self.pos.is_none() {
            self.pos = pos;
        }
        self
    }

    fn below(mut self, segment: String) -> Self {
        self.path.insert(0, segment);
        self
    }
}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        DecodeError { message: message.to_string(), pos: Pos::NONE, path: Vec::new(), unknown_field: None }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        DecodeError {
            message: format!("unknown field \"{field}\""),
            pos: Pos::NONE,
            path: Vec::new(),
            unknown_field: Some((field.to_owned(), expected)),
        }
    }
}

#[derive(Clone, Copy)]
struct Decoder<'de> {
    node: &'de Node,
    /// See [`from_node_loosely`].
    loose: bool,
}

impl<'de> Decoder<'de> {
    fn kind(self) -> &'static str {
        match &self.node.value {
            Value::Map(_) => "a map",
            Value::Seq(_) => "a list",
            Value::Scalar(scalar) => match scalar.tag {
                Tag::Null => "null",
                Tag::Bool => "a boolean",
                Tag::Int | Tag::Float => "a number",
                _ => "a string",
            },
        }
    }

    fn wrong(self, expected: &str) -> DecodeError {
        let mut message = format!("expected {expected}, found {}", self.kind());
        if let Value::Scalar(scalar) = &self.node.value
            && scalar.tag != Tag::Null
        {
            let text: String = scalar.text.chars().take(60).collect();
            message = format!("{message} ({text})");
        }
        <DecodeError as de::Error>::custom(message).at(self.node.pos)
    }

    fn string(self) -> Result<Cow<'de, str>, DecodeError> {
        match &self.node.value {
            Value::Scalar(scalar) => match scalar.tag {
                Tag::Null => Ok(Cow::Borrowed("")),
                Tag::Bool | Tag::Int | Tag::Float if self.loose => Ok(canonical(&scalar.text)),
                Tag::Bool | Tag::Int | Tag::Float => Err(self.wrong("a string")),
                _ => Ok(Cow::Borrowed(&scalar.text)),
            },
            _ => Err(self.wrong("a string")),
        }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match &self.node.value {
                Value::Scalar(scalar) if scalar.tag == Tag::Int => {
                    let value = scalar.text.parse::<$type>().map_err(|_| self.wrong("an integer"))?;
                    visitor.$visit(value)
                }
                Value::Scalar(scalar) if scalar.tag == Tag::Null => visitor.$visit(0),
                _ => Err(self.wrong("an integer")),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Seq(_) => self.deserialize_seq(visitor),
            Value::Scalar(scalar) => match scalar.tag {
                Tag::Null => visitor.visit_unit(),
                Tag::Bool => self.deserialize_bool(visitor),
                Tag::Int => match scalar.text.parse::<i64>() {
                    Ok(value) => visitor.visit_i64(value),
                    Err(_) => self.deserialize_f64(visitor),
                },
                Tag::Float => self.deserialize_f64(visitor),
                _ => visitor.visit_borrowed_str(&scalar.text),
            },
        }
        .map_err(|error| error.at(self.node.pos))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.tag == Tag::Bool => {
                visitor.visit_bool(scalar.text.eq_ignore_ascii_case("true"))
            }
            Value::Scalar(scalar) if scalar.tag == Tag::Null => visitor.visit_bool(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    integers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Scalar(scalar) if matches!(scalar.tag, Tag::Int | Tag::Float) => {
                visitor.visit_f64(scalar.text.parse().map_err(|_| self.wrong("a number"))?)
            }
            _ => Err(self.wrong("a number")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
        .map_err(|error: DecodeError| error.at(self.node.pos))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match &self.node.value {
            Value::Seq(seq) => visitor.visit_seq(Items { items: seq.iter(), index: 0, loose: self.loose }),
            _ if self.node.is_null() => {
                visitor.visit_seq(Items { items: [].iter(), index: 0, loose: self.loose })
            }
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        if name == SPANNED {
            return visitor.visit_seq(SpannedParts { decoder: self, step: 0 });
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.entries(visitor, None)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.entries(visitor, Some(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let text = self.string()?;
        visitor
            .visit_enum(IntoDeserializer::<DecodeError>::into_deserializer(&*text))
            .map_err(|error| error.at(self.node.pos))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }
}

impl<'de> Decoder<'de> {
    fn entries<V: Visitor<'de>>(
        self,
        visitor: V,
        fields: Option<&'static [&'static str]>,
    ) -> Result<V::Value, DecodeError> {
        let entries: &'de [Entry] = match &self.node.value {
            Value::Map(map) => map.as_slice(),
            _ if self.node.is_null() => &[],
            _ => return Err(self.wrong("a map")),
        };
        visitor
            .visit_map(Entries { entries: entries.iter(), fields, current: None, loose: self.loose })
            .map_err(|error| error.at(self.node.pos))
    }
}

/// The text that a number or boolean has after a way through JSON.
fn canonical(text: &str) -> Cow<'_, str> {
    match resolve::value(text, resolve::Dialect::V3) {
        Resolved::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Resolved::Int(value) => Cow::Owned(value.to_string()),
        Resolved::Uint(value) => Cow::Owned(value.to_string()),
        Resolved::Float(value) => Cow::Owned(canonical_float(value)),
        _ => Cow::Borrowed(text),
    }
}

/// A float as sigs.k8s.io/yaml makes a string of it: whole numbers are integers by then, and of
/// others only the precision of 32 bits is kept (Go's shortest `%g`).
fn canonical_float(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    if value.fract() == 0.0 {
        if value.abs() < 9.2e18 {
            return (value as i64).to_string();
        } else if (0.0..1.8e19).contains(&value) {
            return (value as u64).to_string();
        }
    }
    #[allow(clippy::cast_possible_truncation)]
    let value = value as f32;
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let digits = i32::try_from(digits).unwrap_or(i32::MAX);
    let limit = if digits > exponent { digits.min(6) } else { 6 };
    if exponent < -4 || exponent >= limit {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.abs())
    } else {
        value.to_string()
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    index: usize,
    loose: bool,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Decoder { node, loose: self.loose })
            .map(Some)
            .map_err(|error| error.at(node.pos).below(format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    /// Names of the struct's fields; none for a map.
    fields: Option<&'static [&'static str]>,
    current: Option<&'de Entry>,
    loose: bool,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        for entry in self.entries.by_ref() {
            let text = entry.key.as_str();
            let name = match self.fields {
                None => text,
                Some(fields) if fields.contains(&text) => text,
                Some(fields) => {
                    fields.iter().find(|field| field.eq_ignore_ascii_case(text)).copied().unwrap_or(text)
                }
            };
            let known = self.fields.is_none_or(|fields| fields.contains(&name));
            let skipped = if known { entry.value.is_null() } else { self.loose };
            if self.fields.is_some() && skipped {
                continue;
            }
            self.current = Some(entry);
            let name = de::value::BorrowedStrDeserializer::<DecodeError>::new(name);
            return seed.deserialize(name).map(Some).map_err(|error| error.at(entry.key.pos));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, DecodeError> {
        let Some(entry) = self.current.take() else {
            return Err(<DecodeError as de::Error>::custom("a value was asked for before its key"));
        };
        seed.deserialize(Decoder { node: &entry.value, loose: self.loose })
            .map_err(|error| error.at(entry.value.pos).below(entry.key.as_str().to_owned()))
    }
}

/// A value and where it stands, for typed configuration that is pointed at later.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it starts.
    pub pos: Pos,
}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Spanned { value: T::default(), pos: Pos::NONE }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

const SPANNED: &str = "$kustomize::Spanned";

impl<'de, T: de::Deserialize<'de>> de::Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SpannedVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: de::Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
            type Value = Spanned<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value with its position")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Spanned<T>, A::Error> {
                let missing = || de::Error::custom("positions come from nodes only");
                let packed: u64 = seq.next_element()?.ok_or_else(missing)?;
                let value = seq.next_element()?.ok_or_else(missing)?;
                Ok(Spanned { value, pos: Pos::unpack(packed) })
            }
        }

        deserializer.deserialize_tuple_struct(SPANNED, 2, SpannedVisitor(std::marker::PhantomData))
    }
}

/// Hands a [`Spanned`] its position, then its value.
struct SpannedParts<'de> {
    decoder: Decoder<'de>,
    step: u8,
}

impl<'de> de::SeqAccess<'de> for SpannedParts<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.step += 1;
        match self.step {
            1 => seed.deserialize(self.decoder.node.pos.pack().into_deserializer()).map(Some),
            2 => seed.deserialize(self.decoder).map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_strings_loosely() {
        // Expectations: labels of a LabelTransformer of the reference.
        for (text, expected) in [
            ("1234567.5", "1.2345675e+06"),
            ("1e20", "1e+20"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("123456.5", "123456.5"),
            ("1e3", "1000"),
            ("99999999.25", "1e+08"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e19", "10000000000000000000"),
            ("-1.50", "-1.5"),
            ("0x10", "16"),
            ("true", "true"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
        }
    }
}
