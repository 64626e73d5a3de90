//! The receivers of the area notifications.

use std::collections::BTreeMap;
use std::path::Path;

use reconciler_api::ReceiverSpec;
use reconciler_core::expression::Expression;
use reconciler_core::receiver::{Accepted, Call, receive, select};
use serde_json::{Value, json};

use crate::case::{Report, equal};

/// Runs the tables.
pub(super) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "receiver_filter", filter)?;
    report.table(folder, "receiver_filter_stack", stack)?;
    report.table(folder, "receivers", receiver)
}

fn filter(case: &Value) -> Result<(), String> {
    let text = case["expression"].as_str().unwrap_or_default();
    let mut variables = vec![("res", &case["res"]), ("req", &case["req"])];
    if !case["claims"].is_null() {
        variables.push(("claims", &case["claims"]));
    }
    match Expression::compile(text).and_then(|expression| expression.truth(&variables)) {
        Ok(got) => equal("result", &Some(got), &case["result"].as_bool()),
        Err(_) if case.get("error").is_some() => Ok(()),
        Err(failure) => Err(failure.to_string()),
    }
}

/// The receiver, with what the record leaves out.
fn spec(recorded: &Value) -> Result<ReceiverSpec, String> {
    let mut spec = recorded.clone();
    if spec["resources"].is_null() {
        spec["resources"] = json!([]);
    }
    serde_json::from_value(spec).map_err(|failure| failure.to_string())
}

fn stack(case: &Value) -> Result<(), String> {
    let resource = json!({"kind": "Receiver", "name": "podinfo", "filter": case["filter"]});
    let spec =
        spec(&json!({"type": "generic", "resources": [resource], "resourceFilter": case["resourceFilter"]}))?;
    let call = Call { headers: &[], body: b"", claims: None };
    let accepted = receive(&spec, true, None, &call).map_err(|refusal| refusal.to_string())?;
    let got = accepted.takes(0, &case["res"]).map_err(|failure| failure.to_string())?;
    equal("accept", &Some(got), &case["accept"].as_bool())
}

fn receiver(case: &Value) -> Result<(), String> {
    let recorded = &case["receiver"];
    let spec = spec(&recorded["spec"])?;
    let conditions = recorded["status"]["conditions"].as_array();
    let is_ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let request = &case["request"];
    let headers: Vec<(String, String)> = request["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let length = request["body_bytes"].as_u64().and_then(|length| usize::try_from(length).ok());
    let body = match request["body"].as_str() {
        Some(body) => body.to_owned(),
        None => "a".repeat(length.unwrap_or_default()),
    };
    let named = spec.secret_ref.as_ref().map(|reference| &*reference.name);
    let secret: Option<BTreeMap<String, Vec<u8>>> =
        case["secret"]["data"].as_object().filter(|_| case["secret"]["name"].as_str() == named).map(|data| {
            let bytes = |value: &Value| value.as_str().unwrap_or_default().as_bytes().to_vec();
            data.iter().map(|(key, value)| (key.clone(), bytes(value))).collect()
        });
    let call = Call { headers: &headers, body: body.as_bytes(), claims: None };
    let mut annotated = Vec::new();
    let status = if recorded["status"]["webhookPath"] != request["path"] {
        404
    } else {
        match receive(&spec, is_ready, secret.as_ref(), &call) {
            Err(refusal) => refusal.status(),
            Ok(accepted) => reconcile(case, &spec, &accepted, &mut annotated),
        }
    };
    equal("status", &u64::from(status), &case["status"].as_u64().unwrap_or_default())?;
    let wanted: Vec<String> = serde_json::from_value(case["annotated"].clone()).unwrap_or_default();
    annotated.sort();
    equal("annotated", &annotated, &wanted)
}

/// Finds the objects that a call reconciles among those of the case.
fn reconcile(case: &Value, spec: &ReceiverSpec, accepted: &Accepted, annotated: &mut Vec<String>) -> u16 {
    let namespace = case["receiver"]["metadata"]["namespace"].as_str().unwrap_or_default();
    let no_cross_namespace = case["no_cross_namespace_refs"] == true;
    let mut status = 200;
    for (index, resource) in spec.resources.iter().enumerate() {
        let Ok(selection) = select(resource, namespace, no_cross_namespace) else {
            status = 500;
            continue;
        };
        let objects = case["objects"].as_array().into_iter().flatten().filter(|object| {
            let metadata = &object["metadata"];
            let labels = || selection.labels.iter().all(|(key, value)| metadata["labels"][key] == **value);
            object["kind"] == *selection.kind
                && object["apiVersion"] == *selection.api_version
                && metadata["namespace"].as_str().unwrap_or_default() == selection.namespace
                && selection.name.map_or_else(labels, |name| metadata["name"] == *name)
        });
        let objects: Vec<&Value> = objects.collect();
        if objects.is_empty() && selection.name.is_some() {
            status = 500;
        }
        for object in objects {
            match accepted.takes(index, object) {
                Ok(true) => {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    annotated.push(format!("{}/{name}", selection.namespace));
                }
                Ok(false) => {}
                Err(_) => {
                    status = 500;
                    break;
                }
            }
        }
    }
    status
}
