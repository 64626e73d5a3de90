//! The scenarios of the area ssa: steps of Flux and of others, one after another on a fresh cluster.

use std::collections::BTreeSet;
use std::path::Path;

use embedded_cluster::Cluster;
use kube::Client;
use reconciler::apply::{Apply, Objects, Order};
use reconciler::build::Object;
use reconciler_core::object;
use reconciler_core::ssa::{IgnoredFields, ObjectId, apply_order};
use serde_json::{Value, json};

use crate::case::{Report, equal, equal_text, read};

/// The Kustomization that the table was recorded for.
const OWNER: (&str, &str) = ("app", "flux-system");

/// Runs the table.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    let Some(cases) = read(folder, "scenarios")? else { return Ok(()) };
    let runtime = tokio::runtime::Runtime::new().map_err(|failure| failure.to_string())?;
    for case in &cases {
        let outcome = runtime.block_on(scenario(case));
        report.record("scenarios", text(case, "id"), outcome);
    }
    Ok(())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

async fn scenario(case: &Value) -> Result<(), String> {
    let cluster = Cluster::in_memory_without_controllers();
    let client = Client::new(cluster.service(), "default");
    let mut seen = BTreeSet::new();
    let steps = case["steps"].as_array().into_iter().flatten();
    for (number, step) in steps.enumerate() {
        let placed = |failure: String| format!("step {number}, {}: {failure}", text(step, "do"));
        let objects: Vec<Value> = step["objects"].as_array().cloned().unwrap_or_default();
        seen.extend(
            objects.iter().map(|object| (ObjectId::of(object), object::api_version(object).to_owned())),
        );
        match text(step, "do") {
            "flux_apply" => apply(&client, step, objects).await,
            "flux_delete" => delete(&client, step, objects).await,
            verb => act(&client, verb, text(step, "manager"), objects).await,
        }
        .map_err(placed)?;
        compare(&client, &seen, &step["cluster_after"]).await.map_err(placed)?;
    }
    Ok(())
}

/// Applies objects as Flux would.
async fn apply(client: &Client, step: &Value, objects: Vec<Value>) -> Result<(), String> {
    let cluster = Objects::new(client.clone());
    let rules: Option<Vec<_>> =
        serde_json::from_value(step["ignore"].clone()).map_err(|failure| failure.to_string())?;
    let ignored = IgnoredFields::compile(&rules.unwrap_or_default())?;
    let force = step["force"].as_bool().unwrap_or_default();
    let objects =
        objects.into_iter().map(|value| Object { value, namespace_place: None, place: None }).collect();
    let apply = Apply { objects: &cluster, owner: OWNER, force, ignored: &ignored };
    match apply.all(&Order::new(objects, OWNER, None)).await {
        Ok(changes) => {
            if let Some(error) = step["error"].as_str() {
                return Err(format!("not refused: {error}"));
            }
            let changes = changes.iter().map(|change| {
                json!({"action": change.action.to_string(), "id": change.id.to_string(), "subject": change.id.subject()})
            });
            let wanted = step["changes"].as_array().into_iter().flatten().cloned();
            let wanted = wanted.map(|mut change| {
                if let Some(map) = change.as_object_mut() {
                    map.remove("version");
                }
                change
            });
            equal("changes", &changes.collect::<Vec<_>>(), &wanted.collect())
        }
        Err(failure) => match step["error"].as_str() {
            // What was done before and a hint follow.
            Some(wanted) => {
                equal_text("error", failure.to_string().lines().next().unwrap_or_default(), wanted)
            }
            None => Err(failure.to_string()),
        },
    }
}

/// Deletes objects as Flux would. What is left alone is not listed here.
async fn delete(client: &Client, step: &Value, objects: Vec<Value>) -> Result<(), String> {
    let cluster = Objects::new(client.clone());
    let mut stale: Vec<(ObjectId, String)> = objects
        .iter()
        .map(|object| {
            let version = object::api_version(object);
            (ObjectId::of(object), version.split_once('/').map_or(version, |(_, version)| version).to_owned())
        })
        .collect();
    stale.sort_by(|(one, _), (other, _)| apply_order(other, one));
    let pruned = cluster.prune(stale, OWNER).await;
    if let Some((id, _, failure)) = pruned.failed.first() {
        return Err(format!("{}: {failure}", id.subject()));
    }
    let done: Vec<String> = pruned.done.iter().map(|change| change.id.subject()).collect();
    let wanted = step["changes"].as_array().into_iter().flatten();
    let wanted = wanted.filter(|change| change["action"] == "deleted");
    equal("deleted", &done, &wanted.map(|change| text(change, "subject").to_owned()).collect())
}

