//! Calling an admission webhook.
//!
//! The server connects to any address in a webhook configuration. Only administrators of the cluster can write
//! these, and the cluster belongs to the user who runs this process.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Certificate, Client, StatusCode, Url};
use serde_json::Value;

/// The largest answer, in bytes.
const LARGEST_ANSWER: usize = 3 << 20;
/// How many clients are kept. When there are more, all are dropped.
const MOST_CLIENTS: usize = 64;

/// HTTPS clients, by CA bundle.
#[derive(Default)]
pub(crate) struct Clients(Mutex<HashMap<String, Client>>);

impl Clients {
    /// Sends a review to a webhook and returns its answer, or why the call failed.
    pub(crate) async fn post(
        &self,
        address: &str,
        bundle: &str,
        seconds: u64,
        body: &Value,
    ) -> Result<Value, String> {
        let failed = |reason: String| failed(address, seconds, &reason);
        let mut url = Url::parse(address).map_err(|error| failed(error.to_string()))?;
        url.query_pairs_mut().append_pair("timeout", &format!("{seconds}s"));
        let client = self.client(bundle)?;
        let sent = client.post(url).timeout(Duration::from_secs(seconds));
        let mut response = sent.json(body).send().await.map_err(|error| failed(words(&error)))?;
        let mut answer = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| failed(words(&error)))? {
            answer.extend_from_slice(&part);
            if answer.len() > LARGEST_ANSWER {
                return Err(failed(format!("the answer is longer than {LARGEST_ANSWER} bytes")));
            }
        }
        match response.status() {
            status if status.is_success() => serde_json::from_slice(&answer)
                .map_err(|error| failed(format!("the answer is not JSON: {error}"))),
            StatusCode::NOT_FOUND => Err("the server could not find the requested resource".to_owned()),
            status if status.is_server_error() => Err(format!(
                "an error on the server ({:?}) has prevented the request from succeeding",
                String::from_utf8_lossy(&answer).trim_end()
            )),
            status => Err(format!("the server rejected our request for an unknown reason ({status})")),
        }
    }

    /// The client that trusts a CA bundle in base64, or the certificates of the machine if there is none.
    fn client(&self, bundle: &str) -> Result<Client, String> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(bundle) {
            return Ok(client.clone());
        }
        let unusable = |error: &dyn std::fmt::Display| format!("unable to load root certificates: {error}");
        let mut builder =
            Client::builder().https_only(true).no_proxy().redirect(reqwest::redirect::Policy::none());
        if !bundle.is_empty() {
            let pem = STANDARD.decode(bundle).map_err(|error| unusable(&error))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(&error))?;
            if certificates.is_empty() {
                return Err(unusable(&"the bundle holds no certificate"));
            }
            builder = builder.tls_certs_only(certificates);
        }
        let client = builder.build().map_err(|error| unusable(&words(&error)))?;
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        clients.insert(bundle.to_owned(), client.clone());
        Ok(client)
    }
}

/// The error of a call, worded as the API server words it.
pub(crate) fn failed(address: &str, seconds: u64, reason: &str) -> String {
    format!("Post \"{address}?timeout={seconds}s\": {reason}")
}

/// The error without the address.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "context deadline exceeded".to_owned();
    }
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = if text.is_empty() { next } else { format!("{text}: {next}") };
        }
        cause = error.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}
