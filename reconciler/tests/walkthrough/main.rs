//! The walk-through, from the first pod to an error and its repair: a git repository, a cluster, and
//! the reconciler between them. It runs on the embedded cluster, or on the one that `KUBECONFIG` names.

#[path = "../sources/certificates.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod certificates;
mod clusters;
mod features;
mod fields;
mod ownership;
mod rollback;
mod sharding;
mod sops;
mod stage;
mod storm;
mod tenants;
#[path = "../../../embedded-cluster/tests/behavior/tls.rs"]
mod tls;

use serde_json::{Value, json};

use crate::stage::{Outcome, Stage};

/// Where the cluster's own Kustomization looks.
const CLUSTER: &str = "clusters/flux-blog-cluster";

fn deployment(namespace: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: test-flux-nginx
  namespace: {namespace}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: test-flux-nginx
  template:
    metadata:
      labels:
        app: test-flux-nginx
    spec:
      containers:
      - name: nginx
        image: nginx:1.27.0
"
    )
}

const BASE: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: kustomize-ginx
spec:
  replicas: 1
  selector:
    matchLabels:
      app: kustomize-nginx
  template:
    metadata:
      labels:
        app: kustomize-nginx
    spec:
      containers:
      - name: nginx
        image: nginx:latest
";

fn overlay(environment: &str, more: &str) -> String {
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../../base
- ./namespace.yaml
namespace: {environment}
labels:
- includeSelectors: true
  pairs:
    env: {environment}
{more}"
    )
}

fn namespace(name: &str) -> String {
    format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n")
}

fn config_map(name: &str, annotation: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  annotations:\n    example.org/note: x\n{annotation}data:\n  a: b\n"
    )
}

fn environment(name: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps-{name}
  namespace: flux-system
spec:
  interval: 1m0s
  path: ./apps/overlays/{name}
  prune: true
  sourceRef:
    kind: GitRepository
    name: flux-system
  targetNamespace: {name}
"
    )
}

fn image(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]["containers"][0]["image"]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through() -> Outcome {
    let mut stage = Stage::new("flux-system").await?;
    stage.commit("first commit", &[("README.md", "# demo\n"), (&format!("{CLUSTER}/.keep"), "")])?;
    stage.start(CLUSTER).await?;
    first_pods(&stage).await?;
    the_typo(&stage).await?;
    two_environments(&stage).await?;
    staging_alone(&stage).await?;
    pruning(&stage).await?;
    a_mistake_in_an_overlay(&stage).await?;
    the_end(&stage).await?;
    stage.stop().await
}

/// Step 2: a Deployment in the repository becomes pods.
async fn first_pods(stage: &Stage) -> Outcome {
    stage.ready("flux-system", &stage.revision()?).await?;
    stage.commit("add a deployment", &[(&format!("{CLUSTER}/deploy.yaml"), &deployment("default"))])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    stage
        .object_becomes("/apis/apps/v1/namespaces/default/deployments/test-flux-nginx", |found| {
            found["status"]["readyReplicas"] == 2
        })
        .await?;
    stage
        .logged(|line| {
            line["msg"] == "server-side apply completed"
                && line["output"]["Deployment/default/test-flux-nginx"] == "created"
        })
        .await
}

