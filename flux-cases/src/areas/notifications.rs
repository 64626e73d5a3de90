//! The area notifications.

use std::collections::BTreeMap;
use std::path::Path;

use hmac::{Hmac, Mac};
use reconciler_core::notify::{
    Dropped, Event, Exchange, Notification, Reply, Request, Rules, Target, clean, combine, commit_status_by,
    commit_status_name, dispatch, matches, matches_source, merge, notify, rate_limit_key,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Sha256;

use super::receivers;
use crate::case::{Report, equal};

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
    report.table(folder, "commit_status", commit_status)?;
    report.table(folder, "commit_status_expr", commit_status_expr)?;
    report.table(folder, "dispatch", dispatched)?;
    receivers::run(folder, report)?;
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

/// The provider with its secret, as a dispatcher reads them.
fn target(case: &Value) -> Target {
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
    Target {
        provider: text(&case["provider"]["type"]),
        address: setting("address"),
        channel: text(&case["provider"]["channel"]),
        username: setting("username"),
        token: text(&secret["token"]),
        password: text(&secret["password"]),
        headers: headers.into_iter().collect(),
        commit_status: String::new(),
        provider_uid: text(&case["provider_uid"]),
        ..Target::default()
    }
}

fn provider(case: &Value) -> Result<(), String> {
    // The name of the recording server, which is no host.
    let case = &read::<Value>(
        &serde_json::from_str(&case.to_string().replace("$SERVER", "server.test:80"))
            .map_err(|failure| failure.to_string())?,
    )?;
    let event = event(case)?;
    let alert = alert_spec(&case["alert"])?;
    let mut target = target(case);
    let mut object = case["provider"].clone();
    object.as_object_mut().map(|fields| fields.remove("secretRef"));
    let object = json!({
        "metadata": {"name": "provider", "namespace": "flux-system", "uid": case["provider_uid"]},
        "spec": object,
    });
    let names = json!({"metadata": {"name": "alert", "namespace": "flux-system"}, "spec": case["alert"]});
    let spec = read(&object["spec"])?;
    target.commit_status =
        commit_status_name(&spec, &target.provider_uid, &combine(&event, &alert), &names, &object)
            .map_err(|failure| failure.to_string())?;
    let expected = |key: &str| case[key].as_str();
    let exchange = match notify(&target, &alert, &event) {
        Ok(Notification::Send(exchange)) => exchange,
        Ok(Notification::Dropped(reason)) => {
            let wanted = match reason {
                Dropped::CommitStatusUpdate => "silently",
                Dropped::NoCommit => "no commit metadata",
                Dropped::NoChangeRequest => "no change request metadata",
            };
            let recorded = expected("dropped").or_else(|| case["requests"].as_array().map(|_| "silently"));
            return equal("dropped", &Some(wanted), &recorded);
        }
        Ok(Notification::Publish(_)) => {
            return Err("it is published to NATS, which was not recorded".to_owned());
        }
        Err(failure) => return refused(case, &failure.to_string()),
    };
    if expected("dropped").is_some() || expected("error").is_some() {
        return Err("it is sent, but should not be".to_owned());
    }
    converse(case, exchange)
}

/// A failure passes if Flux failed too; where users see the text, it is the same.
fn refused(case: &Value, failure: &str) -> Result<(), String> {
    if let Some(wanted) = case["post_error"].as_str() {
        return equal("error", &failure, &wanted);
    }
    match case["error"].as_str() {
        Some(wanted) if failure.contains("not supported") && !wanted.ends_with(failure) => {
            Err(format!("{failure}\n  wanted {wanted}"))
        }
        Some(_) => Ok(()),
        None => Err(failure.to_owned()),
    }
}

/// Plays the recorded server.
fn converse(case: &Value, mut exchange: Exchange) -> Result<(), String> {
    let wanted = case["requests"].as_array().cloned().unwrap_or_default();
    let mut sent = 0;
    loop {
        let request = match exchange.next_request() {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(failure) => {
                equal("number of requests", &sent, &wanted.len())?;
                return refused(case, &failure.to_string());
            }
        };
        let Some(recorded) = wanted.get(sent) else {
            return Err(format!("one request too many: {} {}", request.method.as_str(), request.url));
        };
        same_request(case, &request, recorded)?;
        sent += 1;
        let status = recorded["reply_status"].as_u64().and_then(|status| u16::try_from(status).ok());
        let body = recorded["reply"].as_str().unwrap_or_default().to_owned();
        if let Err(failure) = exchange.answer(Reply { status: status.unwrap_or(200), body }) {
            return refused(case, &failure.to_string());
        }
    }
    equal("number of requests", &sent, &wanted.len())?;
    match case["post_error"].as_str() {
        Some(failure) => Err(format!("it is sent, but should fail: {failure}")),
        None => Ok(()),
    }
}

fn same_request(case: &Value, got: &Request, wanted: &Value) -> Result<(), String> {
    let kind = case["provider"]["type"].as_str().unwrap_or_default();
    equal("method", &Some(got.method.as_str()), &wanted["method"].as_str())?;
    let url = wanted["url"].as_str().unwrap_or_default();
    if kind == "matrix" {
        // The last part is the digest of Flux's own bytes.
        let split = |url: &str| url.rsplit_once('/').map(|(url, id)| (url.to_owned(), id.len()));
        equal("url", &split(&got.url), &split(url))?;
    } else {
        equal("url", &&*got.url.replace(":80/", "/"), &&*url.replace(":80/", "/"))?;
    }
    let text = std::str::from_utf8(&got.body).map_err(|failure| failure.to_string())?;
    match (kind, wanted["body_text"].as_str()) {
        ("sentry", Some(wanted)) => equal("envelope", &envelope(text)?, &envelope(wanted)?)?,
        (_, Some(wanted)) => equal("form", &form(text), &form(wanted))?,
        _ if wanted["body"].is_null() => equal("body", &text, &"")?,
        _ => {
            let body: Value = serde_json::from_str(text).map_err(|failure| failure.to_string())?;
            equal("body", &body, &wanted["body"])?;
        }
    }
    // The agent is whoever sends, and the signature is that of Flux's own bytes.
    let header = |name: &str| {
        let found = got.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| &**value).unwrap_or_default()
    };
    if kind == "generic-hmac" {
        let token = case["secret"]["token"].as_str().unwrap_or_default().trim();
        let mut mac =
            Hmac::<Sha256>::new_from_slice(token.as_bytes()).map_err(|failure| failure.to_string())?;
        mac.update(&got.body);
        let hex =
            mac.finalize().into_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        equal("signature", &header("x-signature"), &&*format!("sha256={hex}"))?;
    }
    if kind == "sentry" {
        equal("key", &header("x-sentry-auth").ends_with(", sentry_key=key"), &true)?;
    }
    let compared = |name: &str| !matches!(name, "user-agent" | "x-signature" | "x-sentry-auth");
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
    equal("headers", &got, &wanted)
}

