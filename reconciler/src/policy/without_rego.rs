//! What stands for policies in Rego when the program was built without them: an error, so that none is ignored.

use std::path::Path;

use admission_policy::{Lookup, Request};
use serde_json::Value;

use super::Finding;

/// What the program is called with to evaluate modules in Rego, if it can.
pub const ARGUMENT: &str = "evaluate-rego";

#[derive(Clone, Debug)]
pub(super) struct Rego;

/// Whether an object is a policy of Gatekeeper.
pub(super) fn is_template(object: &Value) -> bool {
    object["kind"] == "ConstraintTemplate"
        && object["apiVersion"]
            .as_str()
            .is_some_and(|version| version.starts_with("templates.gatekeeper.sh/"))
}

pub(super) fn check_support(path: &str) -> Result<(), String> {
    Err(format!(
        "{path} has a policy in Rego, which this program was built without: build it with the feature `rego` \
         (`cargo install reconciler --features rego`), or leave the file out"
    ))
}

impl Rego {
    pub(super) fn new(_: Vec<(String, String)>, _: &[Value], _: &Path) -> Result<Self, String> {
        Ok(Rego)
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn check(
        &self,
        requests: &[Request<'_>],
        _: &impl Lookup,
    ) -> Result<Vec<Vec<Finding>>, String> {
        Ok(vec![Vec::new(); requests.len()])
    }
}
