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
use super::{CLUSTER, Outcome, Stage};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
const OVERLAY: &str = "apps/overlays/staging/kustomization.yaml";

/// The counterpart of Slack: keeps the messages, and is down for the first of them.
#[derive(Clone, Default)]
struct Slack(Arc<Mutex<Received>>);

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

    /// Waits for a message of a colour whose text contains something.
    async fn says(&self, stage: &Stage, colour: &str, text: &str) -> Outcome<Value> {
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
pub(crate) async fn play(stage: &Stage) -> Outcome {
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
    let is_red = |message: &&Value| message["attachments"][0]["color"] == "danger";
    assert_eq!(slack.messages().iter().filter(is_red).count(), 1);
    stage.commit("go back", &[(OVERLAY, &overlay("", "1.20.0"))])?;
    stage.reconcile("apps-staging").await?;
    stage.ready("apps-staging", &stage.revision()?).await
}