/// The parts of a form.
fn form(text: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// What an envelope says of the event, and not of the machine and the client that sent it.
fn envelope(text: &str) -> Result<Vec<Value>, String> {
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    let lines = lines.map_err(|failure| failure.to_string())?;
    let [head, item, event] = &lines[..] else { return Err("an envelope of three lines".to_owned()) };
    let length = text.lines().nth(2).map(str::len);
    equal("length", &item["length"].as_u64(), &length.map(|length| length as u64))?;
    let keys =
        ["transaction", "message", "level", "tags", "environment", "type", "timestamp", "start_timestamp"];
    let mut seen = vec![head["dsn"].clone(), item["type"].clone()];
    seen.extend(keys.iter().map(|key| event[*key].clone()));
    seen.push(event["contexts"]["metadata"].clone());
    seen.push(event["contexts"]["trace"]["op"].clone());
    seen.extend(event["spans"].as_array().into_iter().flatten().map(|span| span["tags"].clone()));
    Ok(seen)
}

/// An object as it is in the cluster, with what the record leaves out.
fn object<T: DeserializeOwned>(recorded: &Value, kind: &str) -> Result<T, String> {
    let mut spec = recorded["spec"].clone();
    if kind == "Alert" {
        spec = json!(alert_spec(&spec)?);
    }
    let metadata = match &recorded["metadata"] {
        Value::Null => json!({
            "name": recorded["name"], "namespace": recorded["namespace"], "uid": recorded["uid"],
        }),
        metadata => metadata.clone(),
    };
    let version = "notification.toolkit.fluxcd.io/v1beta3";
    read(&json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}))
}

