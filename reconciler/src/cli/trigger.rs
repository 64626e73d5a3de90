//! `trigger receiver`: a request to the webhook of a Receiver, from outside the cluster.

use std::time::Duration as StdDuration;

use clap::{Args, Subcommand};
use reconciler::outbound;
use reconciler_api::Duration;
use reconciler_core::receiver::{sign, webhook_path};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::cluster::block_on;
use super::{Failure, Global, Result, term};

/// The environment variable with the OIDC token, if no flag gives it.
const TOKEN_VARIABLE: &str = "FLUX_TRIGGER_RECEIVER_OIDC_TOKEN";
/// The audience of OIDC tokens unless another is given.
const AUDIENCE: &str = "notification-controller";
/// How many characters of an answer are repeated.
const MOST_WORDS: usize = 300;

/// Options of `trigger`.
#[derive(Args)]
pub(crate) struct Trigger {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The webhook of a Receiver
    Receiver(Box<Receiver>),
}

#[derive(Args)]
struct Receiver {
    /// Name of the Receiver
    name: String,
    /// Token of the Receiver; not for --type=generic-oidc
    #[arg(long, default_value = "")]
    token: String,
    /// Address at which the cluster receives webhooks, which may have a path
    #[arg(long, default_value = "")]
    url: String,
    /// Type of the Receiver
    #[arg(long = "type", default_value = "generic", value_parser = ["generic", "generic-hmac", "generic-oidc"])]
    type_: String,
    /// CI system that issues the OIDC token to this job
    #[arg(long, value_parser = ["github", "forgejo"], conflicts_with = "oidc_token")]
    oidc_provider: Option<String>,
    /// OIDC token, instead of the one in the environment variable FLUX_TRIGGER_RECEIVER_OIDC_TOKEN
    #[arg(long)]
    oidc_token: Option<String>,
    /// Audience of the OIDC token [default: notification-controller]
    #[arg(long, requires = "oidc_provider")]
    oidc_audience: Option<String>,
    /// Body of the request
    #[arg(long, default_value = "{}")]
    payload: String,
    /// How many times to retry after a temporary error
    #[arg(long, default_value_t = 10)]
    retries: u32,
    /// Pause before each retry
    #[arg(long, default_value = "10s")]
    retry_delay: Duration,
}

impl Trigger {
    /// Sends the request.
    pub(crate) fn run(&self, global: &Global) -> Result {
        let What::Receiver(receiver) = &self.what;
        block_on(receiver.run(global))
    }
}

impl Receiver {
    async fn run(&self, global: &Global) -> Result {
        let url = self.check(&global.namespace)?;
        let failed = |error: reqwest::Error| Failure::failed(error.to_string());
        let client = Client::builder().user_agent(concat!("reconciler/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(failed)?;
        let header = self.header(&client).await?;
        let end = Instant::now() + global.timeout.to_std();
        term::action(&format!("triggering Receiver {}/{}", global.namespace, self.name));
        let mut tries = 0;
        loop {
            let failure = match self.send(&client, &url, header.as_ref(), end).await {
                Ok(()) => {
                    term::success(&format!("Receiver {}/{} triggered", global.namespace, self.name));
                    return Ok(());
                }
                Err(failure) => failure,
            };
            let pause = self.retry_delay.to_std();
            if !failure.may_pass || tries >= self.retries || Instant::now() + pause >= end {
                return Err(Failure::Failed(failure.reason));
            }
            tries += 1;
            let Refusal { reason, .. } = failure;
            term::waiting(&format!("{reason}; retrying in {} ({tries}/{})", self.retry_delay, self.retries));
            tokio::time::sleep(pause).await;
        }
    }

    /// The address of the webhook, if the flags make sense.
    fn check(&self, namespace: &str) -> Result<Url> {
        if self.url.is_empty() {
            return Err(Failure::usage("--url is required"));
        }
        let is_oidc = self.type_ == "generic-oidc";
        let has_oidc = self.oidc_provider.is_some() || self.oidc_token.is_some();
        if is_oidc && !self.token.is_empty() {
            return Err(Failure::usage(
                "--token must not be set for --type=generic-oidc, the Receiver of this type has no secret",
            ));
        }
        if !is_oidc && self.token.is_empty() {
            return Err(Failure::usage(format!("--token is required for --type={}", self.type_)));
        }
        if !is_oidc && has_oidc {
            return Err(Failure::usage(
                "--oidc-provider, --oidc-token and --oidc-audience can only be set for --type=generic-oidc",
            ));
        }
        let path = webhook_path(&self.token, &self.name, namespace);
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| Failure::usage(format!("--url {}: {error}", self.url)))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            _ => Err(Failure::usage(format!("--url {} has to begin with https:// or http://", self.url))),
        }
    }

