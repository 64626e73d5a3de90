//! A ValidatingAdmissionPolicy for the ConfigMaps of a namespace.

use std::time::Duration;

use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, PostParams};
use kube::{Client, Error, ResourceExt};
use serde_json::{Value, json};

use crate::suite::{Outcome, fresh_namespace, kind, object, of};

const GROUP: &str = "admissionregistration.k8s.io";

/// A policy with its binding, both named like the namespace.
pub(crate) struct Enforced {
    pub(crate) namespace: String,
    pub(crate) maps: Api<DynamicObject>,
    policies: Api<DynamicObject>,
    bindings: Api<DynamicObject>,
}

impl Enforced {
    /// Creates the policy in a namespace of its own.
    pub(crate) async fn new(
        client: &Client,
        prefix: &str,
        operations: &[&str],
        variables: Value,
        validations: Value,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let namespace = fresh_namespace(client, prefix).await?;
        let all = |kind: &ApiResource| Api::<DynamicObject>::all_with(client.clone(), kind);
        let policies = all(&kind(GROUP, "v1", "ValidatingAdmissionPolicy"));
        let bindings = all(&ApiResource {
            plural: "validatingadmissionpolicybindings".to_owned(),
            ..kind(GROUP, "v1", "ValidatingAdmissionPolicyBinding")
        });
        let policy = object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": namespace},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {
                    "resourceRules": [{
                        "apiGroups": [""], "apiVersions": ["v1"], "operations": operations, "resources": ["configmaps"],
                    }],
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                },
                "matchConditions": [{"name": "ours", "expression": "request.name != 'kube-root-ca.crt'"}],
                "variables": variables,
                "validations": validations,
            },
        }))?;
        policies.create(&PostParams::default(), &policy).await?;
        let binding = object(json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": namespace}, "spec": {"policyName": namespace, "validationActions": ["Deny"]},
        }))?;
        bindings.create(&PostParams::default(), &binding).await?;
        let maps = of(client, &namespace, &kind("", "v1", "ConfigMap"));
        Ok(Enforced { namespace, maps, policies, bindings })
    }

    /// Creates a ConfigMap until it is refused: a real server takes a while to notice a new policy.
    pub(crate) async fn refusal(
        &self,
        map: &DynamicObject,
    ) -> Result<Error, Box<dyn std::error::Error + Send + Sync>> {
        for _ in 0..120 {
            match self.maps.create(&PostParams::default(), map).await {
                Ok(_) => {
                    self.maps.delete(&map.name_any(), &DeleteParams::default()).await?;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return Ok(error),
            }
        }
        Err("the policy was never enforced".into())
    }

    pub(crate) async fn end(self) -> Outcome {
        self.bindings.delete(&self.namespace, &DeleteParams::default()).await?;
        self.policies.delete(&self.namespace, &DeleteParams::default()).await?;
        Ok(())
    }
}
