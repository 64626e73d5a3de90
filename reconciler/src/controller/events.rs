//! Events: what happened to an object, for people and for alerts.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, PostParams};
use kube::{Resource, ResourceExt};
use reconciler_api::annotation;
use reconciler_core::notify;
use serde_json::{Value, json};

use super::{Context, tenancy};
use crate::notify::Traits;

/// The longest message that the API takes, in bytes.
const LONGEST: usize = 1024;
/// How much of a message alerts keep, in bytes: more than most chat services take in one.
const LONGEST_KEPT: usize = 8 << 10;
/// How much alerts keep of the annotations of an object together, in bytes.
const MOST_METADATA: usize = 8 << 10;
/// The longest revision that alerts keep, in bytes.
const LONGEST_REVISION: usize = 1024;

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report<'a> {
    /// Who says so.
    pub(super) component: &'a str,
    pub(super) is_error: bool,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
    /// What alerts say in addition, after the message.
    pub(super) details: Option<&'a str>,
    /// The revision that it happened at.
    pub(super) revision: Option<&'a str>,
    /// The revision that an artifact of it was made from.
    pub(super) origin: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Something that is as it should be.
    pub(super) fn info(component: &'a str, reason: &'a str, message: &'a str) -> Self {
        Report { component, is_error: false, reason, message, details: None, revision: None, origin: None }
    }

    /// Something that went wrong.
    pub(super) fn error(component: &'a str, reason: &'a str, message: &'a str) -> Self {
        Report { is_error: true, ..Report::info(component, reason, message) }
    }

    /// At this revision.
    pub(super) fn at(self, revision: Option<&'a str>) -> Self {
        Report { revision, ..self }
    }

    /// Of an artifact that was made from this revision.
    pub(super) fn of(self, origin: Option<&'a str>) -> Self {
        Report { origin, ..self }
    }
}

/// Sends an event. That it cannot be sent is logged and nothing else.
pub(super) async fn send<K: Resource<DynamicType = ()>>(context: &Context, object: &K, report: &Report<'_>) {
    let namespace = object.namespace().unwrap_or_default();
    take(context, object, notification(object, report, context.environment.now())).await;
    let event = event(object, &namespace, report, context.environment.now());
    let sent = match serde_json::from_value::<Event>(event) {
        Ok(event) => {
            let api: Api<Event> = Api::namespaced(context.client.clone(), &namespace);
            api.create(&PostParams::default(), &event).await.map(|_| ()).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = sent {
        context.log.error("an event could not be sent", json!({"name": object.name_any(), "error": error}));
    }
}

/// Tells the providers that set the status of commits, and programs, that a reconciliation went well. There is one at
/// every interval, which is nothing that people want to know.
pub(super) async fn finished<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    report: &Report<'_>,
) {
    let mut event = notification(object, report, context.environment.now());
    event.metadata.insert(format!("{}/commit_status", K::group(&())), "update".to_owned());
    take(context, object, event).await;
}

/// Gives an event to the alerts.
async fn take<K: Resource<DynamicType = ()>>(context: &Context, object: &K, event: notify::Event) {
    let kept = context.notifications.take(event, traits(object), &context.tenants).await;
    log_unless_kept(context, object, kept);
}

fn log_unless_kept(context: &Context, object: &impl ResourceExt, kept: io::Result<()>) {
    if let Err(error) = kept {
        let fields = json!({"name": object.name_any(), "error": error.to_string()});
        context.log.error("an event could not be kept for sending", fields);
    }
}

/// Says that an object is as it should be, if it was said to be broken before.
pub(super) async fn mended<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    report: &Report<'_>,
) {
    let event = notification(object, report, context.environment.now());
    let kept = context.notifications.mended(event, traits(object), &context.tenants).await;
    log_unless_kept(context, object, kept);
}

/// Whether an object is known to be broken by what a report says, also by an earlier process.
pub(super) async fn is_said<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    report: &Report<'_>,
) -> bool {
    let event = notification(object, report, context.environment.now());
    context.notifications.is_broken_by(&event).await
}

/// What decides which alerts take the events of an object.
pub(super) fn traits(object: &impl ResourceExt) -> Traits {
    Traits { labels: object.labels().clone(), allowed: tenancy::allowed(object).map(str::to_owned) }
}

