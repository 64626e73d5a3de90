//! Policies with their bindings, and what they say of a request.

use std::fmt;

use serde_json::Value;

use crate::expression::Variables;
use crate::objects::{Lookup, Objects};
use crate::request::{Operation, Request};
use crate::spec::{self, Action, BindingSpec, FailurePolicy, NotFound, PolicyError, PolicySpec, Validation};

/// What a policy has against a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The policy.
    pub policy: String,
    /// The binding that makes the policy count here.
    pub binding: String,
    /// Why, in the policy's words.
    pub message: String,
    /// Why, in one word: `Invalid` unless the policy says something else.
    pub reason: String,
    /// What follows.
    pub actions: Vec<Action>,
}

impl Finding {
    /// Whether the request is refused.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.actions.contains(&Action::Deny)
    }
}

/// The words of an API server: of the refusal, or of the warning.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { policy, binding, message, .. } = self;
        if self.is_denied() {
            write!(
                f,
                "ValidatingAdmissionPolicy '{policy}' with binding '{binding}' denied request: {message}"
            )
        } else {
            write!(
                f,
                "Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {message}"
            )
        }
    }
}

/// An audit annotation that a policy adds to a request, whether or not it has something against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// The policy.
    pub policy: String,
    /// The key, which starts with the name of the policy.
    pub key: String,
    /// The value.
    pub value: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Annotation { policy, key, value } = self;
        write!(f, "ValidatingAdmissionPolicy '{policy}' adds the audit annotation {key}: {value}")
    }
}

/// What policies say of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// What they have against it.
    pub findings: Vec<Finding>,
    /// What they note.
    pub annotations: Vec<Annotation>,
}

/// Policies with their bindings.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    policies: Vec<(String, PolicySpec)>,
    bindings: Vec<(String, BindingSpec)>,
}

impl Policies {
    /// The policies and bindings among objects.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn of(objects: &Objects) -> Result<Self, PolicyError> {
        Policies::new(
            objects.of_kind("ValidatingAdmissionPolicy"),
            objects.of_kind("ValidatingAdmissionPolicyBinding"),
        )
    }

    /// These policies and bindings.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn new<'a>(
        policies: impl IntoIterator<Item = &'a Value>,
        bindings: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Self, PolicyError> {
        Ok(Policies {
            policies: policies.into_iter().map(spec::read).collect::<Result<_, _>>()?,
            bindings: bindings.into_iter().map(spec::read).collect::<Result<_, _>>()?,
        })
    }

    /// Whether nothing is ever found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() || self.bindings.is_empty()
    }

    /// A binding whose policy is not there, with the name of the policy.
    #[must_use]
    pub fn without_policy(&self) -> Option<(&str, &str)> {
        let is_there = |wanted: &str| self.policies.iter().any(|(name, _)| name == wanted);
        let mut bindings = self.bindings.iter().map(|(name, binding)| (&**name, &*binding.policy_name));
        bindings.find(|(_, policy)| !is_there(policy))
    }

    /// The names of policies that may or may not be about a request: they select namespaces by labels, and the request's
    /// namespace is not known. [`Policies::review`] treats such a namespace as one whose only label is its name.
    pub fn without_namespace(&self, request: &Request<'_>, lookup: &impl Lookup) -> Vec<&str> {
        let mut found = Vec::new();
        for (name, policy) in &self.policies {
            let rules = &policy.match_constraints;
            let bindings = self.bindings.iter().filter(|(_, binding)| binding.policy_name == *name);
            let mut resources = bindings.map(|(_, binding)| binding.match_resources.as_ref());
            let is_unknown = if rules.needs_namespace(request, lookup) {
                resources.next().is_some()
            } else {
                rules.matches(request, lookup)
                    && resources.flatten().any(|resources| resources.needs_namespace(request, lookup))
            };
            if is_unknown && !rules.resource_rules.is_empty() {
                found.push(name.as_str());
            }
        }
        found
    }

    /// What the policies have against a request. Nothing is ever found in policies themselves.
    pub fn check(&self, request: &Request<'_>, lookup: &impl Lookup) -> Vec<Finding> {
        self.review(request, lookup).findings
    }

    /// The same, with what they note.
    pub fn review(&self, request: &Request<'_>, lookup: &impl Lookup) -> Review {
        let mut review = Review::default();
        if request.group() == "admissionregistration.k8s.io"
            && request.kind().starts_with("ValidatingAdmissionPolicy")
        {
            return review;
        }
        for (name, policy) in &self.policies {
            if policy.match_constraints.resource_rules.is_empty()
                || !policy.match_constraints.matches(request, lookup)
            {
                continue;
            }
            for (binding_name, binding) in
                self.bindings.iter().filter(|(_, binding)| binding.policy_name == *name)
            {
                if binding.match_resources.as_ref().is_some_and(|wanted| !wanted.matches(request, lookup)) {
                    continue;
                }
                let check = Check { name, policy, binding_name, binding, request, lookup };
                check.run(&mut review);
            }
        }
        review
    }
}

/// A policy that is about a request, with a binding.
struct Check<'a, L> {
    name: &'a str,
    policy: &'a PolicySpec,
    binding_name: &'a str,
    binding: &'a BindingSpec,
    request: &'a Request<'a>,
    lookup: &'a L,
}

