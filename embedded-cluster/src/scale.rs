//! The scale subresource.

use serde_json::{Value, json};

use crate::kinds::Kind;

fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, part| value.get(part))
}

/// The scale subresource of an object.
pub(crate) fn scale_of(kind: &Kind, value: &Value) -> Value {
    let (Some(scale), metadata) = (&kind.scale, &value["metadata"]) else { return Value::Null };
    let number = |path: &str| at_path(value, path).and_then(Value::as_i64).unwrap_or(0);
    let selector = match &scale.selector {
        Some(path) => at_path(value, path).and_then(Value::as_str).unwrap_or_default().to_owned(),
        None => {
            let labels = value.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
            let labels = labels
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
            labels.collect::<Vec<_>>().join(",")
        }
    };
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {"replicas": number(&scale.spec)},
        "status": {"replicas": number(&scale.status), "selector": selector},
    })
}

/// An object with the replicas of a scale.
pub(crate) fn with_scale(kind: &Kind, old: &Value, scale: &Value) -> Value {
    let mut value = old.clone();
    if let Some(paths) = &kind.scale {
        let mut place = &mut value;
        for part in paths.spec.split('.') {
            place = &mut place[part];
        }
        *place = scale.pointer("/spec/replicas").cloned().unwrap_or_else(|| 0.into());
    }
    if let Some(version) = scale.pointer("/metadata/resourceVersion") {
        value["metadata"]["resourceVersion"] = version.clone();
    }
    value
}
