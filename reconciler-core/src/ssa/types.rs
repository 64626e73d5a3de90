//! The builtin kinds as Go's types have them.
//!
//! Flux reads an object of a builtin kind into its Go type and writes it again before it is applied: fields
//! that the type does not have are lost, fields that are never left out appear, quantities and times get
//! their canonical form. An object that does not fit its type stays as it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

/// The types; `e2e/cluster/cmd/apitypes` writes and explains them.
static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("types.txt")));

/// All kinds and types.
struct Table {
    /// The type of each kind, by `apiVersion Kind`.
    kinds: HashMap<&'static str, usize>,
    types: Vec<Vec<Field>>,
}

struct Field {
    name: &'static str,
    omitted: Omitted,
    shape: Shape,
}

/// When a field is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Omitted {
    Never,
    IfEmpty,
    IfZero,
}

/// What a field holds.
enum Shape {
    Text,
    Bool,
    Int,
    Float,
    Bytes,
    List(Box<Shape>),
    Map(Box<Shape>),
    Pointer(Box<Shape>),
    Type(usize),
    Quantity,
    IntOrString,
    Time,
    /// A time with microseconds.
    MicroTime,
    /// Anything.
    Raw,
}

/// A value that does not fit its type.
pub(super) struct Misfit;

/// An object as its Go type has it; nothing if the kind is not builtin.
pub(super) fn round_trip(api_version: &str, kind: &str, object: &Value) -> Option<Result<Value, Misfit>> {
    let index = TABLE.kinds.get(&*format!("{api_version} {kind}"))?;
    Some(TABLE.convert(&Shape::Type(*index), object))
}

impl Table {
    fn read(text: &'static str) -> Self {
        let (kinds, types) = text.split_once("\n\n").unwrap_or_default();
        let types: Vec<(&str, &str)> = types.lines().filter_map(|line| line.split_once(": ")).collect();
        let numbers: HashMap<&str, usize> =
            types.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
        let fields = |text: &'static str| {
            text.split(", ").filter_map(|field| field.split_once(' ')).map(|(name, shape)| {
                let (name, omitted) = match (name.strip_suffix('?'), name.strip_suffix('!')) {
                    (Some(name), _) => (name, Omitted::IfEmpty),
                    (_, Some(name)) => (name, Omitted::IfZero),
                    _ => (name, Omitted::Never),
                };
                Field { name, omitted, shape: Shape::read(shape, &numbers) }
            })
        };
        let kinds = kinds.lines().filter_map(|line| {
            let (kind, name) = line.rsplit_once(' ')?;
            Some((kind, *numbers.get(name)?))
        });
        Table {
            kinds: kinds.collect(),
            types: types.iter().map(|(_, text)| fields(text).collect()).collect(),
        }
    }

    /// A value, read as this shape and written again.
    fn convert(&self, shape: &Shape, value: &Value) -> Result<Value, Misfit> {
        if value.is_null() {
            return Ok(self.zero(shape));
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
                items.iter().map(|item| self.convert(shape, item)).collect::<Result<_, _>>().map(Value::Array)
            }
            (Shape::Map(shape), Value::Object(map)) => {
                let entries = map.iter().map(|(key, value)| Ok((key.clone(), self.convert(shape, value)?)));
                entries.collect::<Result<_, _>>().map(Value::Object)
            }
            (Shape::Pointer(shape), value) => self.convert(shape, value),
            (Shape::Type(index), Value::Object(map)) => self.convert_fields(*index, map).map(Value::Object),
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

    fn convert_fields(&self, index: usize, map: &Map<String, Value>) -> Result<Map<String, Value>, Misfit> {
        let mut converted = Map::new();
        for field in self.types.get(index).into_iter().flatten() {
            let value = match map.get(field.name) {
                Some(value) => self.convert(&field.shape, value)?,
                None if field.is_left_out_without_value() => continue,
                None => self.zero(&field.shape),
            };
            let is_left_out = match field.omitted {
                Omitted::Never => false,
                Omitted::IfEmpty => field.shape.is_empty(&value),
                Omitted::IfZero => value.is_null() || field.shape.is_empty(&value),
            };
            if !is_left_out {
                converted.insert(field.name.to_owned(), value);
            }
        }
        Ok(converted)
    }

    /// What a field holds that was not set.
    fn zero(&self, shape: &Shape) -> Value {
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
            Shape::Type(index) => self.convert_fields(*index, &Map::new()).map_or(Value::Null, Value::Object),
        }
    }
}

impl Field {
    fn is_left_out_without_value(&self) -> bool {
        match self.omitted {
            Omitted::Never => false,
            Omitted::IfZero => true,
            Omitted::IfEmpty => !matches!(
                self.shape,
                Shape::Type(_)
                    | Shape::Quantity
                    | Shape::IntOrString
                    | Shape::Time
                    | Shape::MicroTime
                    | Shape::Raw
            ),
        }
    }
}

impl Shape {
    fn read(text: &'static str, numbers: &HashMap<&str, usize>) -> Self {
        let inner = |rest| Box::new(Shape::read(rest, numbers));
        match text.split_at_checked(1) {
            Some(("[", rest)) => return Shape::List(inner(rest)),
            Some(("{", rest)) => return Shape::Map(inner(rest)),
            Some(("*", rest)) => return Shape::Pointer(inner(rest)),
            Some(("=", rest)) => return numbers.get(rest).map_or(Shape::Raw, |index| Shape::Type(*index)),
            _ => {}
        }
        match text {
            "s" => Shape::Text,
            "b" => Shape::Bool,
            "i" => Shape::Int,
            "f" => Shape::Float,
            "bytes" => Shape::Bytes,
            "Quantity" => Shape::Quantity,
            "IntOrString" => Shape::IntOrString,
            "Time" => Shape::Time,
            "MicroTime" => Shape::MicroTime,
            _ => Shape::Raw,
        }
    }

    /// Whether a field of this shape counts as empty. What is no scalar, list, map or pointer never does.
    fn is_empty(&self, value: &Value) -> bool {
        match self {
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
}

/// A whole number, which may be written as a float.
fn integer(number: &Number) -> Result<Value, Misfit> {
    if number.is_i64() || number.is_u64() {
        return Ok(Value::Number(number.clone()));
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9e15).ok_or(Misfit)?;
    format!("{float:.0}").parse::<i64>().map(Value::from).map_err(|_| Misfit)
}
