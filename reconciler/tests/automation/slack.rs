//! Step 7: what breaks and what goes through is said in Slack.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::images::overlay;
use super::{BASE, CLUSTER, Outcome, Stage, environment};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
const OVERLAY: &str = "apps/overlays/staging/kustomization.yaml";

/// The counterpart of Slack: keeps the messages, and is down for the first of them.
#[derive(Clone, Default)]
pub(crate) struct Slack(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    refused: usize,
    messages: Vec<Value>,
}

/// How often it is down.
const DOWN: usize = 2;

async fn take(State(slack): State<Slack>, Json(message): Json<Value>) -> StatusCode {
    let mut received = slack.0.lock().unwrap_or_else(PoisonError::into_inner);
    if received.refused < DOWN {
        received.refused += 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    received.messages.push(message);
    StatusCode::OK
}

impl Slack {
    fn messages(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).messages.clone()
    }

    /// How many messages of a colour contain something.
    fn count(&self, colour: &str, text: &str) -> usize {
        let is_wanted = |message: &&Value| {
            let attachment = &message["attachments"][0];
            attachment["color"] == colour
                && attachment["text"].as_str().is_some_and(|found| found.contains(text))
        };
        self.messages().iter().filter(is_wanted).count()
    }

    /// Waits for a message of a colour whose text contains something.
    pub(crate) async fn says(&self, stage: &Stage, colour: &str, text: &str) -> Outcome<Value> {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.messages().into_iter().find(|message| {
                let attachment = &message["attachments"][0];
                attachment["color"] == colour
                    && attachment["text"].as_str().is_some_and(|found| found.contains(text))
            });
            if let Some(found) = found {
                return Ok(found);
            }
            if Instant::now() > end {
                let (messages, log) = (self.messages(), stage.text());
                return Err(format!("no {colour} message with {text:?} in {messages:#?}\n{log}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn alerts(address: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: slack-url
  namespace: flux-system
stringData:
  address: {address}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata:
  name: slack
  namespace: flux-system
spec:
  type: slack
  secretRef:
    name: slack-url
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata:
  name: apps-alert
  namespace: flux-system
spec:
  providerRef:
    name: slack
  eventSeverity: info
  eventSources:
  - kind: Kustomization
    name: apps-staging
  - kind: Kustomization
    name: apps-production
"
    )
}

/// Plays the step.
pub(crate) async fn play(stage: &Stage) -> Outcome<Slack> {
    let slack = Slack::default();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}/services/T0/B0/x", listener.local_addr()?);
    let router = Router::new().route("/services/T0/B0/x", post(take)).with_state(slack.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    stage.commit("add alerts", &[(&format!("{CLUSTER}/alerts.yaml"), &alerts(&address))])?;
    stage.reconcile("flux-system").await?;
    stage.ready("flux-system", &stage.revision()?).await?;

    let broken = overlay("", "1.20.0").replace("images:", "   images:");
    stage.commit("indent the images", &[(OVERLAY, &broken)])?;
    let revision = stage.revision()?;
    stage.reconcile("apps-staging").await?;
    let message = slack.says(stage, "danger", OVERLAY).await?;
    let attachment = &message["attachments"][0];
    assert_eq!(message["username"], "kustomize-controller");
    assert_eq!(attachment["author_name"], "kustomization/apps-staging.flux-system");
    assert_eq!(attachment["mrkdwn_in"], json!(["text"]));
    let field = json!({"title": "revision", "value": revision, "short": false});
    assert_eq!(attachment["fields"], json!([field]));
    // The line that is wrong is named.
    let text = attachment["text"].as_str().unwrap_or_default();
    assert!(text.contains(&format!("{OVERLAY}:")), "{text}");
    let details = [" |    images:", "by Test: indent the images"];
    assert!(details.iter().all(|detail| text.contains(detail)), "{text}");

    // The same failure is no news.
    stage.reconcile("apps-staging").await?;
    stage.commit("mend it, and go on", &[(OVERLAY, &overlay("", "1.20.1"))])?;
    stage.reconcile("apps-staging").await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    slack.says(stage, "good", "Deployment/staging/kustomize-ginx configured").await?;
    let recovered = slack.says(stage, "good", "Recovered after ").await?;
    let text = recovered["attachments"][0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text.contains(&stage.revision()?) && text.contains("mend it, and go on"), "{text}");
    assert_eq!(slack.count("danger", ""), 1);
    one_cause(stage, &slack).await?;
    delivered(stage).await?;
    stage.commit("go back", &[(OVERLAY, &overlay("", "1.20.0"))])?;
    stage.reconcile("apps-staging").await?;
    stage.ready("apps-staging", &stage.revision()?).await?;
    Ok(slack)
}

/// A base that breaks two overlays is said once, and once that both are well again.
async fn one_cause(stage: &Stage, slack: &Slack) -> Outcome {
    let overlay = "resources:\n- ../../base\n- namespace.yaml\nnamespace: production\n";
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: production\n";
    stage.commit(
        "add production",
        &[
            (&format!("{CLUSTER}/apps-production.yaml"), &environment("production")),
            ("apps/overlays/production/kustomization.yaml", overlay),
            ("apps/overlays/production/namespace.yaml", namespace),
        ],
    )?;
    stage.reconcile("flux-system").await?;
    stage.ready("apps-production", &stage.revision()?).await?;
    let file = "apps/base/deployment.yaml";
    stage.commit("break the base", &[(file, &BASE.replace("kind: Deployment", "kind: [Deployment"))])?;
    stage.reconcile("flux-system").await?;
    for name in ["apps-staging", "apps-production"] {
        stage.not_ready(name, "BuildFailed", file).await?;
    }
    slack.says(stage, "danger", "break the base").await?;
    stage.commit("mend the base", &[(file, BASE)])?;
    stage.reconcile("flux-system").await?;
    for name in ["apps-staging", "apps-production"] {
        stage.ready(name, &stage.revision()?).await?;
    }
    slack.says(stage, "good", "mend the base").await?;
    // Whatever else was to come came before this.
    stage.commit("go on", &[(file, &BASE.replace("replicas: 1", "replicas: 2"))])?;
    stage.reconcile("flux-system").await?;
    for name in ["staging", "production"] {
        slack.says(stage, "good", &format!("Deployment/{name}/kustomize-ginx configured")).await?;
    }
    assert_eq!(slack.count("danger", "break the base"), 1);
    assert_eq!(slack.count("danger", ""), 2);
    Ok(())
}

/// Alert and provider say what was delivered.
async fn delivered(stage: &Stage) -> Outcome {
    for (kind, name) in [("alerts", "apps-alert"), ("providers", "slack")] {
        let path =
            format!("/apis/notification.toolkit.fluxcd.io/v1beta3/namespaces/flux-system/{kind}/{name}");
        let is_delivered = |found: &Value| {
            let status = &found["status"];
            status["delivered"].as_i64() > Some(2)
                && status["lastDelivered"]["message"].is_string()
                && status["lastFailure"].is_null()
        };
        stage.object_becomes(&path, is_delivered).await?;
    }
    Ok(())
}
