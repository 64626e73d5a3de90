//! The area notifications.

use std::collections::BTreeMap;
use std::path::Path;

use reconciler_core::notify::{
    Event, Target, clean, matches, matches_source, merge, rate_limit_key, requests,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::case::{Report, equal};

/// Tables that nothing answers yet.
const MISSING: &[&str] = &[
    "commit_status",
    "commit_status_expr",
    "dispatch",
    "receiver_filter",
    "receiver_filter_stack",
    "receivers",
];

/// Runs the area.
pub(crate) fn run(folder: &Path, report: &mut Report) -> Result<(), String> {
    report.table(folder, "alert_filter", alert_filter)?;
    report.table(folder, "event_source_match", source)?;
    report.table(folder, "providers", provider)?;
    report.table(folder, "metadata_cleanup", cleanup)?;
    report.table(folder, "metadata_merge", merged)?;
    report.table(folder, "rate_limit", |case| {
        equal("key", &Some(&*rate_limit_key(&event(case)?)), &case["key"].as_str())
    })?;
    for table in MISSING {
        report.table(folder, table, |_| Err("not implemented".to_owned()))?;
    }
    Ok(())
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|failure| failure.to_string())
}

/// The event, with the fields that are recorded as empty left out.
fn event(case: &Value) -> Result<Event, String> {
    let mut event = case["event"].clone();
    if let Some(fields) = event.as_object_mut() {
        fields.retain(|_, value| !value.is_null() && value != "");
    }
    read(&event)
}

fn labels(case: &Value) -> BTreeMap<String, String> {
    read(&case["object"]["metadata"]["labels"]).unwrap_or_default()
}

fn alert_filter(case: &Value) -> Result<(), String> {
    let event = event(case)?;
    let mut found = Vec::new();
    for alert in case["alerts"].as_array().into_iter().flatten() {
        let namespace = alert["namespace"].as_str().unwrap_or_default();
        if matches(&read(&alert["spec"])?, namespace, &event, &labels(case)) {
            found.push(alert["name"].clone());
        }
    }
    equal("alerts", &Value::from(found), &case["matching_alerts"])
}

fn source(case: &Value) -> Result<(), String> {
    let severity = case["severity"].as_str().unwrap_or_default();
    let got = matches_source(&read(&case["event_source"])?, "", severity, &event(case)?, &labels(case));
    equal("matches", &got, &(case["matches"] == true))
}

/// The alert, with what is left out in the record.
fn alert_spec(recorded: &Value) -> Result<reconciler_api::AlertSpec, String> {
    let mut spec = recorded.clone();
    if spec["eventSources"].is_null() {
        spec["eventSources"] = json!([]);
    }
    if spec["providerRef"].is_null() {
        spec["providerRef"] = json!({"name": "provider"});
    }
    read(&spec)
}

fn cleanup(case: &Value) -> Result<(), String> {
    equal("metadata", &json!(clean(&event(case)?).metadata), &case["metadata"])
}

fn merged(case: &Value) -> Result<(), String> {
    let (metadata, conflicts) = merge(&event(case)?, &alert_spec(&case["alert_spec"])?);
    equal("metadata", &json!(metadata), &case["metadata"])?;
    let conflicts: Vec<String> =
        conflicts.iter().map(|(key, sources)| format!("{key}:{}", sources.join(", "))).collect();
    let wanted = case["conflict_event"].as_str().unwrap_or_default();
    let wanted = wanted.split_once("map[").map_or("", |(_, list)| list.trim_end_matches(']'));
    equal("conflicts", &&*conflicts.join(" "), &wanted)
}

fn provider(case: &Value) -> Result<(), String> {
    let event = event(case)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let secret = &case["secret"];
    let setting = |key: &str| match &secret[key] {
        Value::String(value) => value.trim().to_owned(),
        _ => text(&case["provider"][key]),
    };
    let headers: BTreeMap<String, String> = text(&secret["headers"])
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let target = Target {
        provider: text(&case["provider"]["type"]),
        address: setting("address"),
        channel: text(&case["provider"]["channel"]),
        username: setting("username"),
        token: text(&secret["token"]),
        password: text(&secret["password"]),
        headers: headers.into_iter().collect(),
    };
    let wanted = case["requests"].as_array().cloned().unwrap_or_default();
    let got = match requests(&target, &alert_spec(&case["alert"])?, &event) {
        Ok(got) => got,
        Err(failure) if case.get("error").is_some() && !failure.to_string().contains("not supported") => {
            return Ok(());
        }
        Err(failure) => return Err(failure.to_string()),
    };
    equal("number of requests", &got.len(), &wanted.len())?;
    for (got, wanted) in got.iter().zip(&wanted) {
        equal("url", &Some(&*got.url), &wanted["url"].as_str())?;
        let body: Value = serde_json::from_str(&got.body).map_err(|failure| failure.to_string())?;
        equal("body", &body, &wanted["body"])?;
        // The agent is whoever sends, and the signature is that of Flux's own bytes.
        let compared = |name: &str| name != "user-agent" && name != "x-signature";
        let got: BTreeMap<String, Value> = got
            .headers
            .iter()
            .filter(|(name, _)| compared(name))
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let wanted: BTreeMap<String, Value> = wanted["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .filter(|(name, _)| compared(name))
            .collect();
        equal("headers", &got, &wanted)?;
    }
    Ok(())
}
