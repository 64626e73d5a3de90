//! Which events an alert sends, and the requests that carry them.
//!
//! Nothing here sends: a request is a value, so that delivery, retries and order are somebody else's.

mod alert;
mod batch;
mod chat;
mod comment;
mod commit_status;
mod dispatch;
mod event;
mod exchange;
pub(crate) mod forge;
mod metadata;
mod otel;
mod publication;
mod sentry;
mod service;
mod webhook;

pub use alert::{check_patterns, matches, matches_source};
pub use batch::{Batch, batch, cause, is_for_people};
pub use commit_status::default_commit_status;
pub use dispatch::{DispatchError, Rules, commit_status_by, commit_status_name, dispatch, secrets};
pub use event::{Event, InvolvedObject, Severity, rate_limit_key};
pub use exchange::{Exchange, Method, Reply, Request, one_line};
pub use forge::commit_link;
pub use metadata::{clean, merge};
pub use publication::{Login, Publication, Server};

use base64::Engine;
use reconciler_api::AlertSpec;
use serde_json::Value;
use thiserror::Error;
use url::Url;

use metadata::EVENT_GROUP;

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
    #[error("{0} token cannot be empty")]
    NoToken(String),
    /// There are no requests for this type of provider.
    #[error("provider {0} not supported")]
    Unsupported(String),
    /// Whoever sends has to log in to a cloud.
    #[error(
        "provider {provider} needs a login to {cloud}, which is not supported; send to a provider of type \
         'generic', 'generic-hmac', 'nats' or 'otel' and forward from there"
    )]
    Cloud {
        /// The type of the provider.
        provider: String,
        /// Where it would log in.
        cloud: &'static str,
    },
    /// A setting that the provider cannot do without is empty.
    #[error("{0} cannot be empty")]
    Empty(&'static str),
    /// A setting is not what it has to be.
    #[error("{0}")]
    Setting(String),
    /// The login is not what the forge takes.
    #[error("{0}")]
    Login(&'static str),
    /// The address is not that of a repository.
    #[error("invalid repository address '{0}'")]
    Repository(String),
    /// The channel has no topic.
    #[error("invalid Zulip channel format, expected <channel>/<topic>, got '{0}'")]
    Channel(String),
    /// The event does not say which revision it is about.
    #[error("missing revision metadata")]
    NoRevision,
    /// The revision names no commit.
    #[error("failed to extract commit hash from '{0}' revision")]
    Revision(String),
    /// The event does not say which pull or merge request it is about.
    #[error("missing \"change_request\" metadata key")]
    NoChangeRequest,
    /// The pull or merge request is no number.
    #[error("invalid \"change_request\" metadata value \"{0}\"")]
    ChangeRequest(String),
    /// The provider answered with a status of failure.
    #[error("request failed with status code {status}{}", after_colon(.said))]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer, as one line.
        said: String,
    },
    /// The provider refused the message.
    #[error("provider refused the message: {0}")]
    Refused(String),
    /// The payload cannot be written as JSON.
    #[error("failed to write the payload: {0}")]
    Payload(String),
}

impl NotifyError {
    /// Whether it is the event that cannot be sent, however the provider is set up.
    #[must_use]
    pub fn is_about_event(&self) -> bool {
        matches!(
            self,
            NotifyError::NoRevision
                | NotifyError::Revision(_)
                | NotifyError::NoChangeRequest
                | NotifyError::ChangeRequest(_)
                | NotifyError::Payload(_)
        )
    }
}

impl NotifyError {
    /// Whether the address of the provider is missing or wrong.
    #[must_use]
    pub fn is_about_address(&self) -> bool {
        match self {
            NotifyError::Address { .. } | NotifyError::Repository(_) => true,
            NotifyError::Empty(what) => what.contains("address"),
            _ => false,
        }
    }
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
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
    /// The name of the commit status to set.
    pub commit_status: String,
    /// The identity of the provider, which tells its comments from those of others.
    pub provider_uid: String,
    /// Credentials for NATS: the text of a file with a JWT and the seed of its key.
    pub credentials: String,
    /// The seed of a key for NATS.
    pub nkey: String,
    /// The alert that sends the event.
    pub alert: Sender,
}

/// An alert, as traces name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uid: String,
}

/// Why an event is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// It is a commit status, and the provider shows none.
    CommitStatusUpdate,
    /// It is no commit status, and the provider shows nothing else.
    NoCommit,
    /// It has no pull or merge request to comment on.
    NoChangeRequest,
}

/// What an alert's event means for a provider.
pub enum Notification {
    /// Requests to send.
    Send(Exchange),
    /// A message for NATS.
    Publish(Box<Publication>),
    /// Nothing.
    Dropped(Dropped),
}

/// Why the provider does not want the event, if it does not.
pub fn dropped(provider: &str, event: &Event) -> Option<Dropped> {
    let has =
        |key: &str| event.metadata.get(&format!("{EVENT_GROUP}{key}")).is_some_and(|value| !value.is_empty());
    let update = event.is_commit_status_update();
    if commit_status::is_provider(provider) {
        let wanted = update || has("commit") || event.severity == Severity::Error;
        return (!wanted).then_some(Dropped::NoCommit);
    }
    if update && !is_generic(provider) {
        return Some(Dropped::CommitStatusUpdate);
    }
    let lacks = comment::is_provider(provider) && !has(comment::CHANGE_REQUEST);
    lacks.then_some(Dropped::NoChangeRequest)
}

/// The requests that carry an alert's event to a provider, or why there are none.
pub fn notify(target: &Target, alert: &AlertSpec, event: &Event) -> Result<Notification, NotifyError> {
    if let Some(reason) = dropped(&target.provider, event) {
        return Ok(Notification::Dropped(reason));
    }
    notification(target, &combine(event, alert))
}

