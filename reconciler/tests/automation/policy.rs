//! Step 10: what a policy of the cluster refuses is said by the condition, the event and Slack in the policy's words.

use std::time::{Duration, Instant};

use http::Request;
use serde_json::{Value, json};

use super::slack::{PATIENCE, Slack};
use super::{CLUSTER, Outcome, Stage};

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
