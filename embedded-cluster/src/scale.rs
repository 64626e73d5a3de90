//! The scale subresource.

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::status::{ApiError, FieldError, Subject};

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
///
/// # Errors
/// - 400 if it is no scale, or if the object has no place for it
/// - 422 if its number is negative
pub(crate) fn with_scale(kind: &Kind, old: &Value, scale: &Value) -> Result<Value, ApiError> {
    let replicas = replicas(old, scale)?;
    let mut value = old.clone();
    if let Some(paths) = &kind.scale {
        let mut place = &mut value;
        for part in paths.spec.split('.') {
            if place.is_null() {
                *place = json!({});
            }
            let Some(fields) = place.as_object_mut() else {
                return Err(ApiError::bad_request(format!(
                    "the replicas cannot be set at {}: what is above {part} is not an object",
                    paths.spec
                )));
            };
            place = fields.entry(part).or_insert(Value::Null);
        }
        *place = replicas.into();
    }
    if let Some(version) = scale.pointer("/metadata/resourceVersion") {
        value["metadata"]["resourceVersion"] = version.clone();
    }
    Ok(value)
}

/// The number in a scale; 0 if it has none.
fn replicas(old: &Value, scale: &Value) -> Result<i32, ApiError> {
    let wrong = |what: &str| ApiError::bad_request(format!("Scale in version \"v1\" cannot be read: {what}"));
    let Some(scale) = scale.as_object() else { return Err(wrong("it is not an object")) };
    let spec = match scale.get("spec") {
        None | Some(Value::Null) => return Ok(0),
        Some(spec) => spec.as_object().ok_or_else(|| wrong("spec is not an object"))?,
    };
    let number = match spec.get("replicas") {
        None | Some(Value::Null) => return Ok(0),
        Some(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
    };
    let number = number.ok_or_else(|| wrong("spec.replicas is not a whole number of 32 bits"))?;
    if number < 0 {
        let error =
            FieldError::invalid("spec.replicas", &number.into(), "must be greater than or equal to 0");
        let name = old["metadata"]["name"].as_str().unwrap_or_default();
        let subject = Subject { group: "autoscaling", resource: "scales", kind: "Scale", name };
        return Err(ApiError::invalid(subject, &[error]));
    }
    Ok(number)
}
