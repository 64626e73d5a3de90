//! Which requests a policy is about.

use serde_json::Value;

use crate::objects::{Lookup, named};
use crate::request::Request;
use crate::spec::{MatchResources, Rule, Selector};

/// The label of a namespace with its name.
const NAME: &str = "kubernetes.io/metadata.name";

impl Selector {
    /// Whether an object has the labels that are wanted.
    #[must_use]
    pub fn matches(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"].get(key).and_then(Value::as_str);
        let labels = self.match_labels.iter().all(|(key, value)| label(key) == Some(value));
        labels
            && self.match_expressions.iter().all(|wanted| {
                let value = label(&wanted.key);
                let is_listed = value.is_some_and(|value| wanted.values.iter().any(|one| one == value));
                match wanted.operator.as_str() {
                    "In" => is_listed,
                    "NotIn" => !is_listed,
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
    }
}

impl Rule {
    fn matches(&self, request: &Request<'_>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|one| one == "*" || one == wanted);
        has(&self.api_groups, request.group())
            && has(&self.api_versions, request.version())
            && has(&self.operations, request.operation.as_str())
            && self.resources.iter().any(|resource| is_resource(resource, request))
            && (self.resource_names.is_empty() || has(&self.resource_names, request.name()))
            && match self.scope.as_deref() {
                Some("Cluster") => request.namespace().is_empty(),
                Some("Namespaced") => !request.namespace().is_empty(),
                _ => true,
            }
    }
}

/// Whether a resource of a rule, such as `pods`, `pods/status`, `pods/*` or `*/*`, is the one of a request.
fn is_resource(rule: &str, request: &Request<'_>) -> bool {
    let (resource, subresource) = rule.split_once('/').unwrap_or((rule, ""));
    (resource == "*" || resource == request.resource)
        && (subresource == "*" || subresource == request.subresource)
}

impl MatchResources {
    /// Whether the request is one of these. Without rules, all are.
    pub(crate) fn matches(&self, request: &Request<'_>, lookup: &impl Lookup) -> bool {
        self.matches_anywhere(request) && self.is_in_namespace(request, lookup)
    }

    /// Whether the labels of the request's namespace decide if the request is one of these, and the namespace is not known.
    pub(crate) fn needs_namespace(&self, request: &Request<'_>, lookup: &impl Lookup) -> bool {
        self.namespace_selector.as_ref().is_some_and(Selector::needs_labels)
            && self.matches_anywhere(request)
            && !request.namespace().is_empty()
            && lookup.namespace(request.namespace()).is_none()
    }

    /// Whether the request is one of these, whatever its namespace is.
    fn matches_anywhere(&self, request: &Request<'_>) -> bool {
        let is_listed = self.resource_rules.is_empty() || any(&self.resource_rules, request);
        is_listed && !any(&self.exclude_resource_rules, request) && self.has_labels(request)
    }

    fn has_labels(&self, request: &Request<'_>) -> bool {
        let Some(selector) = &self.object_selector else { return true };
        request.object.into_iter().chain(request.old_object).any(|object| selector.matches(object))
    }

    fn is_in_namespace(&self, request: &Request<'_>, lookup: &impl Lookup) -> bool {
        self.namespace_selector.as_ref().is_none_or(|selector| selector.matches_namespace(request, lookup))
    }
}

impl Selector {
    /// Whether it selects by labels besides the name, which every namespace has.
    fn needs_labels(&self) -> bool {
        let keys = self.match_labels.keys().chain(self.match_expressions.iter().map(|wanted| &wanted.key));
        keys.into_iter().any(|key| key != NAME)
    }

    /// Whether the namespace of a request has the labels that are wanted. The labels of a Namespace are its own;
    /// what is in no namespace is always meant.
    #[must_use]
    pub fn matches_namespace(&self, request: &Request<'_>, lookup: &impl Lookup) -> bool {
        if request.group().is_empty() && request.kind() == "Namespace" {
            return request.object.or(request.old_object).is_some_and(|object| self.matches(&named(object)));
        }
        if request.namespace().is_empty() {
            return true;
        }
        // One that is not known has no labels but its name.
        let namespace = lookup
            .namespace(request.namespace())
            .unwrap_or_else(|| serde_json::json!({"metadata": {"labels": {NAME: request.namespace()}}}));
        self.matches(&namespace)
    }
}

fn any(rules: &[Rule], request: &Request<'_>) -> bool {
    rules.iter().any(|rule| rule.matches(request))
}
