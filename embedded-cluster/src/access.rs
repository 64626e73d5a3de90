//! Who asks, and what roles allow.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;

use crate::accounts;
use crate::request::Target;
use crate::state::State;
use crate::status::{ApiError, Subject};
use crate::storage::Name;

/// The group of roles and bindings.
pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

/// The texts of a list.
pub(crate) fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Whether a rule is for paths that are no resources. Such a rule allows nothing else.
pub(crate) fn is_for_urls(rule: &Value) -> bool {
    texts(rule.get("nonResourceURLs")).next().is_some()
}

/// The user of a request: an administrator, unless it has the token of a service account, or impersonates someone.
pub(crate) fn user_of(state: &Arc<State>, headers: &HeaderMap) -> Result<User, ApiError> {
    let user = match bearer(headers) {
        None => User {
            name: "system:admin".to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        },
        Some(token) => {
            let account = accounts::account(state, token, &[]).ok_or_else(|| {
                ApiError::new(http::StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
            })?;
            User { name: account.user(), groups: account.groups() }
        }
    };
    impersonated(state, user, headers)
}

/// The token in the headers of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The user that a request impersonates, which the one who asks must be allowed to do, or that one.
fn impersonated(state: &Arc<State>, asking: User, headers: &HeaderMap) -> Result<User, ApiError> {
    let groups = headers.get_all("impersonate-group").iter();
    let groups =
        groups.map(|group| header_text("Impersonate-Group", group)).collect::<Result<Vec<_>, _>>()?;
    let is_other = |name: &&str| *name == "impersonate-uid" || name.starts_with("impersonate-extra-");
    if let Some(other) = headers.keys().map(HeaderName::as_str).find(is_other) {
        return Err(ApiError::bad_request(format!(
            "the embedded cluster does not support the header {other}; impersonate a user and groups only"
        )));
    }
    let name =
        headers.get("impersonate-user").map(|name| header_text("Impersonate-User", name)).transpose()?;
    // Kubernetes takes an empty name as none.
    let Some(name) = name.as_deref().filter(|name| !name.is_empty()) else {
        if !groups.is_empty() {
            return Err(ApiError::bad_request(format!(
                "requested groups {groups:?} without impersonating a user name"
            )));
        }
        return Ok(asking);
    };
    let may = |resource: &str, namespace: &str, name: &str| {
        let target = Target {
            version: "v1".to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Target::default()
        };
        check(state, &asking, "impersonate", &target)
    };
    let account = name.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
    match account {
        Some((namespace, account)) => may("serviceaccounts", namespace, account)?,
        None => may("users", "", name)?,
    }
    for group in &groups {
        may("groups", "", group)?;
    }
    let mut user = User { name: name.to_owned(), groups };
    if let Some((namespace, _)) = account
        && user.groups.is_empty()
    {
        user.groups =
            vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    user.groups.push("system:authenticated".to_owned());
    Ok(user)
}

/// The text of a header, which must not be dropped because it cannot be read: it restricts what a request may do.
fn header_text(name: &str, value: &HeaderValue) -> Result<String, ApiError> {
    let text = std::str::from_utf8(value.as_bytes());
    text.map(str::to_owned)
        .map_err(|_| ApiError::bad_request(format!("the header {name} of the request is not valid UTF-8")))
}

pub(crate) fn is_admin(user: &User) -> bool {
    user.groups.iter().any(|group| group == "system:masters")
}

/// Paths that everyone who is authenticated may read.
pub(crate) fn is_public(path: &str) -> bool {
    ["/api", "/openapi", "/version", "/healthz", "/livez", "/readyz"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

/// Refuses a path that is no resource.
pub(crate) fn check_path(state: &State, user: &User, method: &Method, path: &str) -> Result<(), ApiError> {
    let verb = method.as_str().to_lowercase();
    if allows_path(state, user, &verb, path) {
        return Ok(());
    }
    let detail = format!("User {:?} cannot {verb} path {path:?}", user.name);
    Err(ApiError::new(http::StatusCode::FORBIDDEN, "Forbidden", format!("forbidden: {detail}")))
}

/// Whether a request asks about the user's own rights, as everyone may.
fn is_about_self(verb: &str, target: &Target) -> bool {
    let resource = (&*target.group, &*target.resource);
    verb == "create"
        && target.name.is_empty()
        && target.subresource.is_empty()
        && matches!(
            resource,
            ("authorization.k8s.io", "selfsubjectaccessreviews" | "selfsubjectrulesreviews")
                | ("authentication.k8s.io", "selfsubjectreviews")
        )
}

/// Refuses a request that no role allows.
pub(crate) fn check(state: &Arc<State>, user: &User, verb: &str, target: &Target) -> Result<(), ApiError> {
    if is_about_self(verb, target) || allows(state, user, verb, target) {
        return Ok(());
    }
    let resource = match &*target.subresource {
        "" => target.resource.clone(),
        subresource => format!("{}/{subresource}", target.resource),
    };
    let scope = if target.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", target.namespace)
    };
    let detail = format!(
        "User {:?} cannot {verb} resource {resource:?} in API group {:?} {scope}",
        user.name, target.group
    );
    let subject = Subject { group: &target.group, resource: &target.resource, kind: "", name: &target.name };
    Err(ApiError::forbidden(subject, &detail))
}

/// Whether any role bound to the user allows a request.
pub(crate) fn allows(state: &State, user: &User, verb: &str, target: &Target) -> bool {
    is_admin(user) || rules(state, user, &target.namespace).iter().any(|rule| covers(rule, verb, target))
}

/// Whether a user may read or write a path that is no resource.
pub(crate) fn allows_path(state: &State, user: &User, verb: &str, path: &str) -> bool {
    let has = |rule: &Value, field: &str, matches: &dyn Fn(&str) -> bool| {
        rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).any(matches)
    };
    let is_path = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == pattern,
    };
    is_admin(user)
        || is_public(path)
        || rules(state, user, "").iter().any(|rule| {
            has(rule, "verbs", &|word| word == "*" || word == verb) && has(rule, "nonResourceURLs", &is_path)
        })
}

/// The rules that apply to a user in a namespace, or in the whole cluster if it is empty.
pub(crate) fn rules(state: &State, user: &User, namespace: &str) -> Vec<Value> {
    let granted = |resource: &str, namespace: &str| {
        let (_, bindings) = state.store.snapshot(&format!("{resource}.{RBAC}").into(), namespace);
        let bound = bindings.into_iter().filter(|binding| bound(&binding.value, user, namespace));
        bound
            .filter_map(|binding| role_rules(state, &binding.value["roleRef"], namespace))
            .flatten()
            .collect()
    };
    let mut rules: Vec<Value> = granted("clusterrolebindings", "");
    if !namespace.is_empty() {
        rules.extend(granted("rolebindings", namespace));
    }
    rules
}

fn bound(binding: &Value, user: &User, namespace: &str) -> bool {
    binding["subjects"].as_array().into_iter().flatten().any(|subject| {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => name == user.name,
            Some("Group") => user.groups.iter().any(|group| group == name),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or(namespace);
                user.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

/// The rules of the role that a binding refers to. `None` if there is no such role.
pub(crate) fn role_rules(state: &State, reference: &Value, namespace: &str) -> Option<Vec<Value>> {
    let name = reference["name"].as_str().unwrap_or_default().to_owned();
    let (resource, namespace) = match reference["kind"].as_str() {
        Some("ClusterRole") => ("clusterroles", ""),
        _ => ("roles", namespace),
    };
    let name = Name { namespace: namespace.to_owned(), name };
    let role = state.store.get(&format!("{resource}.{RBAC}").into(), &name)?;
    Some(role.value["rules"].as_array().cloned().unwrap_or_default())
}

fn covers(rule: &Value, verb: &str, target: &Target) -> bool {
    let has = |field: &str, wanted: &str| {
        rule[field].as_array().into_iter().flatten().any(|value| value == "*" || value == wanted)
    };
    let resource = match &*target.subresource {
        "" => target.resource.clone(),
        subresource => format!("{}/{subresource}", target.resource),
    };
    let below = format!("*/{}", target.subresource);
    let names = rule["resourceNames"].as_array().map_or(&[][..], Vec::as_slice);
    !is_for_urls(rule)
        && has("verbs", verb)
        && has("apiGroups", &target.group)
        && (has("resources", &resource) || (!target.subresource.is_empty() && has("resources", &below)))
        && (names.is_empty() || names.iter().any(|name| name == target.name.as_str()))
}
