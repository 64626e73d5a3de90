//! Nobody grants rights that they do not have.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>.

use serde_json::{Value, json};

use crate::access::{self, RBAC, User};
use crate::call::Call;
use crate::request::Target;
use crate::state::State;
use crate::status::{ApiError, Subject};

/// How many single rights of a role are looked at. Roles that people write have a few dozen.
const MOST: usize = 20_000;

/// Refuses a role, or a binding to a role, with rights that its author does not have.
pub(crate) fn check(call: &Call<'_>, value: &Value) -> Result<(), ApiError> {
    let kind = call.kind;
    if kind.group != RBAC || access::is_admin(call.user) {
        return Ok(());
    }
    let namespace = &*call.target.namespace;
    let name = value["metadata"]["name"].as_str().unwrap_or_default();
    let is_binding = kind.plural.ends_with("bindings");
    let (verb, role, rules) = if is_binding {
        let reference = &value["roleRef"];
        let role = reference["name"].as_str().unwrap_or_default();
        let resource = if reference["kind"] == "ClusterRole" { "clusterroles" } else { "roles" };
        let rules = access::role_rules(call.state, reference, namespace);
        let subject = Subject { group: RBAC, resource, kind: "", name: role };
        ("bind", (resource, role), rules.ok_or_else(|| ApiError::not_found(subject))?)
    } else {
        let rules = value["rules"].as_array().cloned().unwrap_or_default();
        ("escalate", (&*kind.plural, name), rules)
    };
    let target = Target {
        group: RBAC.to_owned(),
        version: "v1".to_owned(),
        resource: role.0.to_owned(),
        namespace: namespace.to_owned(),
        name: role.1.to_owned(),
        subresource: String::new(),
    };
    if access::allows(call.state, call.user, verb, &target) {
        return Ok(());
    }
    let missing = missing(call.state, call.user, namespace, &rules);
    if missing.is_empty() {
        return Ok(());
    }
    let User { name: user, groups } = call.user;
    let groups: Vec<String> = groups.iter().map(|group| format!("{group:?}")).collect();
    let detail = format!(
        "user {user:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        groups.join(" "),
        missing.join("\n")
    );
    let subject = Subject { group: RBAC, resource: &kind.plural, kind: "", name };
    Err(ApiError::forbidden(subject, &detail))
}

/// The rights in the rules that the user does not have, as Kubernetes prints them.
fn missing(state: &State, user: &User, namespace: &str, rules: &[Value]) -> Vec<String> {
    let held = access::rules(state, user, namespace);
    let (mut missing, mut looked_at) = (Vec::new(), 0_usize);
    for rule in rules {
        let fields: &[(&str, &str)] = if rule.get("nonResourceURLs").is_some() {
            &[("NonResourceURLs", "nonResourceURLs")]
        } else {
            &[("APIGroups", "apiGroups"), ("Resources", "resources"), ("ResourceNames", "resourceNames")]
        };
        let mut rights = vec![(json!({}), String::new())];
        for (title, field) in fields {
            let words = access::texts(rule.get(field));
            if words.is_empty() && *field == "resourceNames" {
                continue;
            }
            let count = rights.len().saturating_mul(words.len());
            if looked_at.saturating_add(count) > MOST {
                return vec![format!("more than {MOST} single rights, which are too many to compare")];
            }
            let with = |(right, text): &(Value, String), word: &String| {
                let mut right = right.clone();
                right[*field] = json!([word]);
                (right, format!("{text}{title}:[{word:?}], "))
            };
            rights = rights.iter().flat_map(|right| words.iter().map(|word| with(right, word))).collect();
        }
        let verbs = access::texts(rule.get("verbs"));
        looked_at = looked_at.saturating_add(rights.len().saturating_mul(verbs.len()));
        if looked_at > MOST {
            return vec![format!("more than {MOST} single rights, which are too many to compare")];
        }
        for (right, text) in rights {
            let lacks = |verb: &&String| !held.iter().any(|rule| has(rule, &right, verb));
            let verbs: Vec<String> = verbs.iter().filter(lacks).map(|verb| format!("{verb:?}")).collect();
            if !verbs.is_empty() {
                missing.push(format!("{{{text}Verbs:[{}]}}", verbs.join(" ")));
            }
        }
    }
    missing.sort();
    missing
}

/// Whether a rule grants a single right.
fn has(rule: &Value, right: &Value, verb: &str) -> bool {
    let words = |value: &Value, field: &str| access::texts(value.get(field));
    let includes = |field: &str, matches: &dyn Fn(&str, &str) -> bool| {
        let held = words(rule, field);
        words(right, field).iter().all(|wanted| held.iter().any(|held| held == "*" || matches(held, wanted)))
    };
    let is_verb = words(rule, "verbs").iter().any(|held| held == "*" || held == verb);
    let is_path = |held: &str, wanted: &str| {
        held == wanted || held.strip_suffix('*').is_some_and(|start| wanted.starts_with(start))
    };
    let is_resource = |held: &str, wanted: &str| {
        let below = wanted.split_once('/').is_some_and(|(_, below)| held.strip_prefix("*/") == Some(below));
        held == wanted || below
    };
    if right.get("nonResourceURLs").is_some() {
        return is_verb && includes("nonResourceURLs", &is_path);
    }
    let names = words(rule, "resourceNames");
    let is_name = names.is_empty()
        || right
            .get("resourceNames")
            .is_some_and(|_| words(right, "resourceNames").iter().all(|wanted| names.contains(wanted)));
    is_verb
        && is_name
        && includes("apiGroups", &|held, wanted| held == wanted)
        && includes("resources", &is_resource)
}
