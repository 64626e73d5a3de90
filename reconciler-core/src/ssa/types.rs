//! The builtin kinds as Go's types have them.
//!
//! Flux reads an object of a builtin kind into its Go type and writes it again before it is applied: fields
//! that the type does not have are lost, fields that are never left out appear, quantities and times get
//! their canonical form. An object that does not fit its type stays as it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use kubernetes_types::{Field, Omitted, Shape, TYPES, TypeId};
use serde_json::{Map, Number, Value};

/// A value that does not fit its type.
pub(super) struct Misfit;

/// An object as its Go type has it; nothing if the kind is not builtin.
pub(super) fn round_trip(api_version: &str, kind: &str, object: &Value) -> Option<Result<Value, Misfit>> {
    let id = TYPES.of_kind(api_version, kind)?;
    Some(convert(&Shape::Type(id), object))
}

/// A value, read as this shape and written again.
fn convert(shape: &Shape, value: &Value) -> Result<Value, Misfit> {
    if value.is_null() {
        return Ok(zero(shape));
    }
    match (shape, value) {
        (Shape::Text, Value::String(_)) | (Shape::Bool, Value::Bool(_)) | (Shape::Raw, _) => {
            Ok(value.clone())
        }
        (Shape::Int, Value::Number(number)) => integer(number),
        (Shape::Float, Value::Number(_)) => Ok(value.clone()),
        (Shape::Bytes, Value::String(text)) => {
            BASE64.decode(text).map(|bytes| Value::from(BASE64.encode(bytes))).map_err(|_| Misfit)
        }
        (Shape::List(shape), Value::Array(items)) => {
            items.iter().map(|item| convert(shape, item)).collect::<Result<_, _>>().map(Value::Array)
        }
        (Shape::Map(shape), Value::Object(map)) => {
            let entries = map.iter().map(|(key, value)| Ok((key.clone(), convert(shape, value)?)));
            entries.collect::<Result<_, _>>().map(Value::Object)
        }
        (Shape::Pointer(shape), value) => convert(shape, value),
        (Shape::Type(id), Value::Object(map)) => convert_fields(*id, map).map(Value::Object),
        (Shape::Quantity, Value::String(text)) => {
            kubernetes_quantity::canonical(text).map(Value::from).ok_or(Misfit)
        }
        (Shape::Quantity, Value::Number(number)) => {
            kubernetes_quantity::canonical(&number.to_string()).map(Value::from).ok_or(Misfit)
        }
        (Shape::IntOrString, Value::String(_)) => Ok(value.clone()),
        (Shape::IntOrString, Value::Number(number)) => integer(number),
        (Shape::Time, Value::String(text)) => {
            let time = text.parse::<Timestamp>().map_err(|_| Misfit)?;
            Ok(Value::from(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
        }
        (Shape::MicroTime, Value::String(text)) => {
            let time = text.parse::<Timestamp>().map_err(|_| Misfit)?;
            Ok(Value::from(time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()))
        }
        _ => Err(Misfit),
    }
}

fn convert_fields(id: TypeId, map: &Map<String, Value>) -> Result<Map<String, Value>, Misfit> {
    let mut converted = Map::new();
    for field in TYPES.fields(id) {
        let Some(name) = field.name else {
            if let Shape::Type(part) = &field.shape {
                converted.extend(convert_fields(*part, map)?);
            }
            continue;
        };
        let value = match map.get(name) {
            Some(value) => convert(&field.shape, value)?,
            None if is_left_out_without_value(field) => continue,
            None => zero(&field.shape),
        };
        let is_left_out = match field.omitted {
            Omitted::Never => false,
            Omitted::IfEmpty => is_empty(&field.shape, &value),
            Omitted::IfZero => value.is_null() || is_empty(&field.shape, &value),
        };
        if !is_left_out {
            converted.insert(name.to_owned(), value);
        }
    }
    Ok(converted)
}

/// What a field holds that was not set.
fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Text => Value::from(""),
        Shape::Bool => Value::Bool(false),
        Shape::Int | Shape::Float | Shape::IntOrString => Value::from(0),
        Shape::Quantity => Value::from("0"),
        Shape::Bytes
        | Shape::List(_)
        | Shape::Map(_)
        | Shape::Pointer(_)
        | Shape::Time
        | Shape::MicroTime
        | Shape::Raw => Value::Null,
        // No type without pointers holds itself, and what is not there fits any type.
        Shape::Type(id) => convert_fields(*id, &Map::new()).map_or(Value::Null, Value::Object),
    }
}

fn is_left_out_without_value(field: &Field) -> bool {
    match field.omitted {
        Omitted::Never => false,
        Omitted::IfZero => true,
        Omitted::IfEmpty => !matches!(
            field.shape,
            Shape::Type(_)
                | Shape::Quantity
                | Shape::IntOrString
                | Shape::Time
                | Shape::MicroTime
                | Shape::Raw
        ),
    }
}

/// Whether a field of this shape counts as empty. What is no scalar, list, map or pointer never does.
fn is_empty(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Text => value == "",
        Shape::Bool => *value == Value::Bool(false),
        Shape::Int | Shape::Float => value.as_f64() == Some(0.0),
        Shape::Bytes => value.is_null() || value == "",
        Shape::List(_) => value.as_array().is_none_or(Vec::is_empty),
        Shape::Map(_) => value.as_object().is_none_or(Map::is_empty),
        Shape::Pointer(_) => value.is_null(),
        Shape::Type(_)
        | Shape::Quantity
        | Shape::IntOrString
        | Shape::Time
        | Shape::MicroTime
        | Shape::Raw => false,
    }
}

/// A whole number, which may be written as a float.
fn integer(number: &Number) -> Result<Value, Misfit> {
    if number.is_i64() || number.is_u64() {
        return Ok(Value::Number(number.clone()));
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15).ok_or(Misfit)?;
    format!("{float:.0}").parse::<i64>().map(Value::from).map_err(|_| Misfit)
}
