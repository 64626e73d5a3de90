//! Fields that the API server refuses: the message names their lines, and is given once.

use serde_json::{Value, json};

use crate::stage::{Outcome, Stage};

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: fields
  namespace: default
spec:
  selector:
    matchLabels: {app: fields}
  template:
    metadata:
      labels: {app: fields}
    spec:
      containers:
      - name: web
        image: nginx:1.27.0
";

/// A Kustomization that makes objects in a namespace, which is applied before them.
fn overlay(patch: &str) -> String {
    format!("resources: [namespace.yaml, deployment.yaml]\npatches:\n- path: {patch}\n")
}

const REPLICAS: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: fields, namespace: default}
spec:
  replicas: REPLICAS
";

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_refused_is_named_with_its_line() -> Outcome {
    let mut stage = Stage::new("fields").await?;
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: fields-made}\n";
    let patch = |replicas: &str| REPLICAS.replace("REPLICAS", replicas);
    stage.commit(
        "first commit",
        &[
            ("main/.keep", ""),
            ("apps/namespace.yaml", namespace),
            ("apps/deployment.yaml", DEPLOYMENT),
            ("apps/kustomization.yaml", &overlay("replicas.yaml")),
            ("apps/replicas.yaml", &patch("\"one\"")),
        ],
    )?;
    stage.start("main").await?;
    stage.create("apps", &json!({"path": "./apps", "retryInterval": "1s"})).await?;
    let place = "\nspec.replicas is set at apps/replicas.yaml:5\n";
    let message = stage.not_ready("apps", "ReconciliationFailed", place).await?;
    assert!(message.starts_with("Deployment/default/fields dry-run failed"), "{message}");
    assert_eq!(message.matches("apps/replicas").count(), 1, "{message}");
    // The namespace was made by the first try only, which is no news.
    let is_told =
        |found: &Value| found["message"].as_str().is_some_and(|message| message.contains(place.trim()));
    stage.not_ready("apps", "ReconciliationFailed", "string").await?;
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let events = stage.get("/api/v1/namespaces/fields/events").await?.unwrap_or_default();
    let told = events["items"].as_array().into_iter().flatten().filter(|event| is_told(event)).count();
    assert_eq!(told, 1, "{events:#}");

    // The schema of a definition is checked, too.
    let source = "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: other, namespace: default}
spec:
  url: http://127.0.0.1:1/x
  interval: soon
  suspend: true
";
    let all = overlay("replicas.yaml").replace("deployment.yaml", "deployment.yaml, source.yaml");
    let files = [
        ("apps/replicas.yaml", &*patch("1")),
        ("apps/source.yaml", source),
        ("apps/kustomization.yaml", &all),
    ];
    stage.commit("another mistake", &files)?;
    stage.reconcile("apps").await?;
    let place = "\nspec.interval is set at apps/source.yaml:6\n";
    let message = stage.not_ready("apps", "ReconciliationFailed", place).await?;
    assert!(message.contains("spec.interval: Invalid value: "), "{message}");

    stage.commit("no mistake", &[("apps/source.yaml", &source.replace("soon", "10m"))])?;
    stage.reconcile("apps").await?;
    stage.ready("apps", &stage.revision()?).await?;
    stage.delete("apps").await?;
    stage.disappears("/api/v1/namespaces/fields-made").await?;
    stage.delete("main").await?;
    stage.stop().await
}
