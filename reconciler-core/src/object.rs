//! Reading Kubernetes objects whose type is not known.

use serde_json::{Map, Value};

/// A text at a path of keys, or an empty one.
#[must_use]
pub fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// What stands at a path of keys.
#[must_use]
pub fn at<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

/// The `apiVersion`.
#[must_use]
pub fn api_version(object: &Value) -> &str {
    text(object, &["apiVersion"])
}

/// The group of the `apiVersion`; empty for the core group.
#[must_use]
pub fn group(object: &Value) -> &str {
    api_version(object).split_once('/').map_or("", |(group, _)| group)
}

/// The `kind`.
#[must_use]
pub fn kind(object: &Value) -> &str {
    text(object, &["kind"])
}

/// `metadata.name`.
#[must_use]
pub fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// `metadata.namespace`, empty where there is none.
#[must_use]
pub fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

/// A label, if the object has it and it is a text.
#[must_use]
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    at(object, &["metadata", "labels", key]).and_then(Value::as_str)
}

/// An annotation, if the object has it and it is a text.
#[must_use]
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    at(object, &["metadata", "annotations", key]).and_then(Value::as_str)
}

/// Whether a label or annotation has this value, in any case of letters.
#[must_use]
pub fn is_marked(object: &Value, key: &str, value: &str) -> bool {
    [label(object, key), annotation(object, key)]
        .into_iter()
        .flatten()
        .any(|found| !found.is_empty() && found.to_lowercase() == value.to_lowercase())
}

/// Adds labels and annotations; those that are there already get the new value.
pub fn add_metadata<'a>(
    object: &mut Value,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
) {
    add_pairs(object, "labels", labels);
    add_pairs(object, "annotations", annotations);
}

fn add_pairs<'a>(object: &mut Value, field: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
    let mut pairs = pairs.into_iter().peekable();
    if pairs.peek().is_none() {
        return;
    }
    let map = map_in(object, "metadata").and_then(|metadata| map_in(metadata, field));
    if let Some(Value::Object(map)) = map {
        map.extend(pairs.map(|(key, value)| (key.to_owned(), Value::from(value))));
    }
}

/// The map in a field, made if there is none.
fn map_in<'a>(value: &'a mut Value, field: &str) -> Option<&'a mut Value> {
    let entry = value.as_object_mut()?.entry(field).or_insert(Value::Null);
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    Some(entry)
}
