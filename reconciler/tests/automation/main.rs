//! The second half of the walk-through: Slack is told, policies refuse, and new images become commits or pull
//! requests. It runs on the embedded cluster, or on the one that `KUBECONFIG` names.

#[path = "../walkthrough/stage.rs"]
#[expect(dead_code, reason = "the first half of the walk-through uses the rest")]
mod stage;

mod forge;
mod images;
mod policy;
mod pull_requests;
mod receivers;
mod registry;
mod slack;

use stage::{Outcome, Stage};

/// Where the cluster's own Kustomization looks.
const CLUSTER: &str = "clusters/flux-blog-cluster";

/// The Kustomization of an environment.
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

/// The base of all environments.
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

#[tokio::test(flavor = "multi_thread")]
async fn the_second_half() -> Outcome {
    let mut stage = Stage::new("flux-system").await?;
    stage.git(&["config", "receive.denyCurrentBranch", "updateInstead"])?;
    stage.commit(
        "first commit",
        &[
            (&format!("{CLUSTER}/apps-staging.yaml"), &environment("staging")),
            ("apps/base/kustomization.yaml", "resources:\n- deployment.yaml\n"),
            ("apps/base/deployment.yaml", BASE),
            (
                "apps/overlays/staging/namespace.yaml",
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: staging\n",
            ),
            ("apps/overlays/staging/kustomization.yaml", &images::overlay("", "1.20.0")),
        ],
    )?;
    // A port that is free now, and most likely a moment later.
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    stage.receivers = Some(address);
    stage.start(CLUSTER).await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    let slack = slack::play(&stage).await?;
    policy::play(&stage, &slack).await?;
    images::play(&stage).await?;
    receivers::play(&stage, address).await?;
    stage.stop().await
}
