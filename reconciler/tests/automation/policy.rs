//! Step 10: what a policy of the cluster refuses is said by the condition, the event and Slack in the policy's words.

use std::time::{Duration, Instant};

use http::Request;
use serde_json::{Value, json};

use super::slack::{PATIENCE, Slack};
use super::{CLUSTER, Outcome, Stage, environment};

const OVERLAY: &str = "apps/overlays/production/kustomization.yaml";
const REFUSAL: &str = "ValidatingAdmissionPolicy 'few-replicas' with binding 'few-replicas' denied request: \
                       'at most 3 replicas here, not 7'";

/// A policy for the namespace production, with its binding.
const POLICY: &str = r#"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: few-replicas
spec:
  matchConstraints:
    resourceRules:
    - apiGroups: [apps]
      apiVersions: [v1]
      operations: [CREATE, UPDATE]
      resources: [deployments]
  validations:
  - expression: object.spec.replicas <= 3
    messageExpression: "\"'at most 3 replicas here, not \" + string(object.spec.replicas) + \"'\""
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: few-replicas
spec:
  policyName: few-replicas
  validationActions: [Deny]
  matchResources:
    namespaceSelector:
      matchLabels:
        kubernetes.io/metadata.name: production
"#;

/// A policy for objects that are new, and one for those that exist.
const OPERATIONS: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: only-new}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE], resources: [configmaps, deployments]}
  validations: [{expression: 'false', message: it is new}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: only-new}
spec: {policyName: only-new, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: one-step}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: ['*'], apiVersions: ['*'], operations: [UPDATE], resources: [configmaps, deployments]}
  validations:
  - expression: object.spec.replicas <= oldObject.spec.replicas + 1
    messageExpression: \"'from ' + string(oldObject.spec.replicas) + ' to ' + string(object.spec.replicas)\"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: one-step}
spec: {policyName: one-step, validationActions: [Deny]}
";

/// Plays the step.
pub(crate) async fn play(stage: &Stage, slack: &Slack) -> Outcome {
    let file = format!("{CLUSTER}/policy.yaml");
    stage.commit("allow few replicas only", &[(&file, POLICY)])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    // A real server takes a while to notice a new policy.
    let probe = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe", "namespace": "production"},
        "spec": {
            "replicas": 7, "selector": {"matchLabels": {"app": "probe"}},
            "template": {"metadata": {"labels": {"app": "probe"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}},
        },
    });
    until_refused(stage, "/apis/apps/v1/namespaces/production/deployments?dryRun=All", &probe).await?;

    let overlay = |replicas: &str| {
        format!("resources:\n- ../../base\n- namespace.yaml\nnamespace: production\n{replicas}")
    };
    let many = overlay("replicas:\n- name: kustomize-ginx\n  count: 7\n");
    stage.commit("scale out", &[(OVERLAY, &many)])?;
    stage.reconcile("apps-production").await?;
    let message = stage.not_ready("apps-production", "ReconciliationFailed", REFUSAL).await?;
    let place = "Deployment/production/kustomize-ginx is written at apps/base/deployment.yaml:1";
    assert!(message.contains(place), "{message}");
    let is_told = |event: &Value| {
        event["type"] == "Warning" && event["message"].as_str().is_some_and(|found| found.contains(REFUSAL))
    };
    stage.event("apps-production", is_told).await?;
    slack.says(stage, "danger", REFUSAL).await?;
    let deployment = "/apis/apps/v1/namespaces/production/deployments/kustomize-ginx";
    let found = stage.get(deployment).await?.unwrap_or_default();
    assert_eq!(found["spec"]["replicas"], 2, "{found}");

    stage.commit("scale in", &[(OVERLAY, &overlay(""))])?;
    stage.reconcile("apps-production").await?;
    stage.ready("apps-production", &stage.revision()?).await?;
    slack.says(stage, "good", "scale in").await?;
    stage.commit("drop the policy", &[(&file, "")])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    asked_before_applying(stage).await
}

/// Policies of the source that a Kustomization names are asked before anything is applied. The cluster has none.
async fn asked_before_applying(stage: &Stage) -> Outcome {
    let kustomization = format!("{CLUSTER}/apps-production.yaml");
    let plain = environment("production");
    let name = "  name: apps-production\n";
    let annotated = plain
        .replace(name, &format!("{name}  annotations:\n    kustomize.toolkit.fluxcd.io/policies: ./gate\n"));
    let overlay = |more: &str| {
        format!("resources:\n- ../../base\n- namespace.yaml\n- marker.yaml\nnamespace: production\n{more}")
    };
    let marker = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: marker\n";
    let many = overlay("replicas:\n- name: kustomize-ginx\n  count: 7\n");
    stage.commit("ask policies first", &[(&kustomization, &annotated), ("gate/replicas.yaml", POLICY)])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    let marker_file = "apps/overlays/production/marker.yaml";
    stage.commit("scale out again", &[(OVERLAY, &many), (marker_file, marker)])?;
    stage.reconcile("apps-production").await?;
    let message = stage.not_ready("apps-production", "ReconciliationFailed", REFUSAL).await?;
    let words = format!(
        "nothing is applied, because of Deployment/production/kustomize-ginx (apps/base/deployment.yaml:1): {REFUSAL}"
    );
    assert_eq!(message, words);
    #[cfg(feature = "rego")]
    {
        let rules = "package main\n\ndeny contains \"too many\" if input.spec.replicas > 3\n";
        stage.commit("the same in Rego", &[("gate/replicas.yaml", ""), ("gate/replicas.rego", rules)])?;
        stage.reconcile("apps-production").await?;
        let denied = "Rego policy 'main.deny' denied request: too many";
        let message = stage.not_ready("apps-production", "ReconciliationFailed", denied).await?;
        let place = "Deployment/production/kustomize-ginx (apps/base/deployment.yaml:1): ";
        assert_eq!(message, format!("nothing is applied, because of {place}{denied}"));
        stage.commit("no Rego", &[("gate/replicas.rego", "")])?;
    }
    stage.commit("tell new objects from others", &[("gate/replicas.yaml", OPERATIONS)])?;
    stage.reconcile("apps-production").await?;
    let message = stage.not_ready("apps-production", "ReconciliationFailed", "only-new").await?;
    let words = "nothing is applied, because of ConfigMap/production/marker (apps/overlays/production/marker.yaml:1): \
                 ValidatingAdmissionPolicy 'only-new' with binding 'only-new' denied request: it is new, \
                 Deployment/production/kustomize-ginx (apps/base/deployment.yaml:1): ValidatingAdmissionPolicy \
                 'one-step' with binding 'one-step' denied request: from 2 to 7";
    assert_eq!(message, words);
    let config = "/api/v1/namespaces/production/configmaps/marker";
    assert_eq!(stage.get(config).await?, None, "something was applied");
    stage.commit("scale in again", &[(OVERLAY, &overlay("")), ("gate/replicas.yaml", POLICY)])?;
    stage.reconcile("apps-production").await?;
    stage.ready("apps-production", &stage.revision()?).await?;
    assert!(stage.get(config).await?.is_some());
    stage.commit("ask no more", &[(&kustomization, &plain)])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await
}

/// Waits until the cluster refuses a new object.
async fn until_refused(stage: &Stage, path: &str, object: &Value) -> Outcome {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let request = Request::post(path).header("content-type", "application/json");
        match stage.client.request::<Value>(request.body(serde_json::to_vec(object)?)?).await {
            Err(kube::Error::Api(status)) if status.message.contains(REFUSAL) => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    Err(format!("{path} does not refuse with {REFUSAL:?}").into())
}
