//! Bringing objects into the form in which they are applied.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::types;
use crate::object;

/// Brings an object into the form in which it is applied ([`normalize_object`]). Roles and ClusterRoles stay as
/// they are: rules that others aggregate would be taken over.
pub fn normalize(value: &mut Value) {
    let is_role = matches!(object::kind(value), "Role" | "ClusterRole");
    if !is_role || object::api_version(value) != "rbac.authorization.k8s.io/v1" {
        normalize_object(value);
    }
}

/// Gives an object of a builtin kind the form that its type has, takes out what only a server writes, moves
/// the plain texts of a Secret to where the server keeps them, and fills in the protocol of ports, which is
/// part of their identity.
pub fn normalize_object(value: &mut Value) {
    let (api_version, kind) = (object::api_version(value).to_owned(), object::kind(value).to_owned());
    if let Some(Ok(typed)) = types::round_trip(&api_version, &kind, value) {
        *value = typed;
        fill_in(value, &api_version, &kind);
    }
    let is_definition = kind.eq_ignore_ascii_case("customresourcedefinition")
        && api_version.starts_with("apiextensions.k8s.io/");
    let Some(map) = value.as_object_mut() else { return };
    // The status of a definition says whether it can be used.
    if !is_definition {
        map.remove("status");
    }
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("creationTimestamp".to_owned(), Value::Null);
    }
}

/// What a dry run says of an object, without the mistakes of old servers: a HorizontalPodAutoscaler with
/// metrics twice.
pub fn normalize_dry_run(value: &mut Value) {
    if object::kind(value) != "HorizontalPodAutoscaler" {
        return;
    }
    let Some(Ok(mut typed)) = types::round_trip(object::api_version(value), object::kind(value), value)
    else {
        return;
    };
    let metrics = at_mut(&mut typed, &["spec", "metrics"]).and_then(Value::as_array_mut);
    if let Some(metrics) = metrics.filter(|_| object::api_version(value) == "autoscaling/v2") {
        let mut kept: Vec<Value> = Vec::new();
        for metric in metrics.drain(..) {
            if !kept.contains(&metric) && !object::text(&metric, &["type"]).is_empty() {
                kept.push(metric);
            }
        }
        *metrics = kept;
    }
    *value = typed;
}

/// What a server fills in too, but managers of fields stumble over.
fn fill_in(value: &mut Value, api_version: &str, kind: &str) {
    match (api_version, kind) {
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
        assert_eq!(secret["data"], data);
        assert_eq!(secret.get("stringData"), None);
    }

    #[test]
    fn objects_that_do_not_fit_their_type_stay() {
        let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": "three", "unknown": 1}});
        let spec = deployment["spec"].clone();
        normalize(&mut deployment);
        assert_eq!(deployment["spec"], spec);
        deployment["spec"]["replicas"] = json!(3);
        normalize(&mut deployment);
        assert_eq!(deployment["spec"]["replicas"], 3);
        assert_eq!(deployment["spec"].get("unknown"), None);
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