    /// The header that proves who asks.
    async fn header(&self, client: &Client) -> Result<Option<(&'static str, String)>> {
        match self.type_.as_str() {
            "generic-hmac" => Ok(Some(("x-signature", sign(self.token.as_bytes(), self.payload.as_bytes())))),
            "generic-oidc" => Ok(Some(("authorization", format!("Bearer {}", self.oidc(client).await?)))),
            _ => Ok(None),
        }
    }

    /// The OIDC token: given, in the environment, or of the job that this runs in.
    async fn oidc(&self, client: &Client) -> Result<String> {
        if let Some(token) = &self.oidc_token {
            return Ok(token.clone());
        }
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if self.oidc_provider.is_none() {
            return variable(TOKEN_VARIABLE).ok_or_else(|| {
                Failure::failed(format!(
                    "no OIDC token provided: set --oidc-provider, --oidc-token or the {TOKEN_VARIABLE} environment variable"
                ))
            });
        }
        // GitHub and Forgejo tell a job in the same way where to ask.
        let [url, token] = ["URL", "TOKEN"].map(|name| variable(&format!("ACTIONS_ID_TOKEN_REQUEST_{name}")));
        let (Some(url), Some(token)) = (url, token) else {
            return Err(Failure::failed(
                "this is no job that can ask for an OIDC token: ACTIONS_ID_TOKEN_REQUEST_URL is not set; does the job \
                 have `permissions: id-token: write`?",
            ));
        };
        let failed = |reason: &dyn std::fmt::Display| Failure::failed(format!("no OIDC token: {reason}"));
        let mut url = Url::parse(&url).map_err(|error| failed(&error))?;
        url.query_pairs_mut().append_pair("audience", self.oidc_audience.as_deref().unwrap_or(AUDIENCE));
        let answer =
            client.get(url).bearer_auth(token).send().await.and_then(|answer| answer.error_for_status());
        let answer = answer.map_err(|error| failed(&outbound::causes(&error)))?;
        let answer = answer.text().await.map_err(|error| failed(&outbound::causes(&error)))?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        Ok(answer["value"].as_str().ok_or_else(|| failed(&"the answer has none"))?.to_owned())
    }

    async fn send(
        &self,
        client: &Client,
        url: &Url,
        header: Option<&(&'static str, String)>,
        end: Instant,
    ) -> std::result::Result<(), Refusal> {
        // The path must stay secret: nothing else protects a generic Receiver.
        let shown = self.url.trim_end_matches('/');
        let unreachable = |error: reqwest::Error| Refusal {
            reason: format!("request to {shown} failed: {}", outbound::causes(&error.without_url())),
            may_pass: true,
        };
        let left = end.saturating_duration_since(Instant::now()).max(StdDuration::from_secs(1));
        let mut request = client.post(url.clone()).timeout(left).header("content-type", "application/json");
        if let Some((name, value)) = header {
            request = request.header(*name, value);
        }
        let answer = request.body(self.payload.clone()).send().await.map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let words: String = answer.text().await.unwrap_or_default().trim().chars().take(MOST_WORDS).collect();
        let words = if words.is_empty() { words } else { format!(": {words}") };
        Err(Refusal {
            reason: format!("request to {shown} failed with status {status}{words}"),
            may_pass: may_pass(status),
        })
    }
}

/// Why a request failed.
struct Refusal {
    reason: String,
    may_pass: bool,
}

/// Whether a retry may help. A path may be missing until the controllers have seen the Receiver.
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 408 | 429 | 500 | 502 | 503 | 504)
}
