//! Services with a form and a login of their own.

use serde_json::{Value, json};

use sha1::{Digest, Sha1};
use url::Url;
use url::form_urlencoded::Serializer;

use super::comment::markdown;
use super::commit_status::{description, object_name};
use super::{Event, NotifyError, Severity, Target};

/// Where Telegram's requests go without an address.
const TELEGRAM: &str = "https://api.telegram.org";

/// The token, which some services cannot do without.
pub(super) fn token(target: &Target) -> Result<&str, NotifyError> {
    if target.token.is_empty() {
        return Err(NotifyError::NoToken(target.provider.clone()));
    }
    Ok(&target.token)
}

/// Webex.
pub(super) fn webex(target: &Target, event: &Event) -> Value {
    let mark = if event.severity == Severity::Error { "\u{1f4a3}" } else { "\u{2705}" };
    let mut markdown = format!("{mark} **{}**\n{}\n", event.subject(), event.message);
    for (key, value) in &event.metadata {
        markdown += &format!(">**{key}**: {value}\n");
    }
    json!({"roomId": target.channel, "markdown": markdown})
}

/// Telegram: the address and the message. A channel may have a thread after a colon.
pub(super) fn telegram(target: &Target, event: &Event) -> Result<(String, Value), NotifyError> {
    let base = if target.address.is_empty() { TELEGRAM } else { target.address.trim_end_matches('/') };
    let address = format!("{base}/bot{}/sendMessage", token(target)?);
    let mark = if event.severity == Severity::Error { "\u{1f6a8}" } else { "\u{1f4ab}" };
    let object = &event.involved_object;
    let heading = format!("{mark} {}/{}/{}", object.kind.to_lowercase(), object.name, object.namespace);
    let mut text = format!("*{}*\n{}\n", escape(&heading), escape(&event.message));
    for (key, value) in &event.metadata {
        text += &format!("\\- *{}*: {}\n", escape(key), escape(value));
    }
    let (chat, thread) = target
        .channel
        .split_once(':')
        .map_or((&*target.channel, None), |(chat, thread)| (chat, Some(thread)));
    let mut body = json!({"chat_id": chat, "text": text, "parse_mode": "MarkdownV2"});
    if let Some(thread) = thread {
        body["message_thread_id"] = json!(thread);
    }
    Ok((address, body))
}

/// Puts a backslash before what Telegram's markup would read as a sign.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if "_*[]()~`>#+-=|{}.!\\".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Opsgenie.
pub(super) fn opsgenie(event: &Event) -> Value {
    let object = &event.involved_object;
    let mut details = json!(event.metadata);
    details["severity"] = json!(event.severity);
    json!({
        "message": format!("{}/{}", object.kind, object.name),
        "description": event.message,
        "details": details,
    })
}

/// Grafana's annotations.
pub(super) fn grafana(event: &Event) -> Value {
    let object = &event.involved_object;
    let mut tags = vec!["flux".to_owned(), event.reporting_controller.clone()];
    for (key, value) in &event.metadata {
        tags.push(format!("{}: {}", key.replace(':', "|"), value.replace(':', "|")));
    }
    tags.push(format!("kind: {}", object.kind));
    tags.push(format!("name: {}", object.name));
    tags.push(format!("namespace: {}", object.namespace));
    let when = event.timestamp.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    json!({"when": when, "text": event.subject(), "tags": tags})
}

/// Microsoft Teams, by a Power Automate workflow.
pub(super) fn teams_workflow(event: &Event) -> Value {
    let facts: Vec<Value> =
        event.metadata.iter().map(|(key, value)| json!({"title": key, "value": value})).collect();
    let mut message = json!({"type": "TextBlock", "text": event.message, "wrap": true});
    if event.severity == Severity::Error {
        message["color"] = json!("attention");
    }
    let title = json!({
        "type": "TextBlock", "text": event.subject(), "size": "large", "weight": "bolder", "wrap": true,
    });
    let items = json!([title, message, {"type": "FactSet", "facts": facts}]);
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [{"type": "Container", "items": items}],
                "msteams": {"width": "Full"},
            },
        }],
    })
}