/// The start of a text, at most this many bytes.
fn start(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Cuts off the end of a message that is too long, and says how much was cut off. Every alert that takes an event keeps its
/// message until it is sent, and tenants decide how long it is: errors quote their files.
fn shorten(message: &mut String) {
    let kept = start(message, LONGEST_KEPT).len();
    let left_out = message.len() - kept;
    if left_out > 0 {
        message.truncate(kept);
        message.push_str(&format!("…\n\n({left_out} bytes of this message were left out)"));
    }
}

/// The event as alerts and providers see it.
fn notification<K: Resource<DynamicType = ()>>(
    object: &K,
    report: &Report<'_>,
    now: Timestamp,
) -> notify::Event {
    let group = K::group(&());
    let mut metadata: BTreeMap<String, String> = BTreeMap::new();
    let mut left_out = 0;
    let mut room = MOST_METADATA;
    for (name, value) in object.annotations() {
        if name.starts_with(annotation::EVENT_PREFIX) {
            match room.checked_sub(name.len() + value.len()) {
                Some(rest) => {
                    room = rest;
                    metadata.insert(name.clone(), value.clone());
                }
                None => left_out += 1,
            }
        }
    }
    for (name, revision) in [("revision", report.revision), ("originRevision", report.origin)] {
        if let Some(revision) = revision.filter(|revision| !revision.is_empty()) {
            metadata.insert(format!("{group}/{name}"), start(revision, LONGEST_REVISION).to_owned());
        }
    }
    let mut message = report.message.trim_end().to_owned();
    if let Some(details) = report.details.filter(|details| !details.is_empty()) {
        message.push_str("\n\n");
        message.push_str(details);
    }
    shorten(&mut message);
    if left_out > 0 {
        message.push_str(&format!(
            "\n\n({left_out} annotations {}* were left out: they are longer than {MOST_METADATA} bytes together)",
            annotation::EVENT_PREFIX
        ));
    }
    notify::Event {
        involved_object: notify::InvolvedObject {
            api_version: K::api_version(&()).into_owned(),
            kind: K::kind(&()).into_owned(),
            name: object.name_any(),
            namespace: object.namespace().unwrap_or_default(),
            resource_version: object.resource_version().unwrap_or_default(),
            uid: object.uid().unwrap_or_default(),
        },
        severity: if report.is_error { notify::Severity::Error } else { notify::Severity::Info },
        timestamp: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        message,
        reason: report.reason.to_owned(),
        metadata,
        reporting_controller: report.component.to_owned(),
        reporting_instance: String::new(),
    }
}

fn event<K: Resource<DynamicType = ()>>(
    object: &K,
    namespace: &str,
    report: &Report<'_>,
    now: Timestamp,
) -> Value {
    let seconds = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let message = start(report.message.trim_end(), LONGEST);
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            // The server completes the name: objects of two kinds may have the same name, and events
            // at the same time.
            "generateName": format!("{}.", object.name_any()),
            "namespace": namespace,
        },
        "involvedObject": {
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "namespace": namespace,
            "name": object.name_any(),
            "uid": object.uid(),
            "resourceVersion": object.resource_version(),
        },
        "reason": report.reason,
        "message": message,
        "type": if report.is_error { "Warning" } else { "Normal" },
        "source": {"component": report.component},
        "reportingComponent": report.component,
        "reportingInstance": "",
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
    })
}

#[cfg(test)]
mod tests {
    use reconciler_api::Receiver;

    use super::*;

    #[test]
    fn alerts_keep_the_start_of_what_is_too_long() -> Result<(), serde_json::Error> {
        let mut object: Receiver = serde_json::from_value(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver", "metadata": {"name": "x"},
            "spec": {"type": "generic", "resources": [], "secretRef": {"name": "x"}},
        }))?;
        let long = "ä".repeat(500_000);
        object.annotations_mut().extend([
            ("event.toolkit.fluxcd.io/a".to_owned(), "kept".to_owned()),
            ("event.toolkit.fluxcd.io/b".to_owned(), long.clone()),
        ]);
        let report = Report::error("test", "Failed", &long).at(Some(&long));
        let event = notification(&object, &report, Timestamp::UNIX_EPOCH);
        assert!(event.message.starts_with("ää") && event.message.len() < LONGEST_KEPT + 300);
        let left_out = format!("({} bytes of this message were left out)", long.len() - LONGEST_KEPT);
        assert!(event.message.contains(&left_out), "{}", &event.message[LONGEST_KEPT..]);
        assert!(event.message.contains("(1 annotations event.toolkit.fluxcd.io/* were left out"));
        assert_eq!(event.metadata.get("event.toolkit.fluxcd.io/a").map(String::as_str), Some("kept"));
        let revision = event.metadata.get("notification.toolkit.fluxcd.io/revision").map_or(0, String::len);
        assert_eq!((event.metadata.len(), revision), (2, LONGEST_REVISION));
        Ok(())
    }
}
