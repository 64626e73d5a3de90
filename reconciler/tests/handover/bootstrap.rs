//! The same by way of the repository: `reconciler bootstrap` takes over what Flux has bootstrapped, and a revert of what it
//! has committed hands it back. Processes run here in place of the pods: those of Flux while there is a Deployment
//! kustomize-controller, and ours while there is one of ours.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::controllers::{Controllers, flux_programs};
use super::stage::{Outcome, Stage, git};

const NAMESPACE: &str = "flux-system";
const DIRECTORY: &str = "clusters/demo";
/// How long `bootstrap` and a revert may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the cluster applies besides the controllers.
const APPS: &str = "apiVersion: v1
kind: Namespace
metadata:
  name: bootstrapped
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: bootstrapped
data: {a: '1'}
---
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: bootstrapped
spec:
  selector: {app: web}
  ports:
  - port: 80
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: bootstrapped
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: main
        image: nginx:1.27.0
";

/// A Kustomization below the one that bootstrap makes.
const CHILD: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m
  path: ./apps
  prune: true
  wait: true
  sourceRef: {kind: GitRepository, name: flux-system}
";

/// Objects that nobody may make anew.
const KEPT: [&str; 9] = [
    "/api/v1/namespaces/flux-system",
    "/api/v1/namespaces/bootstrapped",
    "/api/v1/namespaces/bootstrapped/configmaps/settings",
    "/api/v1/namespaces/bootstrapped/services/web",
    "/apis/apps/v1/namespaces/bootstrapped/deployments/web",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kustomizations.kustomize.toolkit.fluxcd.io",
    "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system",
    "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/apps",
    "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/flux-system",
];
/// Of these, the ones that nobody has a reason to write.
const UNCHANGED: [usize; 4] = [1, 2, 3, 4];

fn deployment(name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}")
}

/// The components of Flux: its definitions, a namespace, and a Deployment with an account for each controller.
fn components() -> Outcome<String> {
    let labels = json!({"app.kubernetes.io/part-of": "flux", "app.kubernetes.io/instance": NAMESPACE});
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels},
    });
    let mut text = format!("---\n{namespace}\n");
    for entry in std::fs::read_dir(flux_programs()?)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let mut definition: Value = serde_yaml::from_str(&std::fs::read_to_string(&path)?)?;
            definition["metadata"]["labels"] = labels.clone();
            text.push_str(&format!("---\n{definition}\n"));
        }
    }
    for name in ["source-controller", "kustomize-controller"] {
        let metadata = json!({"name": name, "namespace": NAMESPACE, "labels": labels});
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {
                "replicas": 1, "selector": {"matchLabels": {"app": name}},
                "template": {
                    "metadata": {"labels": {"app": name}},
                    "spec": {"containers": [{"name": "manager", "image": format!("ghcr.io/fluxcd/{name}:v1.9.6")}]},
                },
            },
        });
        text.push_str(&format!("---\n{account}\n---\n{deployment}\n"));
    }
    Ok(text)
}

/// What `flux bootstrap` makes besides the components.
fn sync(url: &str) -> [Value; 2] {
    let metadata = json!({"name": NAMESPACE, "namespace": NAMESPACE});
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": metadata,
        "spec": {"interval": "1m0s", "ref": {"branch": "main"}, "url": url},
    });
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": metadata,
        "spec": {
            "interval": "10m0s", "path": format!("./{DIRECTORY}"), "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": NAMESPACE},
        },
    });
    [source, kustomization]
}

/// The uids and versions of the objects that have to stay.
async fn kept(stage: &Stage) -> Outcome<BTreeMap<&'static str, [String; 2]>> {
    let mut found = BTreeMap::new();
    for path in KEPT {
        let object = stage.get(path).await?.ok_or_else(|| format!("{path} is gone"))?;
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        found.insert(path, [text("uid"), text("resourceVersion")]);
    }
    Ok(found)
}

fn check(what: &str, before: &BTreeMap<&str, [String; 2]>, after: &BTreeMap<&str, [String; 2]>) -> Outcome {
    for (path, [uid, version]) in before {
        if after[path][0] != *uid {
            return Err(format!("{what}: {path} was made anew").into());
        }
        // The status of a Deployment belongs to others.
        let is_still = UNCHANGED.iter().any(|at| KEPT[*at] == *path) && !path.contains("/deployments/");
        if is_still && after[path][1] != *version {
            return Err(format!("{what}: {path} was written without need").into());
        }
    }
    println!("{what}: {} objects as they should be", before.len());
    Ok(())
}

/// Waits until both Kustomizations are ready at a revision.
async fn applied(stage: &Stage, revision: &str, controllers: &Controllers) -> Outcome {
    for name in [NAMESPACE, "apps"] {
        let is_applied = |found: &Value| {
            let conditions = found["status"]["conditions"].as_array();
            let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
            found["status"]["lastAppliedRevision"] == *revision
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
                && conditions.into_iter().flatten().any(is_ready)
        };
        let what = format!("{name} does not become ready at {revision}");
        stage.until(&stage.kustomization(name), Some(controllers), &what, is_applied).await?;
    }
    Ok(())
}

