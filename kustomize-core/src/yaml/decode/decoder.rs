//! The serde deserializer over nodes.

use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

use super::entries::{Entries, Items};
use super::scalar::{resolved, shortest_f32, through_json};
use super::spanned::{SPANNED, SpannedParts};
use super::{Coercion, Mismatch, Rules};
use crate::yaml::resolve::Resolved;
use crate::yaml::{Entry, Node, Scalar, Str, Value};

const A_BOOLEAN: &str = "true or false";
const A_LIST: &str = "a list";
const A_STRING: &str = "a string";
const AN_INTEGER: &str = "an integer";

/// The cure for numbers and booleans that should be strings.
pub(crate) const PUT_IN_QUOTES: &str = "put it in quotes";

/// A node to be decoded, and how.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'de> {
    node: &'de Node,
    rules: Rules,
}

/// A string on its way to a visitor.
enum Text<'de> {
    Borrowed(&'de Str),
    Made(String),
    Empty,
}

impl<'de> Decoder<'de> {
    pub(super) fn new(node: &'de Node, rules: Rules) -> Self {
        Decoder { node, rules }
    }

    fn resolved(self) -> Option<(&'de Scalar, Resolved)> {
        let scalar = self.node.as_scalar()?;
        Some((scalar, resolved(scalar).unwrap_or(Resolved::Str)))
    }

    fn kind(self) -> &'static str {
        match &self.node.value {
            Value::Map(_) => "a map",
            Value::Seq(_) => "a list",
            Value::Scalar(_) => match self.resolved() {
                Some((_, Resolved::Null)) => "null",
                Some((_, Resolved::Bool(_))) => "a boolean",
                Some((_, Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_))) => "a number",
                _ => "a string",
            },
        }
    }

    /// The error about a value of another type. It does not quote numbers and booleans: a reader
    /// may have brought them into another form.
    fn wrong(self, expected: &str) -> Mismatch {
        let found = self.kind();
        let mut message = format!("expected {expected}, found {found}");
        if found == "a string" {
            let text = self.node.text();
            let shown: String = text.chars().take(60).collect();
            let more = if shown.len() < text.len() { "…" } else { "" };
            message = format!("{message}: {shown:?}{more}");
        }
        let mut error = <Mismatch as de::Error>::custom(message).at(self.node.pos);
        error.0.help = self.cure(expected, found);
        error
    }

    /// What to write for a value of the wrong type, where that is plain.
    fn cure(self, expected: &str, found: &str) -> Option<String> {
        let scalar = self.node.as_scalar();
        let text = scalar.map(|scalar| scalar.text.as_str()).filter(|text| !text.contains('\n'));
        match (expected, found, text) {
            (A_STRING, "a number" | "a boolean", _) => Some(PUT_IN_QUOTES.to_owned()),
            (A_LIST, "a string", Some(text)) => Some(format!("write it as an entry of a list: `- {text}`")),
            (A_LIST, "a map", _) => Some("begin each entry with `- `".to_owned()),
            (AN_INTEGER, "a string", Some(text)) if text.parse::<i64>().is_ok() => {
                Some(format!("leave out the quotes: {text}"))
            }
            (A_BOOLEAN, "a string", Some(text)) => {
                let word = text.to_ascii_lowercase();
                matches!(word.as_str(), "true" | "false" | "yes" | "no" | "on" | "off")
                    .then(|| format!("leave out the quotes: {word}"))
            }
            _ => None,
        }
    }

    fn string(self) -> Result<Text<'de>, Mismatch> {
        let Some((scalar, value)) = self.resolved() else { return Err(self.wrong(A_STRING)) };
        match value {
            Resolved::Null => Ok(Text::Empty),
            Resolved::Timestamp(value) if self.rules.coercion == Coercion::ThroughJson => {
                Ok(Text::Made(value.to_string()))
            }
            Resolved::Str | Resolved::Timestamp(_) => Ok(Text::Borrowed(&scalar.text)),
            _ if self.rules.coercion == Coercion::None => Err(self.wrong(A_STRING)),
            Resolved::Bool(value) => Ok(Text::Made(value.to_string())),
            Resolved::Int(value) => Ok(Text::Made(value.to_string())),
            Resolved::Uint(value) => Ok(Text::Made(value.to_string())),
            Resolved::Float(value) if self.rules.coercion == Coercion::Direct => {
                Ok(Text::Made(shortest_f32(value)))
            }
            Resolved::Float(value) => Ok(Text::Made(through_json(value))),
        }
    }

    /// The integer that is meant: a float will do when it has no fraction, as it has none in JSON.
    fn integer(self) -> Result<i64, Mismatch> {
        /// 2^63, the first float beyond the integers.
        const BEYOND: f64 = 9_223_372_036_854_775_808.0;
        match self.resolved() {
            Some((_, Resolved::Null)) => Ok(0),
            Some((_, Resolved::Int(value))) => Ok(value),
            #[allow(clippy::cast_possible_truncation)] // checked by the guard
            Some((_, Resolved::Float(value))) if value.trunc() == value && value.abs() < BEYOND => {
                Ok(value as i64)
            }
            Some((_, Resolved::Float(_) | Resolved::Uint(_))) => {
                Err(self.wrong("an integer of at most 64 bits"))
            }
            _ => Err(self.wrong(AN_INTEGER)),
        }
    }

    /// The entries of a map, or of a struct with these fields.
    fn entries(self, fields: Option<&'static [&'static str]>) -> Result<Entries<'de>, Mismatch> {
        let entries: &'de [Entry] = match &self.node.value {
            Value::Map(map) => map.as_slice(),
            _ if self.node.is_null() => &[],
            _ => return Err(self.wrong("a map")),
        };
        match fields {
            None => Entries::of_map(entries, self.rules),
            Some(fields) => Entries::of_struct(entries, fields, self.rules),
        }
    }

    /// The items of a list.
    fn items(self) -> Result<Items<'de>, Mismatch> {
        match &self.node.value {
            Value::Seq(seq) => Ok(Items::new(seq.iter(), self.rules)),
            _ if self.node.is_null() => Ok(Items::new([].iter(), self.rules)),
            _ => Err(self.wrong(A_LIST)),
        }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            visitor.visit_i64(self.integer()?).map_err(|error: Mismatch| error.at(self.node.pos))
        }
    )*};
}

