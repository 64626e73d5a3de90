//! Sentry: errors are events, everything else is a transaction, which raises no alarm there.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::{Event, Method, NotifyError, Request, Severity, Target};

/// How this client names itself.
const CLIENT: &str = concat!("reconciler/", env!("CARGO_PKG_VERSION"));

/// The request with the event as an envelope.
pub(super) fn request(target: &Target, event: &Event) -> Result<Request, NotifyError> {
    let wrong = || NotifyError::Address { provider: target.provider.clone() };
    let dsn = Url::parse(&target.address).map_err(|_| wrong())?;
    let (prefix, project) = dsn.path().rsplit_once('/').ok_or_else(wrong)?;
    if dsn.username().is_empty() || project.is_empty() || !dsn.has_host() {
        return Err(wrong());
    }
    let mut url = dsn.clone();
    url.set_path(&format!("{prefix}/api/{project}/envelope/"));
    // A URL with a host may be without login.
    let _ = (url.set_username(""), url.set_password(None));
    let body = payload(target, event);
    let kind = if event.severity == Severity::Error { "event" } else { "transaction" };
    let text = body.to_string();
    let head = json!({
        "event_id": body["event_id"], "sent_at": event.timestamp, "dsn": target.address,
        "sdk": {"name": "reconciler", "version": env!("CARGO_PKG_VERSION")},
    });
    let item = json!({"type": kind, "length": text.len()});
    let login = format!("Sentry sentry_version=7, sentry_client={CLIENT}, sentry_key={}", dsn.username());
    Ok(Request {
        method: Method::Post,
        url: url.to_string(),
        headers: vec![
            ("content-type".to_owned(), "application/x-sentry-envelope".to_owned()),
            ("x-sentry-auth".to_owned(), login),
        ],
        body: format!("{head}\n{item}\n{text}\n").into_bytes(),
    })
}

/// The event in Sentry's form. Its ids follow from the event, so that a second delivery is no second event.
fn payload(target: &Target, event: &Event) -> Value {
    let digest = Sha256::digest(json!(event).to_string());
    let id = digest.iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
    let (event_id, trace_id, span_id) = (&id[..32], &id[16..48], &id[48..]);
    let object = &event.involved_object;
    let environment = if target.channel.is_empty() { "production" } else { &target.channel };
    let mut payload = json!({
        "event_id": event_id, "environment": environment, "level": event.severity,
        "message": event.message, "platform": "other", "timestamp": event.timestamp,
        "transaction": format!("{}: {}/{}", object.kind, object.namespace, object.name),
    });
    if event.severity == Severity::Error {
        payload["server_name"] = json!(event.reporting_controller);
        payload["contexts"] = json!({"metadata": event.metadata});
        return payload;
    }
    let mut tags = json!({
        "flux_involved_object_kind": object.kind,
        "flux_involved_object_name": object.name,
        "flux_involved_object_namespace": object.namespace,
        "flux_reason": event.reason,
        "flux_reporting_controller": event.reporting_controller,
        "flux_reporting_instance": event.reporting_instance,
    });
    for (key, value) in &event.metadata {
        tags[key] = json!(value);
    }
    payload["type"] = json!("transaction");
    payload["start_timestamp"] = json!(event.timestamp);
    payload["spans"] = json!([{
        "trace_id": trace_id, "span_id": span_id, "op": "event", "tags": tags,
        "start_timestamp": event.timestamp, "timestamp": event.timestamp,
    }]);
    payload["contexts"] = json!({"trace": {"op": "event", "span_id": span_id, "trace_id": trace_id}});
    payload["tags"] = tags;
    payload
}
