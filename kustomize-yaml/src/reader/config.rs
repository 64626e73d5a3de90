//! Configuration goes through JSON on its way into kustomize's types: what scalars become.

use super::ReadError;
use crate::decode::{json_number, shortest_f32};
use crate::resolve::{self, Dialect, Resolved};
use crate::{Pos, Scalar, Style, Tag, binary_text};

/// A value: numbers and booleans in the one form that JSON has for them, all else a string.
pub(super) fn value(scalar: Scalar, pos: Pos) -> Result<Scalar, ReadError> {
    let (text, tag, style) = (scalar.text(), scalar.tag(), scalar.style());
    let resolved = match tag {
        Tag::Null => return Ok(scalar),
        Tag::Binary => {
            return Ok(Scalar::new(binary_text(text).unwrap_or_default(), Tag::Str, style));
        }
        Tag::Bool | Tag::Int | Tag::Float => {
            resolve::tagged_value(text, tag, Dialect::V2).unwrap_or(Resolved::Str)
        }
        _ => Resolved::Str,
    };
    let (text, tag) = match resolved {
        Resolved::Bool(value) => (value.to_string(), Tag::Bool),
        Resolved::Int(value) => (value.to_string(), Tag::Int),
        Resolved::Uint(value) => (value.to_string(), Tag::Int),
        Resolved::Float(value) => {
            let Some(text) = json_number(value) else {
                return Err(ReadError::new(format!("{text} cannot be used in configuration"), pos)
                    .with_help("put it in quotes if it is to be a string"));
            };
            let tag = if text.contains(['.', 'e']) { Tag::Float } else { Tag::Int };
            (text, tag)
        }
        _ => return Ok(scalar.with(Tag::Str, style)),
    };
    Ok(Scalar::new(text, tag, Style::Plain))
}

/// A key: JSON has strings only.
pub(super) fn key(scalar: Scalar, pos: Pos) -> Result<Scalar, ReadError> {
    let (text, tag, style) = (scalar.text(), scalar.tag(), scalar.style());
    let text = match tag {
        Tag::Merge => return Ok(scalar),
        Tag::Null => return Err(ReadError::new("null cannot be a key", pos)),
        Tag::Bool | Tag::Int | Tag::Float => match resolve::tagged_value(text, tag, Dialect::V2) {
            Some(Resolved::Bool(value)) => value.to_string(),
            Some(Resolved::Int(value)) => value.to_string(),
            Some(Resolved::Uint(_)) => {
                return Err(
                    ReadError::new("this number is too large for a key", pos).with_help("put it in quotes")
                );
            }
            Some(Resolved::Float(value)) => float_key(value),
            _ => return Ok(scalar.with(Tag::Str, style)),
        },
        Tag::Binary => binary_text(text).unwrap_or_default(),
        _ => return Ok(scalar.with(Tag::Str, style)),
    };
    Ok(Scalar::new(text, Tag::Str, style))
}

fn float_key(value: f64) -> String {
    match shortest_f32(value).as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        text => text.to_owned(),
    }
}