macro_rules! as_string {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            match self.string()? {
                Text::Borrowed(text) => visitor.visit_borrowed_str(text),
                Text::Made(text) => visitor.visit_string(text),
                Text::Empty => visitor.visit_borrowed_str(""),
            }
            .map_err(|error: Mismatch| error.at(self.node.pos))
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = Mismatch;

    as_string! { deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
    deserialize_identifier }

    integers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match &self.node.value {
            Value::Map(_) => self.deserialize_map(visitor),
            Value::Seq(_) => self.deserialize_seq(visitor),
            Value::Scalar(scalar) => match resolved(scalar).unwrap_or(Resolved::Str) {
                Resolved::Null => visitor.visit_unit(),
                Resolved::Bool(value) => visitor.visit_bool(value),
                Resolved::Int(value) => visitor.visit_i64(value),
                Resolved::Uint(value) => visitor.visit_u64(value),
                Resolved::Float(value) => visitor.visit_f64(value),
                Resolved::Str | Resolved::Timestamp(_) => visitor.visit_borrowed_str(&scalar.text),
            },
        }
        .map_err(|error: Mismatch| error.at(self.node.pos))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.resolved() {
            Some((_, Resolved::Bool(value))) => visitor.visit_bool(value),
            Some((_, Resolved::Null)) => visitor.visit_bool(false),
            _ => Err(self.wrong(A_BOOLEAN)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_f64(visitor)
    }

    #[allow(clippy::cast_precision_loss)] // as Go does
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.resolved() {
            Some((_, Resolved::Null)) => visitor.visit_f64(0.0),
            Some((_, Resolved::Int(value))) => visitor.visit_f64(value as f64),
            Some((_, Resolved::Uint(value))) => visitor.visit_f64(value as f64),
            Some((_, Resolved::Float(value))) if value.is_finite() => visitor.visit_f64(value),
            _ => Err(self.wrong("a number")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if name == VERBATIM {
            self.rules.coercion = Coercion::None;
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_seq(self.items()?)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Mismatch> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        if name == SPANNED {
            return visitor.visit_seq(SpannedParts::new(self, self.node.pos));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_map(self.entries(None)?).map_err(|error| error.at(self.node.pos))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_map(self.entries(Some(fields))?).map_err(|error| error.at(self.node.pos))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        let text = match self.string()? {
            Text::Borrowed(text) => text.as_str(),
            _ => return Err(self.wrong(A_STRING)),
        };
        visitor
            .visit_enum(IntoDeserializer::<Mismatch>::into_deserializer(text))
            .map_err(|error: Mismatch| error.at(self.node.pos))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_unit()
    }
}

/// Name of the newtype struct that switches coercion off below it.
const VERBATIM: &str = "$kustomize::Verbatim";

/// Decodes without taking numbers for strings, whatever the [`Rules`]. For `deserialize_with` on
/// the fields that the reference embeds from another struct: its coercion does not find those.
///
/// # Errors
/// What did not fit.
pub fn verbatim<'de, D: Deserializer<'de>, T: de::Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Verbatim<T>(std::marker::PhantomData<T>);

    impl<'de, T: de::Deserialize<'de>> Visitor<'de> for Verbatim<T> {
        type Value = T;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a value")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
            T::deserialize(deserializer)
        }
    }

    deserializer.deserialize_newtype_struct(VERBATIM, Verbatim(std::marker::PhantomData))
}