fn dispatched(case: &Value) -> Result<(), String> {
    let mut secret = BTreeMap::new();
    for (key, value) in case["secret"]["data_base64"].as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        let value = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, value);
        secret.insert(key.clone(), value.map_err(|failure| failure.to_string())?);
    }
    let rules = Rules {
        no_cross_namespace: case["no_cross_namespace_refs"] == true,
        workload_identity: case["object_level_workload_identity"] == true,
    };
    let (alert, provider) = (object(&case["alert"], "Alert")?, object(&case["provider"], "Provider")?);
    let event = event(case)?;
    let found = case["secret"]["namespace"] == case["provider"]["namespace"]
        && case["secret"]["name"] == case["provider"]["spec"]["secretRef"]["name"];
    let (mut sent, mut commit, mut change) = (false, false, false);
    match dispatch(rules, &alert, &provider, found.then_some(&secret), &event) {
        Err(failure) => equal("error", &Some(&*failure.to_string()), &case["error"].as_str())?,
        Ok(None) => equal("error", &None, &case["error"].as_str())?,
        Ok(Some(Notification::Dropped(reason))) => {
            equal("error", &None, &case["error"].as_str())?;
            commit = reason == Dropped::NoCommit;
            change = reason == Dropped::NoChangeRequest;
        }
        Ok(Some(Notification::Send(_))) => {
            equal("error", &None, &case["error"].as_str())?;
            sent = true;
            let metadata = combine(&event, &alert.spec).metadata;
            let wanted: Option<BTreeMap<String, String>> = read(&case["event_metadata_sent"])?;
            equal("metadata", &metadata, &wanted.unwrap_or_default())?;
        }
        Ok(Some(Notification::Publish(_))) => {
            return Err("it is published to NATS, which was not recorded".to_owned());
        }
    }
    equal("dispatched", &sent, &(case["dispatched"] == true))?;
    equal("dropped for its commit", &commit, &(case["dropped_commit_status"] == true))?;
    equal("dropped for its request", &change, &(case["dropped_change_request"] == true))
}

/// What an expression sees of an object.
fn seen(recorded: &Value) -> Value {
    let mut seen = recorded.clone();
    if seen["metadata"].is_null() && seen.is_object() {
        seen["metadata"] = json!({"name": recorded["name"], "uid": recorded["uid"]});
    }
    seen
}

fn commit_status(case: &Value) -> Result<(), String> {
    let provider = &case["provider"];
    let uid = provider["uid"].as_str().unwrap_or_default();
    let spec = read(&provider["spec"])?;
    let got = commit_status_name(&spec, uid, &event(case)?, &seen(&case["alert"]), &seen(provider));
    match got {
        Ok(got) => {
            equal("error", &None, &case["error"].as_str())?;
            equal("commit status", &Some(&*got), &case["commit_status"].as_str())
        }
        // Flux cannot do without an alert, which the cases for it lack.
        Err(_) if case["error"].as_str().is_some_and(|wanted| wanted.contains("got *v1beta3.Alert")) => {
            Ok(())
        }
        Err(failure) => {
            let wanted = case["error"].as_str().and_then(|wanted| wanted.split_once("for the event: "));
            equal("error", &Some(&*failure.to_string()), &wanted.map(|(_, reason)| reason))
        }
    }
}

fn commit_status_expr(case: &Value) -> Result<(), String> {
    let text = case["expression"].as_str().unwrap_or_default();
    match commit_status_by(text, &event(case)?, &case["alert"], &case["provider"]) {
        Ok(got) => equal("result", &Some(&*got), &case["result"].as_str()),
        Err(failure) if case["error"] == false => Err(failure.to_string()),
        Err(_) => Ok(()),
    }
}
