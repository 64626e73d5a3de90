//! A cluster that Flux's controllers reconcile is handed to ours, and back. Nothing may be made anew, written
//! without need, or deleted but what a commit removed.
//!
//! This needs a real API server and Flux's programs: `cargo xtask e2e --flux DIRECTORY` runs it.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "what was walked is told where a failure is")]

mod bootstrap;
mod controllers;
mod picture;
mod stage;

use controllers::Controllers;
use picture::{Expected, Picture};
use serde_json::{Value, json};
use stage::{Outcome, Stage};

/// Where the objects are that are applied.
const APPS: &str = "handover-apps";

/// A definition of a kind.
const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.handover.example.org
spec:
  group: handover.example.org
  scope: Namespaced
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-preserve-unknown-fields: true
---
apiVersion: v1
kind: Namespace
metadata:
  name: handover-apps
---
apiVersion: handover.example.org/v1
kind: Widget
metadata:
  name: first
  namespace: handover-apps
spec:
  size: 1
";

/// Objects of many kinds.
const OBJECTS: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      containers:
      - name: main
        image: nginx:1.27.0
        ports:
        - containerPort: 80
        envFrom:
        - configMapRef: {name: settings}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - port: 80
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: handover:reader
rules:
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: handover:web
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: handover:reader
subjects:
- kind: ServiceAccount
  name: web
  namespace: handover-apps
---
apiVersion: v1
kind: Secret
metadata:
  name: login
stringData:
  password: ${password}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: seed
  annotations:
    kustomize.toolkit.fluxcd.io/ssa: IfNotPresent
data:
  a: from-git
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kept
  annotations:
    kustomize.toolkit.fluxcd.io/prune: disabled
data:
  color: ${color}
---
apiVersion: handover.example.org/v1
kind: Widget
metadata:
  name: second
spec:
  size: 2
";

const KUSTOMIZATION: &str = "resources: [objects.yaml]
namespace: handover-apps
configMapGenerator:
- name: settings
  literals: [mode=fast]
";

/// A Kustomization that another one applies.
const CHILD: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: child
  namespace: handover
spec:
  interval: 10m
  path: ./child
  prune: true
  targetNamespace: handover-apps
  sourceRef: {kind: GitRepository, name: source, namespace: handover}
";

/// A ConfigMap.
fn map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  a: '{value}'\n")
}

/// Makes a repository, and Kustomizations that follow it.
async fn set_up(stage: &Stage) -> Outcome<String> {
    let revision = stage
        .commit(
            "First",
            &[
                ("definitions/all.yaml", DEFINITION),
                ("apps/web/objects.yaml", OBJECTS),
                ("apps/child.yaml", CHILD),
                ("apps/web/kustomization.yaml", KUSTOMIZATION),
                ("apps/kustomization.yaml", "resources: [web, child.yaml]\n"),
                ("child/one.yaml", &map("one", "1")),
                ("child/two.yaml", &map("two", "1")),
            ],
        )
        .await?;
    let values = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "values", "namespace": stage.namespace}, "data": {"color": "blue"},
    });
    stage.apply(&format!("/api/v1/namespaces/{}/configmaps", stage.namespace), &values).await?;
    stage.follow().await?;
    stage.create("definitions", &json!({"wait": true})).await?;
    let apps = json!({
        "dependsOn": [{"name": "definitions"}],
        "wait": true,
        "timeout": "2m",
        "commonMetadata": {"labels": {"team": "web"}},
        "postBuild": {
            "substitute": {"password": "secret"},
            "substituteFrom": [{"kind": "ConfigMap", "name": "values"}],
        },
    });
    stage.create("apps", &apps).await?;
    Ok(revision)
}

/// Kustomizations in the order in which they can become ready.
const NAMES: [&str; 3] = ["definitions", "child", "apps"];

