//! Evaluates ValidatingAdmissionPolicies, with or without an API server, and the rules of webhooks.
//!
//! ```
//! use admission_policy::{Objects, Operation, Policies, Request};
//! use serde_json::json;
//!
//! let policy = json!({
//!     "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
//!     "metadata": {"name": "replicas"},
//!     "spec": {
//!         "matchConstraints": {"resourceRules": [{
//!             "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
//!             "resources": ["deployments"],
//!         }]},
//!         "validations": [{"expression": "object.spec.replicas <= 5", "message": "at most 5 replicas"}],
//!     },
//! });
//! let binding = json!({
//!     "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
//!     "metadata": {"name": "everywhere"},
//!     "spec": {"policyName": "replicas", "validationActions": ["Deny"]},
//! });
//! let objects = Objects::new([policy, binding]);
//! let policies = Policies::of(&objects)?;
//! let object = json!({
//!     "apiVersion": "apps/v1", "kind": "Deployment",
//!     "metadata": {"name": "web", "namespace": "default"}, "spec": {"replicas": 6},
//! });
//! let request = Request::new(Operation::Create, &object, "deployments");
//! let findings = policies.check(&request, &objects);
//! assert_eq!(
//!     findings[0].to_string(),
//!     "ValidatingAdmissionPolicy 'replicas' with binding 'everywhere' denied request: at most 5 replicas"
//! );
//! # Ok::<(), admission_policy::PolicyError>(())
//! ```

#![deny(missing_docs)]
#![forbid(unsafe_code)]

mod expression;
mod library;
mod matching;
mod objects;
mod policy;
mod program;
mod request;
mod spec;
mod webhook;

pub use expression::environment;
pub use objects::{Lookup, Objects};
pub use policy::{Annotation, Finding, Policies, Review};
pub use program::{BUDGET, CompileError, EvaluationError, Program};
pub use request::{Operation, Request, UserInfo};
pub use spec::{Action, PolicyError, Selector};
pub use webhook::WebhookRules;
