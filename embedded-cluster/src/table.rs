//! Tables, as `kubectl get` shows them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::request::Query;
use crate::state::State;

/// Objects as a table.
pub(crate) fn table(
    state: &State,
    kind: &Kind,
    objects: &[&Value],
    metadata: &Value,
    query: &Query,
) -> Value {
    let mut columns = vec![column("Name", "string", "name", "", 0)];
    for (name, _) in builtin_columns(kind) {
        columns.push(column(name, "string", "", "", 0));
    }
    for custom in &kind.columns {
        columns.push(column(&custom.name, &custom.of, &custom.format, &custom.description, custom.priority));
    }
    let age = kind.columns.is_empty();
    if age {
        columns.push(column("Age", "string", "", "", 0));
    }
    let now = state.clock.now();
    let rows: Vec<Value> = objects
        .iter()
        .map(|object| {
            let mut cells = vec![object["metadata"]["name"].clone()];
            cells.extend(builtin_columns(kind).iter().map(|(_, cell)| Value::from(cell(object))));
            for custom in &kind.columns {
                let found = lookup(object, &custom.path);
                cells.push(match (&*custom.of, found) {
                    ("date", Some(Value::String(time))) => since(&time, now).into(),
                    ("string", Some(value)) if !value.is_string() => value.to_string().into(),
                    (_, Some(value)) => value,
                    (_, None) => Value::Null,
                });
            }
            if age {
                cells.push(
                    since(object["metadata"]["creationTimestamp"].as_str().unwrap_or_default(), now).into(),
                );
            }
            let shown = match query.get("includeObject") {
                Some("None") => Value::Null,
                Some("Object") => (*object).clone(),
                _ => metadata_of(object),
            };
            json!({"cells": cells, "object": shown})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": columns, "rows": rows})
}

fn column(name: &str, of: &str, format: &str, description: &str, priority: i64) -> Value {
    json!({"name": name, "type": of, "format": format, "description": description, "priority": priority})
}

type Cell = fn(&Value) -> String;

fn text(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn builtin_columns(kind: &Kind) -> &'static [(&'static str, Cell)] {
    match &*kind.resource {
        "pods" => &[("Ready", pod_ready), ("Status", pod_status), ("Restarts", |_| "0".to_owned())],
        "deployments.apps" => &[
            ("Ready", |object| {
                format!("{}/{}", number(object, "/status/readyReplicas"), number(object, "/spec/replicas"))
            }),
            ("Up-to-date", |object| number(object, "/status/updatedReplicas").to_string()),
            ("Available", |object| number(object, "/status/availableReplicas").to_string()),
        ],
        "statefulsets.apps" => &[("Ready", |object| {
            format!("{}/{}", number(object, "/status/readyReplicas"), number(object, "/spec/replicas"))
        })],
        "replicasets.apps" => &[
            ("Desired", |object| number(object, "/spec/replicas").to_string()),
            ("Current", |object| number(object, "/status/replicas").to_string()),
            ("Ready", |object| number(object, "/status/readyReplicas").to_string()),
        ],
        "daemonsets.apps" => &[
            ("Desired", |object| number(object, "/status/desiredNumberScheduled").to_string()),
            ("Current", |object| number(object, "/status/currentNumberScheduled").to_string()),
            ("Ready", |object| number(object, "/status/numberReady").to_string()),
            ("Up-to-date", |object| number(object, "/status/updatedNumberScheduled").to_string()),
            ("Available", |object| number(object, "/status/numberAvailable").to_string()),
        ],
        "jobs.batch" => &[("Completions", |object| {
            format!("{}/{}", number(object, "/status/succeeded"), number(object, "/spec/completions"))
        })],
        "services" => &[
            ("Type", |object| text(object, "/spec/type")),
            ("Cluster-IP", |object| text(object, "/spec/clusterIP")),
            ("External-IP", |_| "<none>".to_owned()),
            ("Port(s)", service_ports),
        ],
        "configmaps" => &[("Data", |object| count(&object["data"]))],
        "secrets" => &[("Type", |object| text(object, "/type")), ("Data", |object| count(&object["data"]))],
        "namespaces" => &[("Status", |object| text(object, "/status/phase"))],
        "events" => &[
            ("Type", |object| text(object, "/type")),
            ("Reason", |object| text(object, "/reason")),
            ("Object", |object| {
                format!(
                    "{}/{}",
                    text(object, "/involvedObject/kind").to_lowercase(),
                    text(object, "/involvedObject/name")
                )
            }),
            ("Message", |object| text(object, "/message")),
        ],
        _ => &[],
    }
}

fn count(value: &Value) -> String {
    value.as_object().map_or(0, serde_json::Map::len).to_string()
}

fn service_ports(object: &Value) -> String {
    let ports = object.pointer("/spec/ports").and_then(Value::as_array);
    let ports: Vec<String> = ports
        .into_iter()
        .flatten()
        .map(|port| format!("{}/{}", port["port"], port["protocol"].as_str().unwrap_or("TCP")))
        .collect();
    ports.join(",")
}

fn pod_ready(object: &Value) -> String {
    let statuses = object.pointer("/status/containerStatuses").and_then(Value::as_array);
    let ready = statuses.into_iter().flatten().filter(|status| status["ready"] == true).count();
    let all = object.pointer("/spec/containers").and_then(Value::as_array).map_or(0, Vec::len);
    format!("{ready}/{all}")
}

fn pod_status(object: &Value) -> String {
    let waiting = object.pointer("/status/containerStatuses/0/state/waiting/reason").and_then(Value::as_str);
    let finished =
        object.pointer("/status/containerStatuses/0/state/terminated/reason").and_then(Value::as_str);
    waiting.or(finished).map_or_else(|| text(object, "/status/phase"), str::to_owned)
}

/// A value by a JSON path of the kind that printer columns use.
fn lookup(object: &Value, path: &str) -> Option<Value> {
    let mut value = object;
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(inner) = rest.strip_prefix('[') {
            let (inside, after) = inner.split_once(']')?;
            rest = after;
            if let Some(condition) = inside.strip_prefix("?(@.").and_then(|text| text.strip_suffix(')')) {
                let (field, wanted) = condition.split_once("==")?;
                let wanted = wanted.trim().trim_matches(['"', '\'']);
                value = value.as_array()?.iter().find(|item| item[field.trim()] == wanted)?;
            } else {
                let inside = inside.trim_matches(['"', '\'']);
                value = match inside.parse::<usize>() {
                    Ok(index) => value.get(index)?,
                    Err(_) => value.get(inside)?,
                };
            }
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        value = value.get(name)?;
        rest = after;
    }
    Some(value.clone())
}

/// How long ago, in one or two units.
fn since(time: &str, now: Timestamp) -> String {
    let Ok(time) = time.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = now.as_second().saturating_sub(time.as_second()).max(0);
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 if seconds % 60 == 0 => format!("{}m", seconds / 60),
        120..600 => format!("{}m{}s", seconds / 60, seconds % 60),
        600..10_800 => format!("{}m", seconds / 60),
        10_800..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Only an object's metadata.
pub(crate) fn metadata_of(value: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"]})
}
