//! Policies in Rego.

use std::path::Path;

use admission_policy::{Action, Lookup, Request};
use rego_policy::{Module, Policies, Worker};
use serde_json::Value;

use super::{Finding, Level};

/// What the program is called with to evaluate modules in Rego, besides nothing else.
pub const ARGUMENT: &str = "evaluate-rego";

/// Modules and constraints, and the program that evaluates them.
#[derive(Clone, Debug)]
pub(super) struct Rego {
    policies: Policies,
    worker: Worker,
}

impl From<rego_policy::Finding> for Finding {
    fn from(finding: rego_policy::Finding) -> Self {
        let level = match finding.action {
            Action::Deny => Level::Denied,
            Action::Warn => Level::Warning,
            Action::Audit => Level::Note,
        };
        Finding { text: finding.to_string(), level, policy: finding.policy, message: finding.message }
    }
}

/// Whether an object is a policy of Gatekeeper.
pub(super) fn is_template(_: &Value) -> bool {
    false
}

/// Everything is supported.
pub(super) fn check_support(_: &str) -> Result<(), String> {
    Ok(())
}

impl Rego {
    pub(super) fn new(
        modules: Vec<(String, String)>,
        objects: &[Value],
        evaluator: &Path,
    ) -> Result<Self, String> {
        let modules = modules.into_iter().map(|(path, text)| Module { path, text }).collect();
        let policies = Policies::new(modules, objects).map_err(|error| error.to_string())?;
        Ok(Rego { policies, worker: Worker::new(evaluator, &[ARGUMENT]) })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    pub(super) fn check(
        &self,
        requests: &[Request<'_>],
        lookup: &impl Lookup,
    ) -> Result<Vec<Vec<Finding>>, String> {
        let findings =
            self.policies.check(&self.worker, requests, lookup).map_err(|error| error.to_string())?;
        Ok(findings.into_iter().map(|found| found.into_iter().map(Finding::from).collect()).collect())
    }
}