/// Waits until a Deployment is there, or is not.
async fn until_deployed(stage: &Stage, name: &str, is_wanted: bool, controllers: &Controllers) -> Outcome {
    let what = format!("the Deployment {name} is {}", if is_wanted { "missing" } else { "still there" });
    let is_so = |found: &Value| found.is_null() != is_wanted;
    stage.until(&deployment(name), Some(controllers), &what, is_so).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it needs a real API server and Flux: cargo xtask e2e --flux DIRECTORY runs it"]
async fn bootstrap_takes_over_and_a_revert_hands_back() -> Outcome {
    let stage = Stage::new(NAMESPACE).await?;
    let (flux_data, our_data) = (stage.path("flux"), stage.path("ours"));
    let [source, kustomization] = sync(stage.url());
    let file = |name: &str| format!("{DIRECTORY}/flux-system/{name}");
    let first = stage
        .commit(
            "As Flux bootstraps",
            &[
                (&file("gotk-components.yaml"), &components()?),
                (&file("gotk-sync.yaml"), &format!("{source}\n---\n{kustomization}\n")),
                (&file("kustomization.yaml"), "resources: [gotk-components.yaml, gotk-sync.yaml]\n"),
                (&format!("{DIRECTORY}/apps.yaml"), CHILD),
                ("apps/all.yaml", APPS),
            ],
        )
        .await?;
    let flux = Controllers::flux(&flux_data, &stage.kubeconfig)?;
    let list = format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories");
    stage.apply(&list, &source).await?;
    stage.apply(&stage.kustomization(""), &kustomization).await?;
    applied(&stage, &first, &flux).await?;
    let before = kept(&stage).await?;

    let mut command = Command::new(env!("CARGO_BIN_EXE_reconciler"));
    command
        .args(["bootstrap", "git", "--branch=main", &format!("--path={DIRECTORY}"), "--timeout=5m"])
        .arg(format!("--url={}", stage.url()))
        .args(["--components", "source-controller,kustomize-controller"])
        .env("KUBECONFIG", &stage.kubeconfig)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let bootstrap = tokio::spawn(command.output());
    until_deployed(&stage, "kustomize-controller", false, &flux).await?;
    flux.stop().await?;
    let ours = Controllers::ours(&our_data, &stage.kubeconfig, &[])?;
    let output = tokio::time::timeout(PATIENCE, bootstrap).await???;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", ours.log());
    let work = stage.path("work");
    git(&work, &["pull", "-q", "origin", "main"]).await?;
    let second = format!("main@sha1:{}", git(&work, &["rev-parse", "HEAD"]).await?);
    assert_ne!(first, second, "{said}");
    applied(&stage, &second, &ours).await?;
    for name in ["source-controller", "kustomize-controller"] {
        until_deployed(&stage, name, false, &ours).await?;
    }
    let taken = kept(&stage).await?;
    check("bootstrap takes over", &before, &taken)?;

    // Back: the files are again those of Flux, and its controllers run once more.
    let from = first.trim_start_matches("main@sha1:");
    git(&work, &["checkout", "-q", from, "--", DIRECTORY]).await?;
    let third = stage
        .commit(
            "Back to Flux",
            &[(
                "apps/more.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: more\n  namespace: bootstrapped\n",
            )],
        )
        .await?;
    let source_path = format!("{list}/{NAMESPACE}");
    let ask = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "back"}}});
    stage.patch(&source_path, &ask).await?;
    until_deployed(&stage, "kustomize-controller", true, &ours).await?;
    until_deployed(&stage, "reconciler", false, &ours).await?;
    applied(&stage, &third, &ours).await?;
    ours.stop().await?;
    let flux = Controllers::flux(&flux_data, &stage.kubeconfig)?;
    let fourth = stage.commit("Go on with Flux", &[("apps/more.yaml", "")]).await?;
    stage
        .patch(
            &source_path,
            &json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "go-on"}}}),
        )
        .await?;
    applied(&stage, &fourth, &flux).await?;
    check("a revert hands back", &taken, &kept(&stage).await?)?;
    let more = "/api/v1/namespaces/bootstrapped/configmaps/more";
    stage.until(more, Some(&flux), "what a commit removes stays", Value::is_null).await?;

    stage.delete(&stage.kustomization("apps"), Some(&flux)).await?;
    stage
        .delete(&format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/source-controller"), None)
        .await?;
    stage.patch(&stage.kustomization(NAMESPACE), &json!({"spec": {"prune": false}})).await?;
    stage.delete(&stage.kustomization(NAMESPACE), Some(&flux)).await?;
    stage.delete(&source_path, Some(&flux)).await?;
    flux.stop().await
}