/// Alertmanager. An alert without an end is resolved after Alertmanager's own time.
pub(super) fn alertmanager(event: &Event) -> Value {
    let object = &event.involved_object;
    let mut labels = event.metadata.clone();
    let mut annotations = json!({"message": event.message});
    if let Some(summary) = labels.remove("summary") {
        annotations["summary"] = json!(summary);
    }
    let mut reason = event.reason.chars();
    let title = reason.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default()
        + &reason.as_str().to_lowercase();
    let mut labels = json!(labels);
    labels["alertname"] = json!(format!("Flux{}{title}", object.kind));
    labels["severity"] = json!(event.severity);
    labels["reason"] = json!(event.reason);
    labels["kind"] = json!(object.kind);
    labels["name"] = json!(object.name);
    labels["namespace"] = json!(object.namespace);
    labels["reportingcontroller"] = json!(event.reporting_controller);
    json!([{
        "labels": labels,
        "annotations": annotations,
        "startsAt": event.timestamp,
        "endsAt": "0001-01-01T00:00:00Z",
        "status": "firing",
    }])
}

/// Lark.
pub(super) fn lark(event: &Event) -> Value {
    let (mark, color) = match event.severity {
        Severity::Error => ("\u{1f6a8}", "red"),
        Severity::Info => ("\u{1f4ab}", "turquoise"),
    };
    let mut content = format!("**{}**\n\n", event.message);
    for (key, value) in &event.metadata {
        content += &format!("{key}: {value}\n");
    }
    json!({
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": true},
            "header": {
                "title": {"tag": "plain_text", "content": format!("{mark} {}", event.subject())},
                "template": color,
            },
            "elements": [{"tag": "div", "text": {"tag": "lark_md", "content": content}}],
        },
    })
}

/// Datadog: the address of its events, and the event. Tags are in lower case there.
pub(super) fn datadog(target: &Target, event: &Event) -> (String, Value) {
    let object = &event.involved_object;
    let mut tags = vec![
        format!("flux_reporting_controller:{}", event.reporting_controller),
        format!("flux_reason:{}", event.reason),
        format!("kube_kind:{}", object.kind),
        format!("kube_name:{}", object.name),
        format!("kube_namespace:{}", object.namespace),
    ];
    tags.extend(event.metadata.iter().map(|(key, value)| format!("{key}:{value}")));
    let tags: Vec<String> = tags.iter().map(|tag| tag.to_lowercase()).collect();
    let when = event.timestamp.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    let body = json!({
        "title": format!("Events from the {} {}/{}", object.kind, object.name, object.namespace),
        "text": event.message,
        "tags": tags,
        "source_type_name": "fluxcd",
        "date_happened": when,
        "alert_type": event.severity,
    });
    (format!("{}/api/v1/events", target.address.trim_end_matches('/')), body)
}

/// PagerDuty: what is sent to which address. Good news resolves the incident and leaves a change behind.
pub(super) fn pagerduty(target: &Target, event: &Event) -> Result<Vec<(String, Value)>, NotifyError> {
    if event.reason == "Progressing" {
        return Ok(Vec::new());
    }
    let object = &event.involved_object;
    let mut base = Url::parse(&target.address)
        .map_err(|_| NotifyError::Address { provider: target.provider.clone() })?;
    base.set_query(None);
    let mut address = |path: &str| {
        base.set_path(path);
        base.to_string()
    };
    let mut payload = json!({
        "custom_details": {"message": event.message, "metadata": event.metadata},
        "source": format!("Flux {}", event.reporting_controller),
        "summary": format!("{}: {}", description(event), object_name(event)),
        "timestamp": event.timestamp,
    });
    let (incidents, changes) = (address("/v2/enqueue"), address("/v2/change/enqueue"));
    let mut incident = json!({"dedup_key": object.uid, "routing_key": target.channel});
    if event.severity == Severity::Error {
        payload["component"] = json!(object.name);
        payload["group"] = json!(object.kind);
        payload["severity"] = json!("error");
        incident["event_action"] = json!("trigger");
        incident["payload"] = payload;
        return Ok(vec![(incidents, incident)]);
    }
    incident["event_action"] = json!("resolve");
    Ok(vec![(incidents, incident), (changes, json!({"payload": payload, "routing_key": target.channel}))])
}