/// What another manager does.
async fn act(client: &Client, verb: &str, manager: &str, objects: Vec<Value>) -> Result<(), String> {
    for object in objects {
        let path = path_of(&ObjectId::of(&object), object::api_version(&object));
        let (method, path, kind) = match verb {
            "create" => ("POST", path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned(), "json"),
            "merge_patch" => ("PATCH", path, "merge-patch+json"),
            "ssa" => ("PATCH", path, "apply-patch+yaml"),
            other => return Err(format!("unknown step {other}")),
        };
        let force = if verb == "ssa" { "&force=true" } else { "" };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{path}?fieldManager={manager}{force}"))
            .header("content-type", format!("application/{kind}"))
            .body(object.to_string().into_bytes())
            .map_err(|failure| failure.to_string())?;
        client.request::<Value>(request).await.map_err(|failure| failure.to_string())?;
    }
    Ok(())
}

/// The path of an object of the kinds that the table has.
fn path_of(id: &ObjectId, api_version: &str) -> String {
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let namespace = match &*id.namespace {
        "" => String::new(),
        namespace => format!("namespaces/{namespace}/"),
    };
    let plural = match id.kind.to_lowercase() {
        kind if kind.ends_with("ss") => format!("{kind}es"),
        kind if kind.ends_with('y') => format!("{}ies", kind.trim_end_matches('y')),
        kind => format!("{kind}s"),
    };
    format!("/{root}/{api_version}/{namespace}{plural}/{}", id.name)
}

/// Compares the cluster with what the table has, for all objects that a step was about.
async fn compare(client: &Client, seen: &BTreeSet<(ObjectId, String)>, wanted: &Value) -> Result<(), String> {
    for (id, api_version) in seen {
        let entry =
            wanted.as_array().into_iter().flatten().find(|entry| ObjectId::of(&entry["object"]) == *id);
        let request = http::Request::get(path_of(id, api_version))
            .body(Vec::new())
            .map_err(|failure| failure.to_string())?;
        let got = match (client.request::<Value>(request).await, entry) {
            (Ok(got), Some(_)) => got,
            (Ok(_), None) => return Err(format!("{} is there", id.subject())),
            (Err(failure), Some(_)) => return Err(format!("{} is not there: {failure}", id.subject())),
            (Err(_), None) => continue,
        };
        let Some(entry) = entry else { continue };
        let fields = object::at(&got, &["metadata", "managedFields"]).and_then(Value::as_array);
        let mut fields: Vec<Value> = fields
            .into_iter()
            .flatten()
            .map(|entry| {
                json!({
                    "manager": entry["manager"], "operation": entry["operation"],
                    "subresource": text(entry, "subresource"), "fields": entry["fieldsV1"],
                })
            })
            .collect();
        let key =
            |entry: &Value| format!("{}{}{}", entry["manager"], entry["operation"], entry["subresource"]);
        fields.sort_by_key(key);
        let mut wanted_fields = entry["managed_fields"].as_array().cloned().unwrap_or_default();
        wanted_fields.sort_by_key(key);
        equal_json(&id.subject(), &stripped(got), &stripped(entry["object"].clone()))?;
        equal_json(
            &format!("managed fields of {}", id.subject()),
            &Value::from(fields),
            &Value::from(wanted_fields),
        )?;
    }
    Ok(())
}

/// An object without what differs from server to server.
fn stripped(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            metadata.remove(field);
        }
    }
    if object["kind"] == "Service"
        && let Some(spec) = object["spec"].as_object_mut()
    {
        for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            spec.remove(field);
        }
    }
    // When a definition was accepted.
    if let Some(conditions) = object["status"]["conditions"].as_array_mut() {
        for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
            condition.remove("lastTransitionTime");
        }
    }
    if object["status"].is_null()
        && let Some(map) = object.as_object_mut()
    {
        map.remove("status");
    }
    object
}

fn equal_json(what: &str, got: &Value, wanted: &Value) -> Result<(), String> {
    if got == wanted {
        return Ok(());
    }
    let shown = |value: &Value| {
        let mut value = value.clone();
        value.sort_all_objects();
        value.to_string()
    };
    Err(format!("{what}:\n  got    {}\n  wanted {}", shown(got), shown(wanted)))
}
