//! OpenTelemetry: an event as a span, in the binary form of its protocol, which every receiver takes.
//!
//! All spans of one alert and one revision belong to one trace, so a trace shows a change on its way through the
//! cluster.

use base64::Engine;
use jiff::Timestamp;
use prost::Message;
use sha2::{Digest, Sha256};
use url::Url;

use super::{Event, Method, NotifyError, Request, Severity, Target};

/// The version of the conventions that the attributes of the resource follow.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.34.0";
/// Who makes the spans.
const SCOPE: &str = "flux:notification-controller";
/// Where spans go if the address has no path.
const PATH: &str = "/v1/traces";
/// The span is sampled; its parent is known to be remote.
const FLAGS: u32 = 0x301;
/// A span of work within a process.
const INTERNAL: i32 = 1;

/// The request with the event, if its object is of a kind that traces show.
pub(super) fn request(target: &Target, event: &Event) -> Result<Option<Request>, NotifyError> {
    // A Helm repository has no revision that is deployed.
    if event.involved_object.kind == "HelmRepository" {
        return Ok(None);
    }
    let wrong = || NotifyError::Address { provider: target.provider.clone() };
    let mut url = Url::parse(&target.address).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    if url.path() == "/" && !target.address.trim_end().ends_with('/') {
        url.set_path(PATH);
    }
    let mut headers = vec![("content-type".to_owned(), "application/x-protobuf".to_owned())];
    headers.extend(target.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())));
    if let Some(login) = authorization(target)
        && !headers.iter().any(|(name, _)| name == "authorization")
    {
        headers.push(("authorization".to_owned(), login));
    }
    let body = export(target, event).encode_to_vec();
    Ok(Some(Request { method: Method::Post, url: url.to_string(), headers, body }))
}

/// The value of the header that logs in.
fn authorization(target: &Target) -> Option<String> {
    let password = if target.token.is_empty() { &target.password } else { &target.token };
    if password.is_empty() {
        return None;
    }
    if target.username.is_empty() {
        return Some(format!("Bearer {password}"));
    }
    let pair = format!("{}:{password}", target.username);
    Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

fn export(target: &Target, event: &Event) -> Export {
    let (alert, object) = (&target.alert, &event.involved_object);
    let trace = Sha256::digest(format!("{}:{}", alert.uid, revision(event)));
    // The same for a second delivery of the event, so that it is no second span.
    let mut span = Sha256::new_with_prefix(trace);
    span.update(serde_json::json!(event).to_string());
    let time = event.timestamp.parse::<Timestamp>().unwrap_or(Timestamp::UNIX_EPOCH);
    let time = u64::try_from(time.as_nanosecond()).unwrap_or(0);
    let mut attributes = vec![
        attribute("object.uid", &object.uid),
        attribute("object.kind", &object.kind),
        attribute("object.name", &object.name),
        attribute("object.namespace", &object.namespace),
    ];
    attributes.extend(event.metadata.iter().map(|(key, value)| attribute(key, value)));
    let status = match event.severity {
        Severity::Error => Status { message: event.message.clone(), code: 2 },
        Severity::Info => Status { message: String::new(), code: 1 },
    };
    let span = Span {
        trace_id: trace[..16].to_vec(),
        span_id: span.finalize()[..8].to_vec(),
        name: format!("{}: {}/{}", object.kind, object.namespace, object.name),
        kind: INTERNAL,
        start_time_unix_nano: time,
        // An event has no duration.
        end_time_unix_nano: time,
        attributes,
        status: Some(status),
        flags: FLAGS,
    };
    let resource = Resource {
        attributes: vec![
            attribute("service.instance.id", &alert.uid),
            attribute("service.name", &format!("{}/{}", alert.namespace, alert.name)),
            attribute("service.namespace", &alert.namespace),
        ],
    };
    Export {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(Scope { name: SCOPE.to_owned() }),
                spans: vec![span],
            }],
            schema_url: CONVENTIONS.to_owned(),
        }],
    }
}

/// What all events of one change have in common. For artifacts of registries, tags say it better.
fn revision(event: &Event) -> String {
    let metadata = &event.metadata;
    match (metadata.get("oci-digest"), metadata.get("app-version"), metadata.get("revision")) {
        (Some(digest), Some(version), _) => format!("{version}@{digest}"),
        (_, _, Some(revision)) => revision.clone(),
        _ => "unknown".to_owned(),
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { string_value: Some(value.to_owned()) }) }
}

// The parts of `opentelemetry/proto/collector/trace/v1/trace_service.proto` that are used.

#[derive(Clone, PartialEq, Message)]
struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
    #[prost(string, tag = "3")]
    schema_url: String,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    flags: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    string_value: Option<String>,
}
