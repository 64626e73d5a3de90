//! From an alert and its provider to the requests.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use reconciler_api::{Alert, Provider, ProviderSpec};
use serde_json::{Value, json};
use thiserror::Error;
use url::Url;

use super::{
    Event, Notification, NotifyError, Sender, Target, combine, commit_status, dropped, notification,
};
use crate::expression::{Expression, ExpressionError};
use crate::sops::Plaintext;

/// Why an alert does not get its event out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DispatchError {
    /// The event is from another namespace than the alert.
    #[error(
        "discarding event, access denied to cross-namespace sources: alert '{alert}' can't process event \
         from '{object}', cross-namespace references have been blocked"
    )]
    CrossNamespace {
        /// The alert, with its namespace.
        alert: String,
        /// What the event is about.
        object: String,
    },
    /// The provider names a service account, which is not allowed.
    #[error(
        "to use spec.serviceAccountName for provider authentication please enable the \
         ObjectLevelWorkloadIdentity feature gate in the controller"
    )]
    ServiceAccount,
    /// The expression for the name of the commit status fails.
    #[error(
        "failed to create commit status: failed to evaluate the spec.commitStatusExpr CEL expression for \
         the event: {0}"
    )]
    CommitStatus(ExpressionError),
    /// The headers of the secret are no YAML.
    #[error("failed to read headers from secret: {0}")]
    Headers(String),
    /// The provider's secret does not exist.
    #[error(
        "failed to initialize notifier for provider '{provider}': failed to get secret '{namespace}/{name}': \
         secrets \"{name}\" not found"
    )]
    NoSecret {
        /// The provider's name.
        provider: String,
        /// The namespace of both.
        namespace: String,
        /// The secret's name.
        name: String,
    },
    /// The provider is not set up right.
    #[error(
        "failed to initialize notifier for provider '{provider}': failed to initialize notifier: {reason}"
    )]
    Provider {
        /// The provider's name.
        provider: String,
        /// What is wrong.
        reason: NotifyError,
    },
}

/// What the whole installation allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Alerts take events from their own namespace only.
    pub no_cross_namespace: bool,
    /// Providers may name service accounts.
    pub workload_identity: bool,
}

