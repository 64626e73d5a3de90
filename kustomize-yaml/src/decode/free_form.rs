//! Values of any shape that configuration carries along, such as the values of a helm chart.

use super::scalar::{json_number, resolved};
use super::{Decode, Decoder, Mismatch};
use crate::resolve::Resolved;
use crate::{Entry, Key, Map, Node, Pos, Scalar, Seq, Style, Tag, Value};

/// Largest integer that every smaller one is exact below, as a float.
const EXACT: u64 = 1 << 53;

/// A map of any values, or nothing where null is written. It is as after its way through Go's JSON:
/// numbers are floats written in their shortest form, booleans are `true` and `false`, keys are
/// strings.
pub struct FreeFormMap<'a>(pub &'a mut Option<Node>);

impl Decode for FreeFormMap<'_> {
    fn decode(&mut self, decoder: Decoder<'_>) -> Result<(), Mismatch> {
        if !decoder.node.is_null() {
            *self.0 = Some(Node { pos: decoder.node.pos, value: plain_map(decoder)? });
        }
        Ok(())
    }
}

fn plain(decoder: Decoder<'_>) -> Result<Node, Mismatch> {
    let pos = decoder.node.pos;
    plain_value(decoder).map(|value| Node { pos, value }).map_err(|error| error.at(pos))
}

fn plain_value(decoder: Decoder<'_>) -> Result<Value, Mismatch> {
    let scalar = match &decoder.node.value {
        Value::Map(_) => return plain_map(decoder),
        Value::Seq(_) => {
            let mut items = Vec::new();
            decoder.items(&mut |item| plain(item).map(|item| items.push(item)))?;
            return Ok(Value::Seq(Seq::from_items(items)));
        }
        Value::Scalar(scalar) => scalar,
    };
    #[allow(clippy::cast_precision_loss)] // what kustomize does
    Ok(Value::Scalar(match resolved(scalar).unwrap_or(Resolved::Str) {
        Resolved::Null => Scalar::null(),
        Resolved::Bool(value) => typed(if value { "true" } else { "false" }, Tag::Bool),
        Resolved::Int(value) if value.unsigned_abs() <= EXACT => typed(value.to_string(), Tag::Int),
        Resolved::Int(value) => number(value as f64)?,
        Resolved::Uint(value) if value <= EXACT => typed(value.to_string(), Tag::Int),
        Resolved::Uint(value) => number(value as f64)?,
        Resolved::Float(value) => number(value)?,
        Resolved::Str | Resolved::Timestamp(_) => scalar.clone().with(Tag::Str, Style::Plain),
    }))
}

fn plain_map(decoder: Decoder<'_>) -> Result<Value, Mismatch> {
    let mut entries = Vec::new();
    decoder.entries(&mut |name, decoder| {
        let value = plain(decoder)?;
        let key = Key { pos: Pos::NONE, scalar: typed(name, Tag::Str) };
        entries.push(Entry { key, value });
        Ok(())
    })?;
    Ok(Value::Map(Map::from_entries(entries)))
}

fn typed(text: impl AsRef<str>, tag: Tag) -> Scalar {
    Scalar::new(text, tag, Style::Plain)
}

fn number(value: f64) -> Result<Scalar, Mismatch> {
    let text =
        json_number(value).ok_or_else(|| Mismatch::new("infinity and NaN cannot be used here".to_owned()))?;
    let is_integer = text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    Ok(typed(text, if is_integer { Tag::Int } else { Tag::Float }))
}
