//! JSON, indented with tabs.

use serde_json::Value as Json;

use crate::sops::value::{Branch, Item, Value};

pub(super) fn load(text: &str) -> Result<Branch, String> {
    let value: Json = serde_json::from_str(text).map_err(|failure| failure.to_string())?;
    match from_json(value) {
        Value::Map(branch) => Ok(branch),
        _ => Err("SOPS only supports JSON files with a top-level object".to_owned()),
    }
}

fn from_json(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        Json::Object(map) => {
            Value::Map(map.into_iter().map(|(key, value)| Item::Entry(key, from_json(value))).collect())
        }
    }
}

pub(super) fn emit(branch: &Branch) -> String {
    let mut text = String::new();
    write_map(branch, 0, &mut text);
    text.push('\n');
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => text.push_str(&value.plain()),
        Value::Text(string) | Value::Time(string) | Value::Comment(string) => text.push_str(&quoted(string)),
        Value::Map(map) => write_map(map, depth, text),
        Value::List(items) => {
            let items: Vec<&Value> = items.iter().filter(|item| !matches!(item, Value::Comment(_))).collect();
            if items.is_empty() {
                text.push_str("[]");
                return;
            }
            text.push('[');
            for (index, item) in items.into_iter().enumerate() {
                new_line(index, depth + 1, text);
                write(item, depth + 1, text);
            }
            new_line(0, depth, text);
            text.push(']');
        }
    }
}

fn write_map(branch: &Branch, depth: usize, text: &mut String) {
    let entries = branch.iter().filter_map(|item| match item {
        Item::Entry(key, value) => Some((key, value)),
        Item::Comment(_) => None,
    });
    let entries: Vec<(&String, &Value)> = entries.collect();
    if entries.is_empty() {
        text.push_str("{}");
        return;
    }
    text.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        new_line(index, depth + 1, text);
        text.push_str(&quoted(key));
        text.push_str(": ");
        write(value, depth + 1, text);
    }
    new_line(0, depth, text);
    text.push('}');
}

fn new_line(index: usize, depth: usize, text: &mut String) {
    text.push_str(if index > 0 { ",\n" } else { "\n" });
    text.extend(std::iter::repeat_n('\t', depth));
}

/// A text in quotes, without characters that mean something in HTML, as Go writes it.
fn quoted(text: &str) -> String {
    let mut quoted = Json::from(text).to_string();
    for (character, escape) in [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ] {
        if quoted.contains(character) {
            quoted = quoted.replace(character, escape);
        }
    }
    quoted
}
