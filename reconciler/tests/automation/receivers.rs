//! Step 11: a push is applied at once, because a webhook says that it is there.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{BASE, CLUSTER, Outcome, Stage};

const RECEIVERS: &str = "apiVersion: v1
kind: Secret
metadata:
  name: webhook
  namespace: flux-system
stringData:
  token: hush
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata:
  name: plain
  namespace: flux-system
spec:
  type: generic
  secretRef:
    name: webhook
  resources:
  - kind: GitRepository
    name: flux-system
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata:
  name: signed
  namespace: flux-system
spec:
  type: github
  events: [ping, push]
  secretRef:
    name: webhook
  resources:
  - apiVersion: source.toolkit.fluxcd.io/v1
    kind: GitRepository
    name: '*'
    matchLabels:
      kustomize.toolkit.fluxcd.io/name: nothing
  - kind: GitRepository
    name: flux-system
";

/// Plays the step.
pub(crate) async fn play(stage: &Stage, address: SocketAddr) -> Outcome {
    let file = format!("{CLUSTER}/receivers.yaml");
    stage.commit("take webhooks", &[(&file, RECEIVERS)])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;
    let plain = Hook { address, path: path(stage, "plain").await? };
    let signed = Hook { address, path: path(stage, "signed").await? };

    // What nobody sent is refused, and asks for nothing.
    let before = requested(stage).await?;
    let ping = json!({"ref": "refs/heads/main"}).to_string();
    let wrong =
        ["push", "deletion"].map(|event| [("x-github-event", event), ("x-hub-signature-256", "sha256=00")]);
    for headers in wrong {
        assert_eq!(signed.call(&headers, &ping).await?, 400);
    }
    assert_eq!(signed.call(&[("x-github-event", "push")], &ping).await?, 400);
    let other = Hook { address, path: format!("/hook/{}", "0".repeat(64)) };
    assert_eq!(other.call(&[], "").await?, 404);
    assert_eq!(requested(stage).await?, before);

    // A push is applied without anybody asking for it: the interval is ten minutes.
    for (hook, replicas) in [(&plain, 3), (&signed, 2)] {
        let text = BASE.replace("replicas: 1", &format!("replicas: {replicas}"));
        stage.commit("scale", &[("apps/base/deployment.yaml", &text)])?;
        let start = Instant::now();
        let signature = signature(&ping)?;
        let headers = [("x-github-event", "push"), ("x-hub-signature-256", signature.as_str())];
        assert_eq!(hook.call(&headers, &ping).await?, 200);
        let deployment = "/apis/apps/v1/namespaces/staging/deployments/kustomize-ginx";
        stage.object_becomes(deployment, |found| found["spec"]["replicas"] == replicas).await?;
        took(start.elapsed());
    }
    Ok(())
}

/// Shows how long a push took. Slow machines are no failure.
#[expect(clippy::print_stdout, reason = "the test's own report")]
fn took(time: Duration) {
    println!("from the webhook to the cluster: {} ms", time.as_millis());
}

/// A webhook that is served.
struct Hook {
    address: SocketAddr,
    path: String,
}

impl Hook {
    /// Calls the webhook. Returns the status of the answer.
    async fn call(&self, headers: &[(&str, &str)], body: &str) -> Outcome<u16> {
        let request = reqwest::Client::new().post(format!("http://{}{}", self.address, self.path));
        let mut request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.body(body.to_owned()).send().await?.status().as_u16())
    }
}

/// The path of a receiver, once it has one.
async fn path(stage: &Stage, name: &str) -> Outcome<String> {
    let object = format!("/apis/notification.toolkit.fluxcd.io/v1/namespaces/flux-system/receivers/{name}");
    stage.object_becomes(&object, |found| found["status"]["webhookPath"].is_string()).await?;
    let found = stage.get(&object).await?.unwrap_or_default();
    Ok(found["status"]["webhookPath"].as_str().unwrap_or_default().to_owned())
}

/// The last request for a look at the repository.
async fn requested(stage: &Stage) -> Outcome<Value> {
    let found = stage.get(&stage.source()).await?.unwrap_or_default();
    Ok(found["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"].clone())
}

fn signature(body: &str) -> Outcome<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hush")?;
    mac.update(body.as_bytes());
    let digits =
        mac.finalize().into_bytes().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Ok(format!("sha256={digits}"))
}
