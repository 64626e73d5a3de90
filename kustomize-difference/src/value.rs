//! Values as they are compared: what YAML says, without how it is written.

use std::collections::BTreeMap;

use kustomize_core::yaml::{Node, ReadBack, Role, Value as Shape, read_back};
use serde::Serialize;

/// A value. Two that are written differently and mean the same are equal.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer too large to have a sign.
    Uint(u64),
    /// A number that is no integer, or out of range for one.
    Float(f64),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// A map, sorted by key.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        if let Value::Map(map) = self { Some(map) } else { None }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// Value of the field `name`, if this is a map that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map()?.get(name)
    }
}

impl From<&Node> for Value {
    fn from(node: &Node) -> Self {
        match &node.value {
            Shape::Map(map) => {
                let mut values = BTreeMap::new();
                values.extend(
                    map.iter().map(|entry| (entry.key.as_str().to_owned(), Value::from(&entry.value))),
                );
                Value::Map(values)
            }
            Shape::Seq(seq) => Value::List(seq.iter().map(Value::from).collect()),
            Shape::Scalar(scalar) => match read_back(scalar, Role::Value) {
                Ok(ReadBack::Null) => Value::Null,
                Ok(ReadBack::Bool(value)) => Value::Bool(value),
                Ok(ReadBack::Int(value)) => Value::Int(value),
                Ok(ReadBack::Uint(value)) => i64::try_from(value).map_or(Value::Uint(value), Value::Int),
                Ok(ReadBack::Float(value)) => Value::Float(value),
                Ok(ReadBack::Text(text)) => Value::String(text.into_owned()),
                // What cannot be printed can still be shown.
                Err(_) => Value::String(scalar.text().to_string()),
            },
        }
    }
}
