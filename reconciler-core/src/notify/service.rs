//! Services with a form and a login of their own.

use serde_json::{Value, json};

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
