//! Who asks, and what roles allow.

use std::sync::Arc;

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::request::Target;
use crate::state::State;
use crate::status::{ApiError, Subject};
use crate::storage::Name;

const RBAC: &str = "rbac.authorization.k8s.io";

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

/// The texts of a list.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The user of a request: an administrator, unless it impersonates someone.
pub(crate) fn user_of(_: &State, headers: &HeaderMap) -> Result<User, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let groups: Vec<String> = headers
        .get_all("impersonate-group")
        .iter()
        .filter_map(|group| group.to_str().ok())
        .map(str::to_owned)
        .collect();
    let Some(name) = text("impersonate-user") else {
        if !groups.is_empty() {
            return Err(ApiError::internal("requested [{Group }] without impersonating a user"));
        }
        return Ok(User {
            name: "system:admin".to_owned(),
            groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        });
    };
    let mut user = User { name: name.to_owned(), groups };
    if let Some(account) = name.strip_prefix("system:serviceaccount:")
        && user.groups.is_empty()
    {
        let namespace = account.split(':').next().unwrap_or_default();
        user.groups =
            vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    user.groups.push("system:authenticated".to_owned());
    Ok(user)
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
pub(crate) fn check_path(_: &State, user: &User, method: &Method, path: &str) -> Result<(), ApiError> {
    if is_admin(user) || is_public(path) {
        return Ok(());
    }
    let verb = method.as_str().to_lowercase();
    let detail = format!("User {:?} cannot {verb} path {path:?}", user.name);
    Err(ApiError::new(http::StatusCode::FORBIDDEN, "Forbidden", format!("forbidden: {detail}")))
}

/// Refuses a request that no role allows.
pub(crate) fn check(state: &Arc<State>, user: &User, verb: &str, target: &Target) -> Result<(), ApiError> {
    let self_review = target.resource.starts_with("selfsubject");
    if self_review || allows(state, user, verb, target) {
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
pub(crate) fn allows(state: &Arc<State>, user: &User, verb: &str, target: &Target) -> bool {
    if is_admin(user) {
        return true;
    }
    let bindings = |resource: &str, namespace: &str| {
        state.store.snapshot(&format!("{resource}.{RBAC}").into(), namespace).1
    };
    let granted = |binding: &Value, namespace: &str| {
        bound(binding, user, namespace)
            && role_rules(state, &binding["roleRef"], namespace).iter().any(|rule| covers(rule, verb, target))
    };
    bindings("clusterrolebindings", "").iter().any(|binding| granted(&binding.value, ""))
        || (!target.namespace.is_empty()
            && bindings("rolebindings", &target.namespace)
                .iter()
                .any(|binding| granted(&binding.value, &target.namespace)))
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

fn role_rules(state: &State, reference: &Value, namespace: &str) -> Vec<Value> {
    let name = reference["name"].as_str().unwrap_or_default().to_owned();
    let (resource, namespace) = match reference["kind"].as_str() {
        Some("ClusterRole") => ("clusterroles", ""),
        _ => ("roles", namespace),
    };
    let name = Name { namespace: namespace.to_owned(), name };
    let role = state.store.get(&format!("{resource}.{RBAC}").into(), &name);
    role.and_then(|role| role.value["rules"].as_array().cloned()).unwrap_or_default()
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
    has("verbs", verb)
        && has("apiGroups", &target.group)
        && (has("resources", &resource) || (!target.subresource.is_empty() && has("resources", &below)))
        && (names.is_empty() || names.iter().any(|name| name == target.name.as_str()))
}