impl Target {
    /// Reads a provider and its secret.
    pub fn new(
        spec: &ProviderSpec,
        uid: &str,
        secret: &BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, DispatchError> {
        let read = |key: &str| {
            let value = secret.get(key).map(|value| String::from_utf8_lossy(value).trim().to_owned());
            value.filter(|value| !value.is_empty())
        };
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        if let Some(text) = read("headers") {
            headers =
                serde_yaml::from_str(&text).map_err(|failure| DispatchError::Headers(failure.to_string()))?;
        }
        let given = |value: &Option<String>| value.clone().unwrap_or_default();
        Ok(Self {
            provider: spec.type_.clone(),
            address: read("address").unwrap_or_else(|| given(&spec.address)),
            channel: given(&spec.channel),
            username: read("username").unwrap_or_else(|| given(&spec.username)),
            token: read("token").unwrap_or_default(),
            password: read("password").unwrap_or_default(),
            headers: headers.into_iter().collect(),
            commit_status: String::new(),
            provider_uid: uid.to_owned(),
            credentials: read("creds").unwrap_or_default(),
            nkey: read("nkey").unwrap_or_default(),
            alert: Sender::default(),
        })
    }
}

/// The shortest part of an address that is looked for by itself: shorter ones are words of everybody's.
const SHORTEST_PART: usize = 12;

/// What nobody else may learn of a provider, and its server may repeat: the values of its Secret, and what is derived from
/// them. Part of it can be in an address outside the Secret, too.
#[must_use]
pub fn secrets(spec: &ProviderSpec, secret: &BTreeMap<String, Vec<u8>>) -> Plaintext {
    let mut secrets = Plaintext::default();
    for (key, value) in secret {
        // A name is no secret, and can be a word of any message.
        if key != "username" {
            secrets.add(&String::from_utf8_lossy(value));
        }
    }
    let Ok(target) = Target::new(spec, "", secret) else { return secrets };
    for (_, value) in &target.headers {
        secrets.add(value);
        value
            .split_whitespace()
            .filter(|part| part.len() >= SHORTEST_PART)
            .for_each(|part| secrets.add(part));
    }
    if !target.password.is_empty() {
        secrets.add(&format!("{}:{}", target.username, target.password));
    }
    if let Ok(url) = Url::parse(&target.address) {
        add_address(&mut secrets, &url);
    }
    secrets
}

/// Adds the parts of an address that can be secret, also as servers write them.
fn add_address(secrets: &mut Plaintext, url: &Url) {
    let path = url.path();
    let mut parts = vec![path.to_owned(), path.replace('/', "\\/"), path.replace('/', "&#x2F;")];
    parts.extend(url.query().map(str::to_owned));
    parts.extend(url.password().map(str::to_owned));
    parts.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
    parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    for part in parts.iter().filter(|part| part.len() >= SHORTEST_PART) {
        secrets.add(part);
        if let Ok(plain) = percent_decode_str(part).decode_utf8() {
            secrets.add(&plain);
        }
    }
}

/// The requests that carry an alert's event to its provider, whose secret has been read if it names one
/// that exists. A suspended provider gets nothing.
pub fn dispatch(
    rules: Rules,
    alert: &Alert,
    provider: &Provider,
    secret: Option<&BTreeMap<String, Vec<u8>>>,
    event: &Event,
) -> Result<Option<Notification>, DispatchError> {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    let object = &event.involved_object;
    let namespace = name(&alert.metadata.namespace);
    if rules.no_cross_namespace && object.namespace != namespace {
        return Err(DispatchError::CrossNamespace {
            alert: format!("{namespace}/{}", name(&alert.metadata.name)),
            object: format!("{}/{}/{}", object.kind, object.namespace, object.name),
        });
    }
    let spec = &provider.spec;
    if spec.suspend {
        return Ok(None);
    }
    if let Some(reason) = dropped(&spec.type_, event) {
        return Ok(Some(Notification::Dropped(reason)));
    }
    if spec.service_account_name.as_ref().is_some_and(|name| !name.is_empty()) && !rules.workload_identity {
        return Err(DispatchError::ServiceAccount);
    }
    let event = combine(event, &alert.spec);
    let uid = name(&provider.metadata.uid);
    let commit_status = commit_status_name(spec, &uid, &event, &json!(alert), &json!(provider))
        .map_err(DispatchError::CommitStatus)?;
    let none = BTreeMap::new();
    let secret = match (secret, &spec.secret_ref) {
        (Some(secret), _) => secret,
        (None, None) => &none,
        (None, Some(reference)) => {
            return Err(DispatchError::NoSecret {
                provider: name(&provider.metadata.name),
                namespace: name(&provider.metadata.namespace),
                name: reference.name.clone(),
            });
        }
    };
    let alert = Sender { namespace, name: name(&alert.metadata.name), uid: name(&alert.metadata.uid) };
    let target = Target { commit_status, alert, ..Target::new(spec, &uid, secret)? };
    notification(&target, &event)
        .map(Some)
        .map_err(|reason| DispatchError::Provider { provider: name(&provider.metadata.name), reason })
}

/// The name of the commit status that a provider shows an event under; empty for providers without.
pub fn commit_status_name(
    spec: &ProviderSpec,
    uid: &str,
    event: &Event,
    alert: &Value,
    provider: &Value,
) -> Result<String, ExpressionError> {
    if !commit_status::is_provider(&spec.type_) {
        return Ok(String::new());
    }
    match spec.commit_status_expr.as_deref().filter(|text| !text.is_empty()) {
        None => Ok(commit_status::default_commit_status(uid, event)),
        Some(text) => commit_status_by(text, event, alert, provider),
    }
}

/// The name that an expression gives a commit status.
pub fn commit_status_by(
    text: &str,
    event: &Event,
    alert: &Value,
    provider: &Value,
) -> Result<String, ExpressionError> {
    let variables = [("event", &json!(event)), ("alert", alert), ("provider", provider)];
    Expression::compile(text)?.text(&variables)
}
