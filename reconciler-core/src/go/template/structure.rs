//! Structs of Go as values of the library: maps that hide their type and how they print, and texts as keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{FuncMap, TemplateError, Value};

/// The hidden entry with the name of the type.
const TYPE: &str = "\0type";
/// The hidden entry with the printed form.
const SHOWN: &str = "\0shown";

/// The function that takes where it stands, the value and the names of fields.
pub(super) const GET: &str = "\0get";
/// The function that makes a struct the text it prints as.
pub(super) const SHOW: &str = "\0show";

/// A struct.
pub fn structure(type_name: &str, shown: &str, fields: Vec<(&str, Value)>) -> Value {
    let hidden = [(TYPE, Value::from(type_name)), (SHOWN, Value::from(shown))];
    let entries = hidden.into_iter().chain(fields).map(|(name, value)| (Arc::from(name), value));
    Value::from(entries.collect::<BTreeMap<Arc<str>, Value>>())
}

/// A key of a map that is a struct of texts. Keys sort by their fields, as in Go.
pub fn key(type_name: &str, shown: &str, fields: &[(&str, &str)]) -> String {
    let mut key = format!("\0{type_name}");
    for (name, value) in fields {
        key += &format!("\0{name}={value}");
    }
    key + &format!("\0={shown}")
}

/// The parts of a key that is a struct: its type, and names with values, of which the last is how it prints.
fn parts(key: &str) -> Option<(&str, impl Iterator<Item = (&str, &str)>)> {
    let mut parts = key.strip_prefix('\0')?.split('\0');
    let type_name = parts.next()?;
    Some((type_name, parts.filter_map(|part| part.split_once('='))))
}

/// A field of a value, or the type that has no such field.
fn field(value: &Value, name: &str) -> Result<Value, String> {
    match value {
        Value::Nil => Ok(Value::Nil),
        Value::Map(entries) => match (entries.get(name), entries.get(TYPE)) {
            (Some(found), _) => Ok(found.clone()),
            (None, Some(type_name)) => Err(type_name.to_string()),
            (None, None) => Ok(Value::Nil),
        },
        Value::String(text) => {
            let Some((type_name, mut fields)) = parts(text) else { return Err("string".to_owned()) };
            let found = fields.find(|(field, _)| *field == name && !field.is_empty());
            found.map(|(_, value)| Value::from(value)).ok_or_else(|| type_name.to_owned())
        }
        other => Err(other.type_name().to_owned()),
    }
}

/// The text that a struct prints as.
pub(super) fn shown(value: &Value) -> Option<Value> {
    match value {
        Value::Map(entries) => entries.get(SHOWN).cloned(),
        Value::String(text) => parts(text)?.1.last().map(|(_, shown)| Value::from(shown)),
        _ => None,
    }
}

/// The text that a value prints as if it is a struct or has structs in it; the value itself otherwise.
pub(super) fn show(value: &Value) -> Value {
    if let Some(shown) = shown(value) {
        return shown;
    }
    let inner = |value: &Value| show(value).to_string();
    match value {
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", inner(&Value::String(Arc::clone(key))), inner(value)));
            Value::from(format!("map[{}]", entries.collect::<Vec<_>>().join(" ")))
        }
        Value::List(items) => {
            Value::from(format!("[{}]", items.iter().map(inner).collect::<Vec<_>>().join(" ")))
        }
        other => other.clone(),
    }
}

/// Adds the functions that rewritten templates use.
pub(super) fn add_to(functions: &mut FuncMap) {
    functions.insert(SHOW.to_owned(), Arc::new(|values| Ok(values.first().map_or(Value::Nil, show))));
    functions.insert(
        GET.to_owned(),
        Arc::new(|values| {
            let [place, value, names @ ..] = values else { return Ok(Value::Nil) };
            let mut value = value.clone();
            for name in names {
                let name = name.to_string();
                value = field(&value, &name).map_err(|type_name| {
                    TemplateError::Exec(format!("{place}: can't evaluate field {name} in type {type_name}"))
                })?;
            }
            Ok(value)
        }),
    );
}