/// Compares two pictures, and fails with everything that is not as expected.
fn check(what: &str, before: &Picture, after: &Picture, expected: &Expected<'_>) -> Outcome {
    let wrong = before.differences(after, expected);
    if !wrong.is_empty() {
        return Err(format!("{what}:\n{}", wrong.join("\n")).into());
    }
    println!("{what}: {} objects as they should be", after.len());
    Ok(())
}

fn path(plural: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{APPS}/{plural}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a real API server and Flux: cargo xtask e2e --flux DIRECTORY runs it"]
async fn from_flux_to_ours_and_back() -> Outcome {
    let mut stage = Stage::new("handover").await?;
    let (flux_data, our_data) = (stage.path("flux"), stage.path("ours"));
    let kubeconfig = stage.kubeconfig.clone();
    let flux = Controllers::flux(&flux_data, &kubeconfig)?;
    let first = set_up(&stage).await?;
    stage.reconciled(&NAMES, &first, &flux).await?;
    // Someone changes what is only set once.
    stage.patch(&path("configmaps", "seed"), &json!({"data": {"a": "changed"}})).await?;
    let before = Picture::take(&stage).await?;
    assert_eq!(before.len(), 16);
    flux.stop().await?;

    let ours = Controllers::ours(&our_data, &kubeconfig, &[])?;
    stage.reconciled(&NAMES, &first, &ours).await?;
    let taken = Picture::take(&stage).await?;
    check("ours takes over", &before, &taken, &Expected::default())?;

    let second = stage
        .commit(
            "Second",
            &[
                ("child/one.yaml", &map("one", "2")),
                ("child/two.yaml", ""),
                ("child/three.yaml", &map("three", "1")),
            ],
        )
        .await?;
    stage.reconciled(&NAMES, &second, &ours).await?;
    let changed = Picture::take(&stage).await?;
    let expected = Expected { added: &["three"], changed: &["one"], removed: &["two"] };
    check("ours applies a commit", &taken, &changed, &expected)?;
    ours.stop().await?;

    // Nobody reconciles while this is committed.
    let third = stage
        .commit(
            "Third",
            &[
                ("child/one.yaml", &map("one", "3")),
                ("child/three.yaml", ""),
                ("child/four.yaml", &map("four", "1")),
            ],
        )
        .await?;
    let flux = Controllers::flux(&flux_data, &kubeconfig)?;
    stage.reconciled(&NAMES, &third, &flux).await?;
    let back = Picture::take(&stage).await?;
    let expected = Expected { added: &["four"], changed: &["one"], removed: &["three"] };
    check("Flux takes over again", &changed, &back, &expected)?;
    stage.reconciled(&NAMES, &third, &flux).await?;
    check("Flux goes on", &back, &Picture::take(&stage).await?, &Expected::default())?;
    flux.stop().await?;

    // And once more; this time ours offers artifacts, as it does where helm-controller goes on.
    let arguments = ["--storage-addr", "127.0.0.1:0"];
    let ours = Controllers::ours(&our_data, &kubeconfig, &arguments)?;
    stage.reconciled(&NAMES, &third, &ours).await?;
    check("ours takes over again", &back, &Picture::take(&stage).await?, &Expected::default())?;
    let seed = stage.get(&path("configmaps", "seed")).await?.unwrap_or_default();
    assert_eq!(seed["data"]["a"], "changed");

    // What is deleted now takes its objects along, but for what is to stay.
    stage.delete(&stage.kustomization("apps"), Some(&ours)).await?;
    stage.until(&path("secrets", "login"), Some(&ours), "it stays", Value::is_null).await?;
    stage.until(&path("configmaps", "four"), Some(&ours), "it stays", Value::is_null).await?;
    assert!(stage.get(&path("configmaps", "kept")).await?.is_some());
    stage.delete(&stage.kustomization("definitions"), Some(&ours)).await?;
    stage.delete(&stage.source(), Some(&ours)).await?;
    ours.stop().await?;
    stage.delete(&format!("/api/v1/namespaces/{}", stage.namespace), None).await
}
