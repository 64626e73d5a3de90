//! Webhooks: where they are, whether a call is genuine, and which objects it reconciles.

mod signature;
mod token;

use std::collections::BTreeMap;

use reconciler_api::ReceiverSpec;
use reconciler_api::receiver::ReceiverResource;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::expression::{Expression, ExpressionError};
pub use signature::sign;
pub use token::{TokenError, claims};

use signature::{hmac_hex, is_signed, same};

/// How long the body of a call may be.
pub const MAX_BODY: usize = 3 << 20;

/// Why a call reconciles nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The body is too long.
    #[error("the request body is longer than {MAX_BODY} bytes")]
    TooLong,
    /// The receiver takes no calls now.
    #[error("unable to process request: the receiver is suspended or not ready")]
    NotReady,
    /// The call is not genuine, or not what the receiver is for.
    #[error("unable to validate payload: {0}")]
    Invalid(String),
    /// A filter does not work.
    #[error("unable to create resource filters: {0}")]
    Filter(String),
}

impl Refusal {
    /// The HTTP status that the caller gets.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLong => 413,
            Self::NotReady => 503,
            Self::Invalid(_) => 400,
            Self::Filter(_) => 500,
        }
    }
}

fn invalid<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Invalid(reason.into()))
}

/// A call of a webhook.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The headers, by names of any case.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
    /// The claims of the caller's token, if somebody has verified its signature.
    pub claims: Option<&'a Value>,
}

impl Call<'_> {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    fn json(&self, what: &str) -> Result<Value, Refusal> {
        serde_json::from_slice(self.body)
            .map_err(|failure| Refusal::Invalid(format!("cannot decode {what} webhook payload: {failure}")))
    }

    fn media_types(&self) -> impl Iterator<Item = &str> {
        self.header("content-type").split(',').map(|media| media.split(';').next().unwrap_or_default().trim())
    }
}

/// The path of a receiver's webhook, which only those can know who know the token.
pub fn webhook_path(token: &str, name: &str, namespace: &str) -> String {
    let digest = Sha256::digest(format!("{token}{name}{namespace}").as_bytes());
    digest.iter().fold("/hook/".to_owned(), |path, byte| path + &format!("{byte:02x}"))
}

/// Whether a call is one of this webhook. Its path is a secret, too: for receivers of the type `generic` the only one.
pub fn is_path(path: &str, called: &str) -> bool {
    same(called.as_bytes(), path.as_bytes())
}

/// A call that is genuine.
pub struct Accepted {
    filters: Vec<Vec<Expression>>,
    body: Value,
    claims: Option<Value>,
}

impl Accepted {
    /// Whether there is a filter for the receiver's resource at this place of its list.
    pub fn has_filter(&self, resource: usize) -> bool {
        self.filters.get(resource).is_some_and(|filters| !filters.is_empty())
    }

