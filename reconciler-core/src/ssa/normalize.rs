//! Bringing objects into the form in which they are applied.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::object;

/// Takes out what only a server writes, moves the plain texts of a Secret to where the server keeps
/// them, and fills in the protocol of ports, which is part of their identity.
pub fn normalize(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
    }
    match (object::api_version(value), object::kind(value)) {
        ("v1", "Secret") => move_texts(value),
        ("v1", "Service") => fill_ports(value, &["spec"]),
        ("v1", "Pod") => fill_containers(value, &["spec"]),
        ("apps/v1", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch/v1", "Job") => {
            fill_containers(value, &["spec", "template", "spec"]);
        }
        ("batch/v1", "CronJob") => {
            fill_containers(value, &["spec", "jobTemplate", "spec", "template", "spec"]);
        }
        _ => {}
    }
}

/// Moves `stringData` to `data`.
fn move_texts(secret: &mut Value) {
    let Some(map) = secret.as_object_mut() else { return };
    let Some(Value::Object(texts)) = map.remove("stringData") else { return };
    let data = map.entry("data").or_insert(Value::Null);
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    if let Value::Object(data) = data {
        let encoded = texts.into_iter().map(|(key, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (key, Value::from(STANDARD.encode(text)))
        });
        data.extend(encoded);
    }
}

fn at_mut<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, key| value.get_mut(key))
}

fn fill_containers(value: &mut Value, path: &[&str]) {
    let containers =
        at_mut(value, path).and_then(|spec| spec.get_mut("containers")).and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        fill_ports(container, &[]);
    }
}

fn fill_ports(value: &mut Value, path: &[&str]) {
    let ports = at_mut(value, path).and_then(|holder| holder.get_mut("ports")).and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        let protocol = port.entry("protocol").or_insert(Value::Null);
        if protocol.is_null() || protocol == "" {
            *protocol = Value::from("TCP");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_secrets_win_over_data() {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ=="},
            "stringData": {"a": "over", "b": "hello"}, "status": {}});
        normalize(&mut secret);
        let data = json!({"a": "b3Zlcg==", "b": "aGVsbG8="});
        assert_eq!(secret, json!({"apiVersion": "v1", "kind": "Secret", "data": data}));
    }

    #[test]
    fn ports_have_a_protocol() {
        let mut service = json!({"apiVersion": "v1", "kind": "Service",
            "spec": {"ports": [{"port": 80}, {"port": 53, "protocol": "UDP"}]}});
        normalize(&mut service);
        let protocols: Vec<&Value> =
            service["spec"]["ports"].as_array().into_iter().flatten().map(|port| &port["protocol"]).collect();
        assert_eq!(protocols, ["TCP", "UDP"]);
    }
}
