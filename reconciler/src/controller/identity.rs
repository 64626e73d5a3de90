//! Who calls a webhook: tokens of accounts of Google.

use std::time::{Duration, Instant};

use reconciler_core::receiver::{TokenError, claims};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::environment::Environment;
use crate::outbound::{self, Reach};

/// Where Google publishes the keys that it signs tokens with.
const KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";
/// How long keys are kept. Google publishes each for days.
const KEPT: Duration = Duration::from_secs(3600);
/// How soon they are asked for again because of a key that is not among them: anyone can name one.
const SOONEST: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST: u64 = 1 << 20;

/// The keys that Google signs tokens with.
pub(crate) struct GoogleKeys {
    url: String,
    known: Mutex<Option<(Instant, Value)>>,
}

impl Default for GoogleKeys {
    fn default() -> Self {
        GoogleKeys { url: KEYS.to_owned(), known: Mutex::default() }
    }
}

impl GoogleKeys {
    /// The claims of the token in a header `Authorization`.
    pub(super) async fn claims(&self, header: &str, environment: &Environment) -> Result<Value, String> {
        let token =
            header.strip_prefix("Bearer ").ok_or("the Authorization header is missing or malformed")?;
        let mut known = self.known.lock().await;
        let age = known.as_ref().map(|(since, _)| since.elapsed());
        if age.is_none_or(|age| age > KEPT) {
            *known = Some((Instant::now(), self.fetch().await?));
        }
        let mut found = check(token, known.as_ref(), environment);
        if found == Err(TokenError::UnknownKey) && age.is_some_and(|age| age > SOONEST) {
            *known = Some((Instant::now(), self.fetch().await?));
            found = check(token, known.as_ref(), environment);
        }
        found.map_err(|error| error.to_string())
    }

    async fn fetch(&self) -> Result<Value, String> {
        let failed = |error: String| format!("the keys of Google cannot be fetched: {error}");
        let client =
            outbound::guarded(reqwest::Client::builder(), Reach::Everywhere).timeout(TIMEOUT).build();
        let client = client.map_err(|error| failed(outbound::causes(&error)))?;
        let answer = client.get(&self.url).send().await.and_then(reqwest::Response::error_for_status);
        let answer = answer.map_err(|error| failed(outbound::causes(&error)))?;
        let body = outbound::body(answer, LONGEST).await.map_err(|error| failed(error.to_string()))?;
        serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))
    }
}

fn check(
    token: &str,
    known: Option<&(Instant, Value)>,
    environment: &Environment,
) -> Result<Value, TokenError> {
    let (_, keys) = known.ok_or(TokenError::UnknownKey)?;
    claims(token, keys, environment.now())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::get;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn keys_are_fetched_once_in_a_while() -> Result<(), Box<dyn std::error::Error>> {
        let count = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let counted = Arc::clone(&count);
        let answer = get(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { axum::Json(json!({"keys": []})) }
        });
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", answer)).await });
        let keys = GoogleKeys { url, known: Mutex::default() };
        let environment = Environment::default();
        let unknown = "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.";
        for _ in 0..3 {
            let error = keys.claims(unknown, &environment).await.err().unwrap_or_default();
            assert_eq!(error, TokenError::UnknownKey.to_string());
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert!(keys.claims("token", &environment).await.is_err());
        Ok(())
    }
}
