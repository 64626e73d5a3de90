//! A node on its way to a typed value: what it is taken for, and how a mistake is told.

use super::entries::{effective, named};
use super::scalar::{resolved, shortest_f32, through_json};
use super::{Coercion, Decode, Mismatch, Rules};
use crate::resolve::Resolved;
use crate::{Entry, Node, Pos, Scalar, Str, Value};

const A_BOOLEAN: &str = "true or false";
const A_LIST: &str = "a list";
const A_STRING: &str = "a string";
const AN_INTEGER: &str = "an integer";

/// The cure for numbers and booleans that should be strings.
pub const PUT_IN_QUOTES: &str = "put it in quotes";

/// A node to be decoded, and how.
#[derive(Clone, Copy, Debug)]
pub struct Decoder<'de> {
    pub(super) node: &'de Node,
    pub(super) rules: Rules,
}

impl<'de> Decoder<'de> {
    /// Where the node stands.
    pub fn pos(self) -> Pos {
        self.node.pos
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
        let mut error = Mismatch::new(message).at(self.node.pos);
        error.0.help = self.cure(expected, found);
        error
    }

    /// What to write for a value of the wrong type, where that is plain.
    fn cure(self, expected: &str, found: &str) -> Option<String> {
        let scalar = self.node.as_scalar();
        let text = scalar.map(|scalar| scalar.text()).filter(|text| !text.contains('\n'));
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

    pub(super) fn string(self) -> Result<Str, Mismatch> {
        let Some((scalar, value)) = self.resolved() else { return Err(self.wrong(A_STRING)) };
        Ok(match value {
            Resolved::Null => Str::default(),
            Resolved::Timestamp(value) if self.rules.coercion == Coercion::ThroughJson => {
                value.to_string().into()
            }
            Resolved::Str | Resolved::Timestamp(_) => scalar.to_str(),
            _ if self.rules.coercion == Coercion::None => return Err(self.wrong(A_STRING)),
            Resolved::Bool(value) => value.to_string().into(),
            Resolved::Int(value) => value.to_string().into(),
            Resolved::Uint(value) => value.to_string().into(),
            Resolved::Float(value) if self.rules.coercion == Coercion::Direct => shortest_f32(value).into(),
            Resolved::Float(value) => through_json(value).into(),
        })
    }

    pub(super) fn boolean(self) -> Result<bool, Mismatch> {
        match self.resolved() {
            Some((_, Resolved::Bool(value))) => Ok(value),
            Some((_, Resolved::Null)) => Ok(false),
            _ => Err(self.wrong(A_BOOLEAN)),
        }
    }

    /// The integer that is meant: a float will do when it has no fraction, as it has none in JSON.
    pub(super) fn integer(self) -> Result<i64, Mismatch> {
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

    fn map(self) -> Result<&'de [Entry], Mismatch> {
        match &self.node.value {
            Value::Map(map) => Ok(map.as_slice()),
            _ if self.node.is_null() => Ok(&[]),
            _ => Err(self.wrong("a map")),
        }
    }

    fn of(self, node: &'de Node) -> Self {
        Decoder { node, ..self }
    }

    /// Decodes the fields of a struct, in their order.
    pub fn fields(
        self,
        names: &'static [&'static str],
        fields: &mut [&mut dyn Decode],
    ) -> Result<(), Mismatch> {
        for (field, entry) in fields.iter_mut().zip(effective(self.map()?, names, self.rules)?) {
            if let Some(entry) = entry {
                field.decode(self.of(&entry.value)).map_err(|error| error.in_entry(entry))?;
            }
        }
        Ok(())
    }

    /// Decodes the entries of a map with keys of any name.
    pub(super) fn entries(
        self,
        each: &mut dyn FnMut(&str, Decoder<'de>) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        for (name, entry) in named(self.map()?)? {
            each(&name, self.of(&entry.value)).map_err(|error| error.in_entry(entry))?;
        }
        Ok(())
    }

    /// Decodes the items of a list.
    pub(super) fn items(
        self,
        each: &mut dyn FnMut(Decoder<'de>) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        let Value::Seq(items) = &self.node.value else {
            return if self.node.is_null() { Ok(()) } else { Err(self.wrong(A_LIST)) };
        };
        for (index, item) in items.iter().enumerate() {
            each(self.of(item)).map_err(|error| error.in_item(item, index))?;
        }
        Ok(())
    }
}