/// What carries an event that has its final metadata.
fn notification(target: &Target, event: &Event) -> Result<Notification, NotifyError> {
    if target.provider == "nats" {
        let publication = publication::publication(target, event)?;
        return Ok(Notification::Publish(Box::new(publication)));
    }
    exchange(target, event).map(Notification::Send)
}

/// The event with the metadata that its receiver sees.
pub fn combine(event: &Event, alert: &AlertSpec) -> Event {
    let event = clean(event);
    let (metadata, _) = merge(&event, alert);
    Event { metadata, ..event }
}

/// Whether the provider gets events as they are.
fn is_generic(provider: &str) -> bool {
    matches!(provider, "generic" | "generic-hmac")
}

/// The requests for an event that has its final metadata.
fn exchange(target: &Target, event: &Event) -> Result<Exchange, NotifyError> {
    let kind = &*target.provider;
    if commit_status::is_provider(kind) {
        return commit_status::exchange(target, event);
    }
    if comment::is_provider(kind) {
        return comment::exchange(target, event);
    }
    let posts = match kind {
        "sentry" => return Ok(Exchange::of(vec![sentry::request(target, event)?])),
        "otel" => return Ok(Exchange::of(otel::request(target, event)?.into_iter().collect())),
        "incident.io" if event.reason == "Progressing" => return Ok(Exchange::of(Vec::new())),
        "googlepubsub" => return Err(cloud(kind, "Google Cloud")),
        "azureeventhub" => return Err(cloud(kind, "Azure")),
        "githubdispatch" => {
            let body = service::github_dispatch(event);
            let request = forge::Api::github(target)?.send(Method::Post, "/dispatches", &body);
            return Ok(Exchange::of(vec![request]));
        }
        "zulip" => {
            let (address, form) = service::zulip(target, event)?;
            return Ok(Exchange::of(vec![request(target, event, &address, form)?]));
        }
        "pagerduty" => service::pagerduty(target, event)?,
        _ => vec![post(target, event)?],
    };
    let requests =
        posts.into_iter().map(|(address, body)| request(target, event, &address, body.to_string()));
    let exchange = Exchange::of(requests.collect::<Result<_, _>>()?);
    if kind == "slack" && target.address.ends_with("/chat.postMessage") {
        return Ok(exchange.then(chat::check_slack));
    }
    Ok(exchange)
}

fn cloud(provider: &str, cloud: &'static str) -> NotifyError {
    NotifyError::Cloud { provider: provider.to_owned(), cloud }
}

/// The address and body for providers that take one JSON document.
fn post(target: &Target, event: &Event) -> Result<(String, Value), NotifyError> {
    let body = match &*target.provider {
        "telegram" => return service::telegram(target, event),
        "datadog" => return Ok(service::datadog(target, event)),
        "matrix" => return Ok(service::matrix(target, event)),
        "zoom" => return service::zoom(target, event),
        "discord" => return Ok((chat::discord_address(&target.address), chat::discord(target, event))),
        "slack" => chat::slack(target, event),
        "rocket" => chat::rocket(target, event),
        "msteams" if is_logic_app(&target.address) => service::teams_workflow(event),
        "msteams" => chat::teams(event),
        "webex" => service::webex(target, event),
        "alertmanager" => service::alertmanager(event),
        "lark" => service::lark(event),
        "opsgenie" => service::opsgenie(event),
        "grafana" => service::grafana(event),
        "incident.io" => service::incident_io(event),
        "googlechat" => chat::google(event),
        "generic" | "generic-hmac" => webhook::body(event)?,
        other => return Err(NotifyError::Unsupported(other.to_owned())),
    };
    Ok((target.address.clone(), body))
}

/// A request with the headers of the provider.
fn request(target: &Target, event: &Event, address: &str, body: String) -> Result<Request, NotifyError> {
    let wrong = || NotifyError::Address { provider: target.provider.clone() };
    let address = Url::parse(address).map_err(|_| wrong())?;
    if !address.has_host() {
        return Err(wrong());
    }
    let form = target.provider == "zulip";
    let content = if form { "application/x-www-form-urlencoded" } else { "application/json" };
    let mut headers = vec![("content-type".to_owned(), content.to_owned())];
    if let Some(login) = authorization(target)? {
        headers.push(("authorization".to_owned(), login));
    }
    if target.provider == "datadog" {
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        headers.push(("dd-api-key".to_owned(), service::token(target)?.to_owned()));
    }
    if is_generic(&target.provider) {
        webhook::add_headers(target, event, &body, &mut headers);
    }
    let method = if target.provider == "matrix" { Method::Put } else { Method::Post };
    Ok(Request { method, url: address.to_string(), headers, body: body.into_bytes() })
}

/// The value of the header that logs in.
fn authorization(target: &Target) -> Result<Option<String>, NotifyError> {
    let bearer = || Some(format!("Bearer {}", target.token));
    let basic = || {
        let pair = format!("{}:{}", target.username, target.password);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    Ok(match target.provider.as_str() {
        "webex" | "matrix" => bearer(),
        "opsgenie" => Some(format!("GenieKey {}", service::token(target)?)),
        "incident.io" => Some(format!("Bearer {}", service::token(target)?)),
        // Zoom's token stands alone.
        "zoom" => Some(service::token(target)?.to_owned()),
        "slack" | "grafana" | "alertmanager" if !target.token.is_empty() => bearer(),
        "zulip" => Some(basic()),
        "grafana" | "alertmanager" if !target.username.is_empty() && !target.password.is_empty() => {
            Some(basic())
        }
        _ => None,
    })
}

/// Whether the address is a Power Automate workflow, whose messages have another form.
fn is_logic_app(address: &str) -> bool {
    let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host.ends_with(".logic.azure.com"))
}
