//! `diff --policy`: what exists in the cluster is asked about as a change, and the rest as something new.

use crate::stage::{Result, Stage};

const OVERLAY: &str = "resources: [deployment.yaml, map.yaml]\nnamespace: default\n";
const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: diff-policy}\n";
const KUSTOMIZATION: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web, namespace: flux-system}
spec: {interval: 1m, prune: true, sourceRef: {kind: GitRepository, name: web}, path: ./web}
";

/// A policy with its binding.
fn policy(name: &str, operation: &str, expression: &str, message: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: ['*'], apiVersions: ['*'], operations: [{operation}], resources: [configmaps, deployments]}}
  validations:
  - expression: {expression}
    messageExpression: {message}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"
    )
}

fn deployment(replicas: u32) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: diff-policy}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: diff-policy}}}}
  template:
    metadata: {{labels: {{app: diff-policy}}}}
    spec: {{containers: [{{name: web, image: web}}]}}
"
    )
}

#[test]
fn policies_know_what_exists() -> Result {
    let stage = Stage::new()?;
    let replicas = "string(oldObject.spec.replicas) + ' to ' + string(object.spec.replicas)";
    let files = [
        ("web/kustomization.yaml", OVERLAY.to_owned()),
        ("web/map.yaml", MAP.to_owned()),
        ("web/deployment.yaml", deployment(9)),
        ("web.yaml", KUSTOMIZATION.to_owned()),
        ("create/policy.yaml", policy("only-new", "CREATE", "'false'", "\"'new ' + object.kind\"")),
        (
            "update/policy.yaml",
            policy("one-step", "UPDATE", "object.spec.replicas <= oldObject.spec.replicas + 1", replicas),
        ),
    ];
    for (name, text) in files {
        let path = stage.path(name);
        std::fs::create_dir_all(path.parent().ok_or("no directory")?)?;
        std::fs::write(path, text)?;
    }
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let live: serde_json::Value = serde_yaml::from_str(&deployment(2))?;
    stage.post(deployments, &live)?;
    let here = stage.directory.path().display();
    let diff = |policies: &str| -> Result<(Option<i32>, String, String)> {
        let line = format!(
            "diff kustomization web --path {here}/web --kustomization-file {here}/web.yaml --ignore-not-found {policies}"
        );
        let output = stage.run(&line)?;
        Ok((output.status.code(), String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
    };

    let (status, out, error) = diff(&format!("--policy {here}/create --policy {here}/update"))?;
    assert_eq!(status, Some(2), "{out}\n{error}");
    let lines: Vec<&str> = out.lines().filter(|line| line.starts_with('►')).collect();
    let changes = ["► ConfigMap/default/diff-policy created", "► Deployment/default/diff-policy drifted"];
    assert!(changes.iter().all(|change| lines.contains(change)), "{out}\n{error}");
    let denied = |kind: &str, place: &str, policy: &str, message: &str| {
        format!(
            "{place}: {kind}/default/diff-policy: ValidatingAdmissionPolicy '{policy}' with binding '{policy}' \
             denied request: {message}"
        )
    };
    let findings = [
        denied("ConfigMap", "web/map.yaml:1", "only-new", "new ConfigMap"),
        denied("Deployment", "web/deployment.yaml:1", "one-step", "2 to 9"),
    ];
    for finding in &findings {
        assert!(error.contains(finding), "{finding}\n{error}");
    }
    assert_eq!(error.matches("denied request").count(), 2, "{error}");
    assert!(error.contains("2 objects would be refused"), "{error}");

    // The cluster knows the labels of a namespace, which has at least one with its name.
    let selector = "namespaceSelector: {matchExpressions: [{key: diff-policy, operator: DoesNotExist}]}";
    let labels = policy("labels", "CREATE", "'false'", "\"'no label'\"").replace(
        "validationActions: [Deny]",
        &format!("validationActions: [Deny], matchResources: {{{selector}}}"),
    );
    std::fs::create_dir(stage.path("labels"))?;
    std::fs::write(stage.path("labels/policy.yaml"), labels)?;
    let (status, out, error) = diff(&format!("--policy {here}/labels"))?;
    assert_eq!(status, Some(2), "{out}\n{error}");
    assert!(error.contains("no label") && !error.contains("nothing says"), "{error}");

    // Without objections, the status says that something differs.
    std::fs::write(stage.path("web/deployment.yaml"), deployment(3))?;
    let (status, out, error) = diff(&format!("--policy {here}/update"))?;
    assert_eq!(status, Some(1), "{out}\n{error}");
    assert!(error.contains("2 objects checked, 0 would be refused"), "{error}");
    stage.delete(&format!("{deployments}/diff-policy"))
}
