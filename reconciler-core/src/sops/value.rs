//! Documents as SOPS sees them: in order, and with their comments.

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A point in time, as it was written.
    Time(String),
    Text(String),
    Comment(String),
    List(Vec<Value>),
    Map(Branch),
}

/// A map in order.
pub(super) type Branch = Vec<Item>;

/// What a map consists of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Entry(String, Value),
    Comment(String),
}

impl Value {
    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// What goes into the MAC; nothing for what has no part in it.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        Some(match self {
            Value::Text(text) => text.clone().into_bytes(),
            Value::Bool(true) => b"True".to_vec(),
            Value::Bool(false) => b"False".to_vec(),
            Value::Int(_) | Value::Float(_) => self.plain().into_bytes(),
            // A date is its midnight.
            Value::Time(text) if text.len() == "2024-01-01".len() => format!("{text}T00:00:00Z").into_bytes(),
            Value::Time(text) => text.clone().into_bytes(),
            Value::Null | Value::Comment(_) | Value::List(_) | Value::Map(_) => return None,
        })
    }

    /// A scalar as it stands in files that know texts only.
    pub(super) fn plain(&self) -> String {
        match self {
            Value::Text(text) | Value::Comment(text) | Value::Time(text) => text.clone(),
            Value::Bool(truth) => truth.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Null | Value::List(_) | Value::Map(_) => String::new(),
        }
    }
}

/// The value of a key.
pub(super) fn get<'a>(branch: &'a Branch, name: &str) -> Option<&'a Value> {
    branch.iter().find_map(|item| match item {
        Item::Entry(key, value) if key == name => Some(value),
        _ => None,
    })
}
