//! Objects that are put together field by field, and how they are printed.

use kustomize_core::yaml::{self, Sources};
use serde_json::{Map, Value, json};

use super::{Failure, Result};

/// An object on its way to the cluster or to a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Manifest(pub(crate) Value);

impl Manifest {
    /// An object without content. An empty namespace is left out.
    pub(crate) fn new(api_version: &str, kind: &str, name: &str, namespace: &str) -> Self {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
        Manifest(object).with("/metadata/namespace", namespace)
    }

    /// Sets the field at a JSON pointer whose parents are made; nothing is set to nothing, an empty
    /// text, an empty list or false.
    pub(crate) fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let empty = match &value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !empty {
            self.put(pointer, value);
        }
        self
    }

    /// Sets the field at a JSON pointer to whatever it is.
    pub(crate) fn with_always(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        self.put(pointer, value.into());
        self
    }

    fn put(&mut self, pointer: &str, value: Value) {
        let mut at = &mut self.0;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            at = &mut at[step.as_str()];
        }
        *at = value;
    }

    /// The object as YAML, with sorted keys as Go writes it.
    pub(crate) fn yaml(&self) -> Result<String> {
        to_yaml(&self.0)
    }
}

/// Data as YAML, with sorted keys as Go writes it.
pub(crate) fn to_yaml(value: &Value) -> Result<String> {
    if !value.is_object() {
        // Only objects can be printed by themselves.
        let text = to_yaml(&json!({"x": value}))?;
        let inner = text.trim_start_matches("x:").trim_start_matches([' ', '\n']);
        return Ok(inner.to_owned());
    }
    let text = value.to_string();
    let file = Sources::default().add("object", text.as_str().into(), None);
    let broken =
        |error: &dyn std::fmt::Display| Failure::failed(format!("the object cannot be printed: {error}"));
    let nodes = yaml::read(&text, file).map_err(|error| broken(&error))?;
    let mut out = String::new();
    for node in &nodes {
        yaml::print(node, &mut out).map_err(|error| broken(&error))?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Manifest, to_yaml};

    #[test]
    fn empty_fields_are_left_out() -> Result<(), String> {
        let manifest =
            Manifest::new("v1", "ConfigMap", "a", "").with("/data/b", "").with("/data/ca.crt", "x");
        assert_eq!(
            manifest.0,
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"ca.crt": "x"}})
        );
        Ok(())
    }

    #[test]
    fn texts_that_look_like_something_else_are_quoted() {
        let yaml = to_yaml(&json!({"b": "1", "a": "x\ny\n", "c": ["*"]})).unwrap_or_default();
        assert_eq!(yaml, "a: |\n  x\n  y\nb: \"1\"\nc:\n- '*'\n");
        assert_eq!(to_yaml(&json!([{"a": 1}, 2])).unwrap_or_default(), "- a: 1\n- 2\n");
        assert_eq!(to_yaml(&json!([])).unwrap_or_default(), "[]\n");
    }
}