impl<L: Lookup> Check<'_, L> {
    fn run(&self, review: &mut Review) {
        let params = match self.params() {
            Ok(params) => params,
            Err(message) => return review.findings.extend(self.failure(message)),
        };
        for params in params {
            self.run_with(&params, review);
        }
    }

    /// The parameters that the policy is evaluated with, each by itself.
    fn params(&self) -> Result<Vec<Value>, String> {
        let (Some(kind), Some(reference)) = (&self.policy.param_kind, &self.binding.param_ref) else {
            return Ok(vec![Value::Null]);
        };
        let namespace = reference.namespace.as_deref().unwrap_or_else(|| self.request.namespace());
        let mut found = self.lookup.list(&kind.api_version, &kind.kind, namespace);
        found.retain(|object| {
            let is_named = reference.name.as_ref().is_none_or(|name| object["metadata"]["name"] == **name);
            is_named && reference.selector.as_ref().is_none_or(|selector| selector.matches(object))
        });
        if found.is_empty() && reference.parameter_not_found_action == NotFound::Deny {
            return Err(
                "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
                    .to_owned(),
            );
        }
        Ok(found)
    }

    fn run_with(&self, params: &Value, review: &mut Review) {
        let Review { findings, annotations } = review;
        let mut variables = Variables::new();
        let namespace = match self.request.namespace() {
            "" => None,
            name => self.lookup.namespace(name),
        };
        variables.set("object", self.request.object.unwrap_or(&Value::Null));
        variables.set("oldObject", self.request.old_object.unwrap_or(&Value::Null));
        variables.set("request", &self.request.to_value());
        variables.set("params", params);
        variables.set("namespaceObject", &namespace.unwrap_or_default());
        match self.is_meant(&variables) {
            Ok(true) => {}
            Ok(false) => return,
            Err(message) => return findings.extend(self.failure(message)),
        }
        let named =
            self.policy.variables.iter().map(|named| (named.name.as_str(), named.expression.as_str()));
        let failures = variables.add_named(named);
        match self.annotations(&variables) {
            Ok(found) => {
                for annotation in found {
                    // Other bindings and parameters may give the same one.
                    if !annotations.contains(&annotation) {
                        annotations.push(annotation);
                    }
                }
            }
            Err(messages) => {
                // An API server refuses then, whatever the binding says.
                let failures = messages.into_iter().filter_map(|message| self.failure(message));
                findings.extend(failures.map(|failure| Finding { actions: vec![Action::Deny], ..failure }));
            }
        }
        let is_deleted = self.request.operation == Operation::Delete && self.request.object.is_none();
        for validation in &self.policy.validations {
            match variables.truth(&validation.expression) {
                Ok(true) => {}
                Ok(false) => findings.push(Finding {
                    reason: validation.reason.clone().unwrap_or_else(|| "Invalid".to_owned()),
                    ..self.finding(message(validation, &variables))
                }),
                Err(error) => {
                    let mut message =
                        format!("expression '{}' resulted in error: {error}", validation.expression.trim());
                    for failure in &failures {
                        message.push_str(&format!("; {failure}"));
                    }
                    if is_deleted && validation.expression.contains("object.") {
                        message.push_str("; there is no object when one is deleted, only oldObject");
                    }
                    findings.extend(self.failure(message));
                }
            }
        }
    }

    /// Whether all match conditions hold. One that does not hold counts for more than one that fails.
    fn is_meant(&self, variables: &Variables) -> Result<bool, String> {
        let mut failure = None;
        for condition in &self.policy.match_conditions {
            match variables.truth(&condition.expression) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => {
                    let message =
                        || format!("match condition '{}' resulted in error: {error}", condition.name);
                    failure.get_or_insert_with(message);
                }
            }
        }
        failure.map_or(Ok(true), Err)
    }

    /// The audit annotations, or what fails of them.
    fn annotations(&self, variables: &Variables) -> Result<Vec<Annotation>, Vec<String>> {
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for annotation in &self.policy.audit_annotations {
            let expression = &annotation.value_expression;
            match variables.text(expression) {
                Ok(Some(value)) if !value.trim().is_empty() => {
                    found.push(Annotation {
                        policy: self.name.to_owned(),
                        key: format!("{}/{}", self.name, annotation.key),
                        value: value.trim().to_owned(),
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    failures.push(format!("expression '{}' resulted in error: {error}", expression.trim()));
                }
            }
        }
        if failures.is_empty() { Ok(found) } else { Err(failures) }
    }

    fn finding(&self, message: String) -> Finding {
        Finding {
            policy: self.name.to_owned(),
            binding: self.binding_name.to_owned(),
            message,
            reason: "Invalid".to_owned(),
            actions: self.binding.validation_actions.clone(),
        }
    }

    /// What follows from an expression that has no value.
    fn failure(&self, message: String) -> Option<Finding> {
        (self.policy.failure_policy == FailurePolicy::Fail).then(|| self.finding(message))
    }
}

/// The words of a validation that does not hold.
fn message(validation: &Validation, variables: &Variables) -> String {
    if !validation.message_expression.is_empty()
        && let Ok(Some(text)) = variables.text(&validation.message_expression)
        && !text.trim().is_empty()
        && !text.contains('\n')
    {
        return text.trim().to_owned();
    }
    match validation.message.trim() {
        "" => format!("failed expression: {}", validation.expression.trim()),
        message => message.to_owned(),
    }
}