    /// Whether the call is about an object of the receiver's resource at this place of its list.
    pub fn takes(&self, resource: usize, object: &Value) -> Result<bool, ExpressionError> {
        let mut variables = vec![("res", object), ("req", &self.body)];
        variables.extend(self.claims.as_ref().map(|claims| ("claims", claims)));
        for filter in self.filters.get(resource).into_iter().flatten() {
            if !filter.truth(&variables)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Decides about a call of a receiver, whose secret has been read if it names one that exists.
pub fn receive(
    spec: &ReceiverSpec,
    is_ready: bool,
    secret: Option<&BTreeMap<String, Vec<u8>>>,
    call: &Call,
) -> Result<Accepted, Refusal> {
    if call.body.len() > MAX_BODY {
        return Err(Refusal::TooLong);
    }
    if spec.suspend || !is_ready {
        return Err(Refusal::NotReady);
    }
    let mut token: &[u8] = &[];
    if let Some(reference) = &spec.secret_ref {
        let Some(secret) = secret else {
            return invalid(format!("unable to read secret '{}'", reference.name));
        };
        let Some(found) = secret.get("token").filter(|token| !token.is_empty()) else {
            return invalid(format!("invalid '{}' secret data: required field 'token'", reference.name));
        };
        token = found;
    }
    let replaced = verify(spec, token, secret, call)?;
    filters(spec, call, replaced)
}

/// Checks that the call is genuine. Some calls carry their body within another, which is returned.
fn verify(
    spec: &ReceiverSpec,
    token: &[u8],
    secret: Option<&BTreeMap<String, Vec<u8>>>,
    call: &Call,
) -> Result<Option<Value>, Refusal> {
    let kind = &*spec.type_;
    // An empty token would let everybody in where the token is all that is asked for.
    if token.is_empty() && !matches!(kind, "generic" | "generic-oidc") {
        return invalid("the receiver's token is empty");
    }
    let body = call.body;
    match kind {
        "generic" => {}
        "generic-hmac" if is_signed(token, call.header("x-signature"), body) => {}
        "generic-hmac" => return invalid("unable to validate HMAC signature"),
        "github" | "bitbucket" => {
            let payload = hub_payload(kind, token, call)?;
            let header = if kind == "github" { "x-github-event" } else { "x-event-key" };
            allow(spec, call.header(header))?;
            return Ok(payload);
        }
        "gitlab" if same(call.header("x-gitlab-token").as_bytes(), token) => {
            allow(spec, call.header("x-gitlab-event"))?;
        }
        "gitlab" => {
            return invalid("the X-Gitlab-Token header value does not match the receiver token");
        }
        "harbor" if same(call.header("authorization").as_bytes(), token) => {}
        "harbor" => {
            return invalid("the Harbor Authorization header value does not match the receiver token");
        }
        "quay" => object(&call.json("Quay")?, &["docker_url"])?,
        "dockerhub" => {
            let payload = call.json("DockerHub")?;
            object(&payload["push_data"], &["tag"])?;
            object(&payload["repository"], &["repo_url"])?;
        }
        "acr" => object(&call.json("ACR")?, &["action"])?,
        "nexus" => {
            let given = call.header("x-nexus-webhook-signature");
            if !same(given.as_bytes(), hmac_hex(token, body).as_bytes()) {
                return invalid("invalid Nexus signature");
            }
            object(&call.json("Nexus")?, &["action", "repositoryName"])?;
        }
        "cdevents" => {
            cd_event(&call.json("CDEvents")?)?;
            allow(spec, call.header("ce-type"))?;
        }
        "gcr" => return gcr(secret, call).map(Some),
        other => return invalid(format!("receiver type '{other}' not supported")),
    }
    Ok(None)
}

/// A payload is an object or nothing, and these fields of it are text.
fn object(payload: &Value, texts: &[&str]) -> Result<(), Refusal> {
    let fits = payload.is_null()
        || (payload.is_object()
            && texts.iter().all(|key| payload[*key].is_null() || payload[*key].is_string()));
    if fits { Ok(()) } else { invalid("cannot decode webhook payload: a field is of the wrong type") }
}

/// Checks the kind of event against those that the receiver is for.
fn allow(spec: &ReceiverSpec, event: &str) -> Result<(), Refusal> {
    if spec.events.is_empty() || spec.events.iter().any(|allowed| allowed.eq_ignore_ascii_case(event)) {
        return Ok(());
    }
    invalid(format!("the event '{event}' is not authorised"))
}

/// Checks a signature in the way of GitHub. The payload can be a field of a form.
fn hub_payload(kind: &str, token: &[u8], call: &Call) -> Result<Option<Value>, Refusal> {
    let mut given = call.header("x-hub-signature-256");
    if given.is_empty() {
        given = call.header("x-hub-signature");
    }
    if !is_signed(token, given, call.body) {
        return invalid(format!("the {kind} signature header is invalid"));
    }
    match call.media_types().next() {
        Some("application/json") => Ok(None),
        Some("application/x-www-form-urlencoded") => {
            let mut form = url::form_urlencoded::parse(call.body);
            let payload = form.find(|(key, _)| key == "payload").map(|(_, value)| value.into_owned());
            Ok(serde_json::from_str(&payload.unwrap_or_default()).ok())
        }
        other => invalid(format!("unsupported Content-Type '{}'", other.unwrap_or_default())),
    }
}

/// Checks what every CDEvent has.
fn cd_event(event: &Value) -> Result<(), Refusal> {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let (context, subject) = (&event["context"], &event["subject"]);
    let has_all =
        ["id", "source", "type", "version"].iter().all(|key| text(&context[*key])) && text(&subject["id"]);
    let kind = context["type"].as_str().unwrap_or_default();
    let known = kind.strip_prefix("dev.cdevents.").is_some_and(|rest| rest.split('.').count() >= 3);
    let time = context["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok());
    if has_all && known && time { Ok(()) } else { invalid("unable to validate CDEvent event") }
}

/// Checks that a verified token is the one of the registry's own account, and reads the message.
fn gcr(secret: Option<&BTreeMap<String, Vec<u8>>>, call: &Call) -> Result<Value, Refusal> {
    let expected = |key: &str| match secret.and_then(|secret| secret.get(key)).map(Vec::as_slice) {
        None | Some([]) => invalid(format!("invalid secret data: required field '{key}' for GCR receiver")),
        Some(found) => Ok(String::from_utf8_lossy(found).into_owned()),
    };
    let (email, audience) = (expected("email")?, expected("audience")?);
    let Some(claims) = call.claims else {
        return invalid("cannot authenticate GCR request: the token is not verified");
    };
    let genuine = claims["email"] == *email
        && claims["aud"] == *audience
        && claims["email_verified"] == true
        && claims["iss"]
            .as_str()
            .is_some_and(|issuer| issuer.trim_start_matches("https://") == "accounts.google.com");
    if !genuine {
        return invalid("cannot authenticate GCR request: the token is another's");
    }
    let payload = call.json("GCR")?;
    let data = payload["message"]["data"].as_str().unwrap_or_default();
    let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap_or_default();
    let data: Value = serde_json::from_slice(&data)
        .map_err(|failure| Refusal::Invalid(format!("cannot decode GCR webhook body: {failure}")))?;
    let text = |key: &str| data[key].as_str().unwrap_or_default();
    Ok(json!({"action": text("action"), "digest": text("digest"), "tag": text("tag")}))
}

/// Reads the receiver's filters and what they look at.
fn filters(spec: &ReceiverSpec, call: &Call, replaced: Option<Value>) -> Result<Accepted, Refusal> {
    fn given(filter: Option<&String>) -> Option<&String> {
        filter.filter(|text| !text.is_empty())
    }
    let compile =
        |text: &String| Expression::compile(text).map_err(|failure| Refusal::Filter(failure.to_string()));
    let mut filters = Vec::new();
    for resource in &spec.resources {
        let both = given(spec.resource_filter.as_ref()).into_iter().chain(given(resource.filter.as_ref()));
        filters.push(both.map(compile).collect::<Result<Vec<_>, _>>()?);
    }
    let mut body = json!({});
    let is_json = call.media_types().any(|media| media == "application/json");
    if is_json && filters.iter().any(|filters| !filters.is_empty()) {
        body = match replaced {
            Some(body) => body,
            None => serde_json::from_slice(call.body).map_err(|failure| {
                Refusal::Filter(format!("failed to parse request body as JSON: {failure}"))
            })?,
        };
    }
    Ok(Accepted { filters, body, claims: call.claims.cloned() })
}

/// The objects that a resource of a receiver names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection<'a> {
    /// The group and version.
    pub api_version: String,
    /// The kind.
    pub kind: &'a str,
    /// The namespace.
    pub namespace: &'a str,
    /// The name; nothing if labels select.
    pub name: Option<&'a str>,
    /// The labels that the objects have.
    pub labels: &'a BTreeMap<String, String>,
}

/// Why no objects are reconciled for a resource.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// It is in another namespace.
    #[error("cross-namespace references are not allowed")]
    CrossNamespace,
    /// The kind is not one of Flux's, and there is no version.
    #[error("apiVersion must be specified for kind '{0}'")]
    NoVersion(String),
    /// It would be all objects.
    #[error("matchLabels field not set when using wildcard '*' as name")]
    NoLabels,
    /// It would be another path of the API than that of the kind and the namespace.
    #[error("'{0}' cannot be part of a path")]
    Path(String),
}

/// Whether a text stands for itself in a path.
fn is_path_part(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    text.bytes().all(is_plain) && text != "." && text != ".."
}

/// The objects that a resource of a receiver in a namespace names.
pub fn select<'a>(
    resource: &'a ReceiverResource,
    receiver_namespace: &'a str,
    no_cross_namespace: bool,
) -> Result<Selection<'a>, SelectionError> {
    let given = resource.namespace.as_deref().filter(|namespace| !namespace.is_empty());
    let namespace = given.unwrap_or(receiver_namespace);
    if no_cross_namespace && namespace != receiver_namespace {
        return Err(SelectionError::CrossNamespace);
    }
    let given = resource.api_version.as_deref().filter(|version| !version.is_empty());
    let default = match &*resource.kind {
        "Bucket" | "HelmChart" | "HelmRepository" | "GitRepository" | "OCIRepository" => {
            Some("source.toolkit.fluxcd.io/v1")
        }
        "ImageRepository" => Some("image.toolkit.fluxcd.io/v1"),
        "ArtifactGenerator" => Some("source.extensions.fluxcd.io/v1beta1"),
        _ => None,
    };
    let api_version =
        given.or(default).ok_or_else(|| SelectionError::NoVersion(resource.kind.clone()))?.to_owned();
    let name = Some(&*resource.name).filter(|name| *name != "*");
    if name.is_none() && resource.match_labels.is_empty() {
        return Err(SelectionError::NoLabels);
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    for part in [group, version, &*resource.kind, namespace, name.unwrap_or_default()] {
        if !is_path_part(part) {
            return Err(SelectionError::Path(part.to_owned()));
        }
    }
    Ok(Selection { api_version, kind: &resource.kind, namespace, name, labels: &resource.match_labels })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::{Call, SelectionError, is_path, receive, select, webhook_path};

    #[test]
    fn no_part_of_a_resource_leads_to_another_path() {
        let found = |name: &str, version: &str, namespace: &str| {
            let resource =
                json!({"kind": "GitRepository", "name": name, "apiVersion": version, "namespace": namespace});
            let Ok(resource) = serde_json::from_value(resource) else { return Ok(false) };
            select(&resource, "apps", false).map(|_| true)
        };
        assert_eq!(found("a.b-c", "source.toolkit.fluxcd.io/v1", "apps"), Ok(true));
        let path = "v1/namespaces/victim/gitrepositories/source?x=";
        for (name, version, namespace, part) in [
            ("x", &*format!("source.toolkit.fluxcd.io/{path}"), "apps", path),
            ("x", "../v1", "apps", ".."),
            ("../x", "v1", "apps", "../x"),
            ("x%2f", "v1", "apps", "x%2f"),
            ("x", "v1", "apps/x", "apps/x"),
        ] {
            assert_eq!(found(name, version, namespace), Err(SelectionError::Path(part.to_owned())));
        }
    }

    fn status(kind: &str, token: &str, header: (&str, &str), body: &str) -> u16 {
        let spec = json!({"type": kind, "resources": [], "secretRef": {"name": "token"}});
        let Ok(spec) = serde_json::from_value(spec) else { return 0 };
        let secret = BTreeMap::from([("token".to_owned(), token.as_bytes().to_vec())]);
        let headers = [
            (header.0.to_owned(), header.1.to_owned()),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let call = Call { headers: &headers, body: body.as_bytes(), claims: None };
        receive(&spec, true, Some(&secret), &call).map_or_else(|refusal| refusal.status(), |_| 200)
    }

    /// The signatures are GitHub's own example, of its documentation of webhooks.
    #[test]
    fn calls_are_signed_with_the_token() {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let token = "It's a Secret to Everybody";
        let header = ("X-Hub-Signature-256", signature);
        assert_eq!(status("github", token, header, "Hello, World!"), 200);
        assert_eq!(status("github", token, header, "Hello, World"), 400);
        assert_eq!(status("github", "another", header, "Hello, World!"), 400);
        assert_eq!(status("generic-hmac", token, ("X-Signature", signature), "Hello, World!"), 200);
        assert_eq!(status("generic-hmac", token, ("X-Signature", ""), "Hello, World!"), 400);
    }

    #[test]
    fn the_path_has_to_be_the_whole_path() {
        let path = webhook_path("token", "name", "namespace");
        assert!(is_path(&path, &path));
        for wrong in ["", "/hook/", &path[..path.len() - 1], &format!("{path}0"), &path.to_uppercase()] {
            assert!(!is_path(&path, wrong), "{wrong}");
        }
    }

    #[test]
    fn an_empty_token_lets_nobody_in() {
        for kind in ["gitlab", "harbor", "github", "generic-hmac", "nexus", "quay"] {
            assert_eq!(status(kind, "", ("X-Gitlab-Token", ""), "{}"), 400, "{kind}");
        }
    }

    #[test]
    fn receivers_without_their_secret_refuse() {
        assert_eq!(status("gitlab", "token", ("X-Gitlab-Token", "token"), "{}"), 200);
        assert_eq!(status("gitlab", "token", ("X-Gitlab-Token", "tokem"), "{}"), 400);
        assert_eq!(status("generic-oidc", "token", ("X", ""), "{}"), 400);
    }
}
