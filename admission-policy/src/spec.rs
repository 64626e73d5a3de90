//! Policies and bindings as they are written.
//!
//! Fields and defaults are those of `admissionregistration.k8s.io/v1`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// What follows from a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Action {
    /// The request is refused.
    Deny,
    /// Who asks is warned.
    Warn,
    /// It is noted.
    Audit,
}

/// A policy or a binding that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{kind} {name:?}: {reason}")]
pub struct PolicyError {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub reason: String,
}

/// Reads the spec of an object.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(object: &Value) -> Result<(String, T), PolicyError> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text("/metadata/name");
    let spec = object.get("spec").cloned().unwrap_or_default();
    match serde_json::from_value(spec) {
        Ok(spec) => Ok((name, spec)),
        Err(error) => Err(PolicyError { kind: text("/kind"), name, reason: error.to_string() }),
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicySpec {
    #[serde(default)]
    pub(crate) param_kind: Option<ParamKind>,
    #[serde(default)]
    pub(crate) match_constraints: MatchResources,
    #[serde(default)]
    pub(crate) validations: Vec<Validation>,
    #[serde(default)]
    pub(crate) failure_policy: FailurePolicy,
    #[serde(default)]
    pub(crate) audit_annotations: Vec<AuditAnnotation>,
    #[serde(default)]
    pub(crate) match_conditions: Vec<Named>,
    #[serde(default)]
    pub(crate) variables: Vec<Named>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum FailurePolicy {
    #[default]
    Fail,
    Ignore,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParamKind {
    pub(crate) api_version: String,
    pub(crate) kind: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Validation {
    pub(crate) expression: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) message_expression: String,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditAnnotation {
    pub(crate) key: String,
    pub(crate) value_expression: String,
}

/// An expression with a name.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) expression: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BindingSpec {
    pub(crate) policy_name: String,
    #[serde(default)]
    pub(crate) param_ref: Option<ParamRef>,
    #[serde(default)]
    pub(crate) match_resources: Option<MatchResources>,
    #[serde(default)]
    pub(crate) validation_actions: Vec<Action>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParamRef {
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    #[serde(default)]
    pub(crate) selector: Option<Selector>,
    #[serde(default)]
    pub(crate) parameter_not_found_action: NotFound,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum NotFound {
    Allow,
    #[default]
    Deny,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MatchResources {
    #[serde(default)]
    pub(crate) namespace_selector: Option<Selector>,
    #[serde(default)]
    pub(crate) object_selector: Option<Selector>,
    #[serde(default)]
    pub(crate) resource_rules: Vec<Rule>,
    #[serde(default)]
    pub(crate) exclude_resource_rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) api_groups: Vec<String>,
    #[serde(default)]
    pub(crate) api_versions: Vec<String>,
    #[serde(default)]
    pub(crate) operations: Vec<String>,
    #[serde(default)]
    pub(crate) resources: Vec<String>,
    #[serde(default)]
    pub(crate) resource_names: Vec<String>,
    #[serde(default)]
    pub(crate) scope: Option<String>,
}

/// Labels that are wanted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    #[serde(default)]
    pub(crate) match_labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) operator: String,
    #[serde(default)]
    pub(crate) values: Vec<String>,
}
