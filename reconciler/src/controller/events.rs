//! Events: what happened to an object, for people and for alerts.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, PostParams};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::Context;

/// The longest message that the API takes, in bytes.
const LONGEST: usize = 1024;

/// Sends an event. That it cannot be sent is logged and nothing else.
pub(super) async fn send<K: Resource<DynamicType = ()>>(
    context: &Context,
    object: &K,
    controller: &str,
    is_error: bool,
    reason: &str,
    message: &str,
) {
    let namespace = object.namespace().unwrap_or_default();
    let event = event(object, &namespace, controller, is_error, reason, message);
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

fn event<K: Resource<DynamicType = ()>>(
    object: &K,
    namespace: &str,
    controller: &str,
    is_error: bool,
    reason: &str,
    message: &str,
) -> Value {
    let now = Timestamp::now();
    let seconds = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut message = message.trim_end().to_owned();
    if message.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
        message.truncate(end);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": format!("{}.{:x}", object.name_any(), now.as_nanosecond()),
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
        "reason": reason,
        "message": message,
        "type": if is_error { "Warning" } else { "Normal" },
        "source": {"component": controller},
        "reportingComponent": controller,
        "reportingInstance": "",
        "firstTimestamp": seconds,
        "lastTimestamp": seconds,
        "count": 1,
    })
}
