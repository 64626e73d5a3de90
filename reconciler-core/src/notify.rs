//! Which events an alert sends, and the requests that carry them.
//!
//! Nothing here sends: a request is a value, so that delivery, retries and order are somebody else's.

mod alert;
mod chat;
mod event;
mod metadata;
mod service;
mod webhook;

pub use alert::{matches, matches_source};
pub use event::{Event, InvolvedObject, Severity, rate_limit_key};

use base64::Engine;
pub use metadata::{clean, merge};
use reconciler_api::AlertSpec;
use thiserror::Error;
use url::Url;

/// Why there is no request.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotifyError {
    /// The address is not one.
    #[error("invalid {provider} URL")]
    Address {
        /// The type of the provider.
        provider: String,
    },
    /// The service needs a token, and there is none.
    #[error("provider type '{0}' needs a token")]
    NoToken(String),
    /// There are no requests for this type of provider.
    #[error("provider type '{0}' is not supported")]
    Unsupported(String),
    /// The payload cannot be written as JSON.
    #[error("failed to write the payload: {0}")]
    Payload(String),
}

/// A provider with its secret, as far as requests depend on it. It cannot be printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The type of the provider.
    pub provider: String,
    /// The address, which a secret's takes the place of.
    pub address: String,
    /// The channel or room.
    pub channel: String,
    /// The name that messages appear under; the reporting controller's without one.
    pub username: String,
    /// The token of the secret, empty without one.
    pub token: String,
    /// The password of the secret.
    pub password: String,
    /// Headers of the secret.
    pub headers: Vec<(String, String)>,
}

/// A request that carries a notification.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// The headers, with their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body. The method is always POST.
    pub body: String,
}

/// The types of provider that there are requests for.
const SUPPORTED: &[&str] = &[
    "slack",
    "rocket",
    "discord",
    "msteams",
    "googlechat",
    "generic",
    "generic-hmac",
    "webex",
    "telegram",
    "opsgenie",
    "grafana",
    "alertmanager",
    "lark",
    "datadog",
];

/// The requests that carry an alert's event to a provider; none where the provider does not want it.
pub fn requests(target: &Target, alert: &AlertSpec, event: &Event) -> Result<Vec<Request>, NotifyError> {
    if !SUPPORTED.contains(&&*target.provider) {
        return Err(NotifyError::Unsupported(target.provider.clone()));
    }
    let generic = target.provider.starts_with("generic");
    if event.is_commit_status_update() && !generic {
        return Ok(Vec::new());
    }
    let event = clean(event);
    let (metadata, _) = merge(&event, alert);
    let event = Event { metadata, ..event };
    let (address, body) = match target.provider.as_str() {
        "slack" => (target.address.clone(), chat::slack(target, &event)),
        "rocket" => (target.address.clone(), chat::rocket(target, &event)),
        "discord" => (chat::discord_address(&target.address), chat::discord(target, &event)),
        "msteams" if !is_logic_app(&target.address) => (target.address.clone(), chat::teams(&event)),
        "msteams" => (target.address.clone(), service::teams_workflow(&event)),
        "webex" => (target.address.clone(), service::webex(target, &event)),
        "telegram" => service::telegram(target, &event)?,
        "alertmanager" => (target.address.clone(), service::alertmanager(&event)),
        "lark" => (target.address.clone(), service::lark(&event)),
        "datadog" => service::datadog(target, &event),
        "opsgenie" => (target.address.clone(), service::opsgenie(&event)),
        "grafana" => (target.address.clone(), service::grafana(&event)),
        "googlechat" => (target.address.clone(), chat::google(&event)),
        "generic" | "generic-hmac" => (target.address.clone(), webhook::body(&event)?),
        other => return Err(NotifyError::Unsupported(other.to_owned())),
    };
    let wrong = || NotifyError::Address { provider: target.provider.clone() };
    let address = Url::parse(&address).map_err(|_| wrong())?;
    if !address.has_host() {
        return Err(wrong());
    }
    let body = body.to_string();
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    if let Some(login) = authorization(target)? {
        headers.push(("authorization".to_owned(), login));
    }
    if target.provider == "datadog" {
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        headers.push(("dd-api-key".to_owned(), service::token(target)?.to_owned()));
    }
    if generic {
        webhook::add_headers(target, &event, &body, &mut headers);
    }
    Ok(vec![Request { url: address.to_string(), headers, body }])
}

/// The value of the header that logs in.
fn authorization(target: &Target) -> Result<Option<String>, NotifyError> {
    let bearer = || Some(format!("Bearer {}", target.token));
    Ok(match target.provider.as_str() {
        "webex" => bearer(),
        "opsgenie" => Some(format!("GenieKey {}", service::token(target)?)),
        "slack" | "grafana" | "alertmanager" if !target.token.is_empty() => bearer(),
        "grafana" | "alertmanager" if !target.username.is_empty() && !target.password.is_empty() => {
            let pair = format!("{}:{}", target.username, target.password);
            Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
        }
        _ => None,
    })
}

/// Whether the address is a Power Automate workflow, whose messages have another form.
fn is_logic_app(address: &str) -> bool {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host.ends_with(".logic.azure.com"))
}