/// Step 3: a namespace that does not exist.
async fn the_typo(stage: &Stage) -> Outcome {
    let path = format!("{CLUSTER}/deploy.yaml");
    stage.commit("move the deployment", &[(&path, &deployment("defailt"))])?;
    stage.reconcile("flux-system").await?;
    let said = "Deployment/defailt/test-flux-nginx not found: namespaces \"defailt\" not found\n";
    let place = format!("namespace \"defailt\" is set at {path}:5, did you mean \"default\"?");
    let has_both =
        |text: &Value| text.as_str().is_some_and(|text| text.starts_with(said) && text.contains(&place));
    let message = stage.not_ready("flux-system", "ReconciliationFailed", "defailt").await?;
    assert!(has_both(&json!(message)), "{message}");
    let revision = stage.revision()?;
    stage
        .logged(|line| {
            line["msg"].as_str().is_some_and(|text| {
                text.starts_with("Reconciliation failed after ") && text.ends_with(", next try in 10m0s")
            }) && line["level"] == "error"
                && has_both(&line["error"])
                && line["controller"] == "kustomization"
                && line["controllerGroup"] == "kustomize.toolkit.fluxcd.io"
                && line["controllerKind"] == "Kustomization"
                && line["Kustomization"] == json!({"name": "flux-system", "namespace": "flux-system"})
                && line["namespace"] == "flux-system"
                && line["name"] == "flux-system"
                && line["reconcileID"].as_str().is_some_and(|id| id.len() == 36)
                && line["revision"] == *revision
        })
        .await?;
    stage
        .event("flux-system", |event| {
            event["type"] == "Warning"
                && event["reason"] == "ReconciliationFailed"
                && event["message"]
                    .as_str()
                    .is_some_and(|text| text.contains(said.trim_end()) && text.contains(&place))
        })
        .await?;
    // What ran before still runs.
    assert!(stage.exists("/apis/apps/v1/namespaces/default/deployments/test-flux-nginx").await?);
    stage.commit("move it back", &[(&path, &deployment("default"))])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await
}

/// Steps 4 and 5: two environments from one base, in Kustomizations of their own.
async fn two_environments(stage: &Stage) -> Outcome {
    stage.commit(
        "add staging and production",
        &[
            ("apps/base/kustomization.yaml", "resources:\n- deployment.yaml\n"),
            ("apps/base/deployment.yaml", BASE),
            ("apps/overlays/staging/kustomization.yaml", &overlay("staging", "")),
            ("apps/overlays/staging/namespace.yaml", &namespace("staging")),
            ("apps/overlays/production/kustomization.yaml", &overlay("production", "")),
            ("apps/overlays/production/namespace.yaml", &namespace("production")),
            (&format!("{CLUSTER}/apps-staging.yaml"), &environment("staging")),
            (&format!("{CLUSTER}/apps-production.yaml"), &environment("production")),
        ],
    )?;
    stage.reconcile("flux-system").await?;
    let revision = stage.revision()?;
    for name in ["flux-system", "apps-staging", "apps-production"] {
        stage.ready(name, &revision).await?;
    }
    for name in ["staging", "production"] {
        let path = format!("/apis/apps/v1/namespaces/{name}/deployments/kustomize-ginx");
        stage
            .object_becomes(&path, |found| {
                image(found) == "nginx:latest"
                    && found["spec"]["selector"]["matchLabels"]["env"] == name
                    && found["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"]
                        == format!("apps-{name}")
                    && found["status"]["readyReplicas"] == 1
            })
            .await?;
    }
    Ok(())
}

/// Step 6: an image for staging, more replicas for production.
async fn staging_alone(stage: &Stage) -> Outcome {
    let images = "images:\n- name: nginx\n  newName: nginx\n  newTag: 1.30.0\n";
    let patches = "patches:
- target:
    kind: Deployment
  patch: |
    - op: replace
      path: /spec/replicas
      value: 3
";
    stage.commit(
        "a new image for staging, more replicas for production",
        &[
            ("apps/overlays/staging/kustomization.yaml", &overlay("staging", images)),
            ("apps/overlays/production/kustomization.yaml", &overlay("production", patches)),
        ],
    )?;
    stage.reconcile("flux-system").await?;
    for name in ["apps-staging", "apps-production"] {
        stage.ready(name, &stage.revision()?).await?;
    }
    let get = |name: &str| format!("/apis/apps/v1/namespaces/{name}/deployments/kustomize-ginx");
    stage
        .object_becomes(&get("staging"), |found| {
            image(found) == "nginx:1.30.0" && found["spec"]["replicas"] == 1
        })
        .await?;
    stage
        .object_becomes(&get("production"), |found| {
            image(found) == "nginx:latest" && found["spec"]["replicas"] == 3
        })
        .await
}

