//! Which requests a webhook is called for.

use serde::Deserialize;
use serde_json::Value;

use crate::expression::Variables;
use crate::objects::Lookup;
use crate::request::Request;
use crate::spec::{FailurePolicy, MatchResources, Named, Rule, Selector};

/// The requests that a webhook of a ValidatingWebhookConfiguration or MutatingWebhookConfiguration is called for.
///
/// ```
/// use admission_policy::{Objects, Operation, Request, WebhookRules};
/// use serde_json::json;
///
/// let rules = WebhookRules::of(&json!({
///     "name": "pods.example.org",
///     "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
///     "matchConditions": [{"name": "labelled", "expression": "has(object.metadata.labels)"}],
/// }))?;
/// let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}});
/// let request = Request::new(Operation::Create, &pod, "pods");
/// assert!(rules.are_about(&request, &Objects::default()));
/// assert_eq!(rules.conditions_hold(&request), Ok(false));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookRules {
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    namespace_selector: Option<Selector>,
    #[serde(default)]
    object_selector: Option<Selector>,
    #[serde(default)]
    match_conditions: Vec<Named>,
    #[serde(default)]
    failure_policy: FailurePolicy,
}

impl WebhookRules {
    /// Reads an entry of `webhooks`.
    ///
    /// # Errors
    /// The entry cannot be read.
    pub fn of(webhook: &Value) -> Result<Self, serde_json::Error> {
        WebhookRules::deserialize(webhook)
    }

    /// Whether one of the rules and both selectors match. Without rules, no request is meant.
    pub fn are_about(&self, request: &Request<'_>, lookup: &impl Lookup) -> bool {
        let resources = MatchResources {
            namespace_selector: self.namespace_selector.clone(),
            object_selector: self.object_selector.clone(),
            resource_rules: self.rules.clone(),
            exclude_resource_rules: Vec::new(),
        };
        !self.rules.is_empty() && resources.matches(request, lookup)
    }

    /// Whether all conditions hold.
    ///
    /// # Errors
    /// No condition is false, and one has no value. With `failurePolicy: Ignore` it counts as false.
    pub fn conditions_hold(&self, request: &Request<'_>) -> Result<bool, String> {
        if self.match_conditions.is_empty() {
            return Ok(true);
        }
        let mut variables = Variables::new();
        variables.set("object", request.object.unwrap_or(&Value::Null));
        variables.set("oldObject", request.old_object.unwrap_or(&Value::Null));
        variables.set("request", &request.to_value());
        let mut failures = Vec::new();
        for condition in &self.match_conditions {
            match variables.truth(&condition.expression) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => {
                    failures.push(format!("match condition '{}' resulted in error: {error}", condition.name));
                }
            }
        }
        match self.failure_policy {
            _ if failures.is_empty() => Ok(true),
            FailurePolicy::Fail => Err(failures.join(", ")),
            FailurePolicy::Ignore => Ok(false),
        }
    }

    /// Whether requests pass when the webhook cannot be called.
    #[must_use]
    pub fn ignores_failures(&self) -> bool {
        self.failure_policy == FailurePolicy::Ignore
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Objects, Operation};

    fn conditions(policy: &str, expressions: &[&str]) -> Result<bool, Box<dyn std::error::Error>> {
        let conditions: Vec<Value> =
            expressions.iter().map(|expression| json!({"name": "c", "expression": expression})).collect();
        let rules = WebhookRules::of(&json!({"failurePolicy": policy, "matchConditions": conditions}))?;
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
        Ok(rules.conditions_hold(&Request::new(Operation::Create, &pod, "pods"))?)
    }

    #[test]
    fn one_false_condition_counts_more_than_failures() -> Result<(), Box<dyn std::error::Error>> {
        assert!(conditions("Fail", &["true", "request.name == 'a'"])?);
        assert!(!conditions("Fail", &["object.spec.x == 1", "false"])?);
        assert!(conditions("Fail", &["true", "object.spec.x == 1"]).is_err());
        assert!(!conditions("Ignore", &["true", "object.spec.x == 1"])?);
        Ok(())
    }

    #[test]
    fn without_rules_nothing_is_meant() -> Result<(), Box<dyn std::error::Error>> {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
        let request = Request::new(Operation::Create, &pod, "pods");
        assert!(!WebhookRules::of(&json!({}))?.are_about(&request, &Objects::default()));
        Ok(())
    }
}