/// Matrix: the address, which has an id of the event, and the message.
pub(super) fn matrix(target: &Target, event: &Event) -> (String, Value) {
    let id = Sha1::digest(json!(event).to_string());
    let id = id.iter().fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
    let base = target.address.trim_end_matches('/');
    let address = format!("{base}/_matrix/client/r0/rooms/{}/send/m.room.message/{id}", target.channel);
    let mark = if event.severity == Severity::Error { "\u{1f6a8}" } else { "\u{1f4ab}" };
    let mut text = format!("{mark} {}\n{}\n", event.subject(), event.message);
    for (key, value) in &event.metadata {
        text += &format!("- {key}: {value}\n");
    }
    (address, json!({"body": text, "msgtype": "m.text"}))
}

/// Zulip: the address, and a form. The channel is a stream and a topic.
pub(super) fn zulip(target: &Target, event: &Event) -> Result<(String, String), NotifyError> {
    let mut address = Url::parse(&target.address)
        .map_err(|_| NotifyError::Address { provider: target.provider.clone() })?;
    address.set_path("/api/v1/messages");
    let channel = target.channel.split_once('/');
    let Some((stream, topic)) = channel.filter(|(stream, topic)| !stream.is_empty() && !topic.is_empty())
    else {
        return Err(NotifyError::Channel(target.channel.clone()));
    };
    let form = Serializer::new(String::new())
        .append_pair("content", &markdown(event))
        .append_pair("to", stream)
        .append_pair("topic", topic)
        .append_pair("type", "stream")
        .finish();
    Ok((address.to_string(), form))
}

/// Zoom's team chat: the address, which asks for the rich form unless it names another, and the message.
pub(super) fn zoom(target: &Target, event: &Event) -> Result<(String, Value), NotifyError> {
    let mut address = Url::parse(&target.address)
        .map_err(|_| NotifyError::Address { provider: target.provider.clone() })?;
    let has_format = address.query_pairs().any(|(key, value)| key == "format" && !value.is_empty());
    if !has_format {
        let mut pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        pairs.retain(|(key, _)| key != "format");
        pairs.push(("format".to_owned(), "full".to_owned()));
        pairs.sort();
        address.query_pairs_mut().clear().extend_pairs(pairs);
    }
    let mut body = vec![json!({"type": "message", "text": event.message})];
    if !event.metadata.is_empty() {
        let items: Vec<Value> =
            event.metadata.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        body.push(json!({"type": "fields", "items": items}));
    }
    let head = json!({"text": event.subject(), "sub_head": {"text": event.severity}});
    Ok((address.to_string(), json!({"content": {"head": head, "body": body}})))
}

/// incident.io. Good news resolves the alert of the same object.
pub(super) fn incident_io(event: &Event) -> Value {
    let mut metadata = json!(event.metadata);
    metadata["severity"] = json!(event.severity);
    metadata["reason"] = json!(event.reason);
    if !event.reporting_controller.is_empty() {
        metadata["reportingController"] = json!(event.reporting_controller);
    }
    json!({
        "title": format!("{}: {}", event.subject(), event.reason),
        "status": if event.severity == Severity::Error { "firing" } else { "resolved" },
        "deduplication_key": event.involved_object.uid,
        "description": event.message,
        "metadata": metadata,
    })
}

/// GitHub's dispatches, which start workflows: the event's name and the event.
pub(super) fn github_dispatch(event: &Event) -> Value {
    let object = &event.involved_object;
    let name = format!("{}/{}.{}", object.kind, object.name, object.namespace);
    json!({"event_type": name, "client_payload": event})
}