/// What is removed from the repository is deleted, unless it is to stay or the Kustomization is suspended.
async fn pruning(stage: &Stage) -> Outcome {
    let keep = "    kustomize.toolkit.fluxcd.io/prune: disabled\n";
    let resources = |more: &str| {
        overlay("staging", "images:\n- name: nginx\n  newName: nginx\n  newTag: 1.30.0\n")
            .replace("- ./namespace.yaml\n", &format!("- ./namespace.yaml\n{more}"))
    };
    let overlay_file = "apps/overlays/staging/kustomization.yaml";
    stage.commit(
        "add three maps",
        &[
            (overlay_file, &resources("- gone.yaml\n- kept.yaml\n- later.yaml\n")),
            ("apps/overlays/staging/gone.yaml", &config_map("gone", "")),
            ("apps/overlays/staging/kept.yaml", &config_map("kept", keep)),
            ("apps/overlays/staging/later.yaml", &config_map("later", "")),
        ],
    )?;
    stage.reconcile("flux-system").await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    let map = |name: &str| format!("/api/v1/namespaces/staging/configmaps/{name}");
    for name in ["gone", "kept", "later"] {
        assert!(stage.exists(&map(name)).await?, "{name}");
    }
    let inventory = stage.kustomization("apps-staging").await?["status"]["inventory"]["entries"].to_string();
    assert!(inventory.contains("staging_gone__ConfigMap"), "{inventory}");

    stage.commit("remove two of them", &[(overlay_file, &resources("- later.yaml\n"))])?;
    stage.reconcile("flux-system").await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    stage.disappears(&map("gone")).await?;
    assert!(stage.exists(&map("kept")).await?);
    stage
        .logged(|line| {
            line["msg"].as_str().is_some_and(|text| {
                text.starts_with("garbage collection completed")
                    && text.contains("ConfigMap/staging/gone deleted")
            })
        })
        .await?;

    stage.patch("apps-staging", &json!({"spec": {"suspend": true}})).await?;
    stage.commit("remove the last one", &[(overlay_file, &resources(""))])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    stage.ready("apps-production", &stage.revision()?).await?;
    assert!(stage.exists(&map("later")).await?);
    stage.patch("apps-staging", &json!({"spec": {"suspend": false}})).await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    stage.disappears(&map("later")).await
}

/// An overlay that is not YAML: the last good state stays, the error names the line, and the next
/// good commit goes through.
async fn a_mistake_in_an_overlay(stage: &Stage) -> Outcome {
    let file = "apps/overlays/production/kustomization.yaml";
    let mistake = overlay("production", "   images:\n   - name: nginx\n     newTag: 1.31.0\n");
    stage.commit("a wrong indentation", &[(file, &mistake)])?;
    let line = mistake.lines().position(|line| line.starts_with("   images:")).unwrap_or_default() + 1;
    stage.reconcile("flux-system").await?;
    let message = stage.not_ready("apps-production", "BuildFailed", "kustomization.yaml").await?;
    assert!(message.contains(&format!("{file}:{line}")), "{message}");
    assert!(message.starts_with("error converting YAML to JSON: yaml: line "), "{message}");
    assert!(message.contains("indent"), "it does not say what to do: {message}");
    // Nobody else is held up, and what ran before still runs.
    stage.ready("apps-staging", &stage.revision()?).await?;
    let path = "/apis/apps/v1/namespaces/production/deployments/kustomize-ginx";
    stage
        .object_becomes(path, |found| image(found) == "nginx:latest" && found["spec"]["replicas"] == 3)
        .await?;

    let mended = overlay("production", "images:\n- name: nginx\n  newTag: 1.31.0\n");
    stage.commit("mend it", &[(file, &mended)])?;
    stage.reconcile("flux-system").await?;
    stage.ready("apps-production", &stage.revision()?).await?;
    stage.object_becomes(path, |found| image(found) == "nginx:1.31.0").await
}

/// Who deletes the Kustomizations deletes what they applied.
async fn the_end(stage: &Stage) -> Outcome {
    for name in ["apps-staging", "apps-production"] {
        stage.commit("remove an environment", &[(&format!("{CLUSTER}/apps-{}.yaml", &name[5..]), "")])?;
    }
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    stage.disappears("/apis/apps/v1/namespaces/staging/deployments/kustomize-ginx").await?;
    stage.disappears("/apis/apps/v1/namespaces/production/deployments/kustomize-ginx").await?;
    stage.delete("flux-system").await?;
    stage.disappears("/apis/apps/v1/namespaces/default/deployments/test-flux-nginx").await?;
    stage.disappears(&stage.path_of("flux-system")).await
}
