//! The messages of the built-in kinds, read from a table.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

/// The messages; `e2e/cluster/cmd/apitypes` writes the table and explains it.
pub(super) static MESSAGES: LazyLock<Messages> =
    LazyLock::new(|| Messages::read(include_str!("messages.txt")));

/// All kinds and messages.
#[derive(Debug)]
pub(super) struct Messages {
    /// The message of each kind, by `apiVersion Kind`.
    kinds: HashMap<&'static str, usize>,
    /// The fields of each message, by number.
    messages: Vec<HashMap<u64, Field>>,
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    /// The name in JSON. A message without one has fields that belong to the object around it.
    pub(super) name: Option<&'static str>,
    omitted: Omitted,
    pub(super) shape: Shape,
}

/// When a field is left out of JSON. Protobuf has every field that is not a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Omitted {
    Never,
    IfEmpty,
    IfZero,
}

/// What a field holds.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    Bool,
    Int,
    Float,
    Bytes,
    List(Box<Shape>),
    Map(Box<Shape>),
    Message(usize),
    Quantity,
    IntOrString,
    Time,
    /// A time with microseconds.
    MicroTime,
    /// JSON.
    Raw,
}

impl Messages {
    /// The message of a kind. Options of deletions are of every version.
    pub(super) fn of_kind(&self, api_version: &str, kind: &str) -> Option<usize> {
        let version = if kind == "DeleteOptions" { "v1" } else { api_version };
        self.kinds.get(&*format!("{version} {kind}")).copied()
    }

    pub(super) fn field(&self, message: usize, number: u64) -> Option<&Field> {
        self.messages.get(message)?.get(&number)
    }

    fn read(table: &'static str) -> Self {
        let (kinds, messages) = table.split_once("\n\n").unwrap_or_default();
        let messages: Vec<_> = messages.lines().filter_map(|line| line.split_once(": ")).collect();
        let places: HashMap<_, _> = (0..).zip(&messages).map(|(at, (name, _))| (*name, at)).collect();
        let kinds = kinds.lines().filter_map(|line| {
            let (kind, message) = line.rsplit_once(' ')?;
            Some((kind, *places.get(message)?))
        });
        let fields = |(_, fields): &(_, &'static str)| {
            fields.split(", ").filter_map(|field| Field::read(field, &places)).collect()
        };
        Messages { kinds: kinds.collect(), messages: messages.iter().map(fields).collect() }
    }
}

impl Field {
    fn read(field: &'static str, places: &HashMap<&str, usize>) -> Option<(u64, Field)> {
        let mut words = field.split(' ');
        let (number, name, shape) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
        let (name, omitted) = match (name.strip_suffix('?'), name.strip_suffix('!')) {
            (Some(name), _) => (name, Omitted::IfEmpty),
            (_, Some(name)) => (name, Omitted::IfZero),
            _ => (name, Omitted::Never),
        };
        let (omitted, shape) = match shape.strip_prefix('*') {
            // What is there is not the null pointer.
            Some(shape) => (Omitted::Never, shape),
            None => (omitted, shape),
        };
        let name = (name != "-").then_some(name);
        Some((number, Field { name, omitted, shape: Shape::read(shape, places)? }))
    }

    /// Whether JSON has no such field for this value.
    pub(super) fn is_left_out(&self, value: &Value) -> bool {
        let is_zero = match value {
            Value::Null => return true,
            Value::Bool(value) => !value,
            Value::Number(value) => value.as_f64() == Some(0.0),
            Value::String(value) => value.is_empty(),
            Value::Array(value) => value.is_empty(),
            Value::Object(value) => return self.omitted == Omitted::IfZero && value.is_empty(),
        };
        is_zero && self.omitted != Omitted::Never
    }
}

impl Shape {
    fn read(shape: &str, places: &HashMap<&str, usize>) -> Option<Shape> {
        let inner = |rest| Shape::read(rest, places).map(Box::new);
        Some(match shape.split_at_checked(1)? {
            ("*", rest) => return Shape::read(rest, places),
            ("[", rest) => Shape::List(inner(rest)?),
            ("{", rest) => Shape::Map(inner(rest)?),
            ("=", name) => Shape::Message(*places.get(name)?),
            _ => match shape {
                "s" => Shape::Text,
                "b" => Shape::Bool,
                "i" => Shape::Int,
                "f" => Shape::Float,
                "bytes" => Shape::Bytes,
                "Quantity" => Shape::Quantity,
                "IntOrString" => Shape::IntOrString,
                "Time" => Shape::Time,
                "MicroTime" => Shape::MicroTime,
                "FieldsV1" | "RawExtension" => Shape::Raw,
                _ => return None,
            },
        })
    }

    /// The value of a key in a map that has none.
    pub(super) fn zero(&self) -> Value {
        match self {
            Shape::Text | Shape::Bytes => "".into(),
            Shape::Bool => false.into(),
            Shape::Int => 0.into(),
            Shape::Quantity => "0".into(),
            Shape::List(_) => Value::Array(Vec::new()),
            Shape::Message(_) | Shape::Map(_) => Value::Object(serde_json::Map::new()),
            _ => Value::Null,
        }
    }
}
