//! Messages for people.

use serde_json::{Value, json};

use super::exchange::{json as reply, said};
use super::{Event, NotifyError, Reply, Request, Severity, Target};

fn user<'a>(target: &'a Target, event: &'a Event) -> &'a str {
    if target.username.is_empty() { &event.reporting_controller } else { &target.username }
}

/// The form that Slack introduced and others took over.
fn attachment(target: &Target, event: &Event, color: &str, fallback: &str) -> Value {
    let fields: Vec<Value> = event
        .metadata
        .iter()
        .map(|(key, value)| json!({"title": key, "value": value, "short": false}))
        .collect();
    json!({
        "channel": target.channel,
        "username": user(target, event),
        "icon_url": "",
        "icon_emoji": "",
        "attachments": [{
            "fallback": fallback,
            "color": color,
            "author_name": event.subject(),
            "text": event.message,
            "mrkdwn_in": ["text"],
            "fields": fields,
        }],
    })
}

fn traffic_light(event: &Event) -> &'static str {
    if event.severity == Severity::Error { "danger" } else { "good" }
}

/// Slack, by webhook or by `chat.postMessage`.
pub(super) fn slack(target: &Target, event: &Event) -> Value {
    let first_line = event.message.split('\n').next().unwrap_or_default();
    let fallback = format!("{}: {first_line}", event.subject());
    attachment(target, event, traffic_light(event), &fallback)
}

/// Discord takes Slack's form at an address of its own.
pub(super) fn discord(target: &Target, event: &Event) -> Value {
    attachment(target, event, traffic_light(event), "")
}

/// The address at which Discord takes Slack's form.
pub(super) fn discord_address(address: &str) -> String {
    if address.ends_with("/slack") {
        address.to_owned()
    } else {
        format!("{}/slack", address.trim_end_matches('/'))
    }
}

/// Rocket.Chat.
pub(super) fn rocket(target: &Target, event: &Event) -> Value {
    let color = if event.severity == Severity::Error { "#FF0000" } else { "#0076D7" };
    attachment(target, event, color, "")
}

/// Microsoft Teams, by an incoming webhook.
pub(super) fn teams(event: &Event) -> Value {
    let facts: Vec<Value> =
        event.metadata.iter().map(|(key, value)| json!({"name": key, "value": value})).collect();
    let subject = event.subject();
    json!({
        "@type": "MessageCard",
        "@context": "http://schema.org/extensions",
        "themeColor": if event.severity == Severity::Error { "FF0000" } else { "0076D7" },
        "summary": subject,
        "sections": [{"activityTitle": event.message, "activitySubtitle": subject, "facts": facts}],
    })
}

/// Google Chat.
pub(super) fn google(event: &Event) -> Value {
    let text = match event.severity {
        Severity::Error => format!("<font color=\"#ff0000\">{}</font>", event.message),
        Severity::Info => event.message.clone(),
    };
    let mut sections = vec![json!({
        "header": "",
        "widgets": [{"textParagraph": {"text": text}, "keyValue": null}],
    })];
    let values: Vec<Value> = event
        .metadata
        .iter()
        .map(|(key, value)| {
            json!({"textParagraph": null, "keyValue": {
                "topLabel": key, "content": value, "contentMultiline": false, "bottomLabel": null, "icon": null,
            }})
        })
        .collect();
    if !values.is_empty() {
        sections.push(json!({"header": "", "widgets": values}));
    }
    let header = json!({
        "title": event.subject(), "subtitle": event.reporting_controller, "imageUrl": null, "imageStyle": null,
    });
    json!({"cards": [{"header": header, "sections": sections}]})
}

/// Slack's API answers `200` to what it refuses, and says so in the body.
pub(super) fn check_slack(replies: &[Reply]) -> Result<Vec<Request>, NotifyError> {
    let reply = reply(replies, 0);
    if reply["ok"] == false {
        return Err(NotifyError::Refused(said(reply["error"].as_str().unwrap_or("no reason given"))));
    }
    Ok(Vec::new())
}
