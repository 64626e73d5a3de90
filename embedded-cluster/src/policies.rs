//! What ValidatingAdmissionPolicies of the cluster refuse.

use std::sync::{Arc, PoisonError};

use admission_policy::{Finding, Lookup, Operation, Policies, Request, UserInfo};
use http::StatusCode;
use serde_json::{Value, json};

use crate::call::Call;
use crate::state::State;
use crate::status::ApiError;
use crate::storage::{Name, Object};

const POLICIES: &str = "validatingadmissionpolicies.admissionregistration.k8s.io";
const BINDINGS: &str = "validatingadmissionpolicybindings.admissionregistration.k8s.io";

/// The objects of the cluster, as policies refer to them.
pub(crate) struct Stored<'a>(pub(crate) &'a State);

impl Stored<'_> {
    fn all(&self, resource: &str, namespace: &str) -> Vec<Arc<Object>> {
        self.0.store.list(&resource.into(), namespace, None, usize::MAX, |_| true).objects
    }
}

impl Lookup for Stored<'_> {
    fn namespace(&self, name: &str) -> Option<Value> {
        let name = Name { namespace: String::new(), name: name.to_owned() };
        self.0.store.get(&"namespaces".into(), &name).map(|found| found.value.clone())
    }

    fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let registry = self.0.registry();
        let Some(kind) = registry.kinds(group, version).into_iter().find(|one| one.kind == kind) else {
            return Vec::new();
        };
        let namespace = if kind.namespaced { namespace } else { "" };
        self.all(&kind.resource, namespace).iter().map(|found| found.value.clone()).collect()
    }
}

/// Asks the policies about a change, from `old` to `new`. Warnings are kept in the call.
pub(crate) fn check(call: &Call<'_>, old: Option<&Value>, new: Option<&Value>) -> Result<(), ApiError> {
    let lookup = Stored(call.state);
    let bindings = lookup.all(BINDINGS, "");
    if bindings.is_empty() {
        return Ok(());
    }
    let policies = lookup.all(POLICIES, "");
    let values = |objects: &[Arc<Object>]| objects.iter().map(|one| one.value.clone()).collect::<Vec<_>>();
    let policies = Policies::new(&values(&policies), &values(&bindings))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let operation = match (old, new) {
        (None, _) => Operation::Create,
        (Some(_), Some(_)) => Operation::Update,
        (Some(_), None) => Operation::Delete,
    };
    let request = Request {
        operation,
        object: new,
        old_object: old,
        resource: &call.kind.plural,
        subresource: &call.target.subresource,
        dry_run: call.query.get("dryRun").is_some(),
        user: UserInfo { username: call.user.name.clone(), groups: call.user.groups.clone() },
    };
    for finding in policies.check(&request, &lookup) {
        if finding.is_denied() {
            return Err(refusal(call, request.name(), &finding));
        }
        if finding.actions.contains(&admission_policy::Action::Warn) {
            call.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(finding.to_string());
        }
    }
    Ok(())
}

/// The code follows the reason that the policy gives.
fn refusal(call: &Call<'_>, name: &str, finding: &Finding) -> ApiError {
    let (code, reason) = match finding.reason.as_str() {
        "Unauthorized" => (StatusCode::UNAUTHORIZED, "Unauthorized"),
        "Forbidden" => (StatusCode::FORBIDDEN, "Forbidden"),
        "RequestEntityTooLarge" => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid"),
    };
    let text = finding.to_string();
    let mut error = ApiError::forbidden(call.kind.subject(name), &text);
    if let Some(details) = &mut error.details {
        details["causes"] = json!([{"message": finding.message}]);
    }
    ApiError { code, reason: reason.into(), ..error }
}
