//! Requests to an API server, as JSON.

use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::Body;
use reconciler_core::object;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::outbound::causes;

/// How often a request is retried if the server asks for a pause.
const MOST_TRIES: u32 = 5;
/// The longest pause that a server may ask for, in seconds.
const LONGEST_PAUSE: u64 = 30;

/// How long an answer may take: twice as long as an admission webhook. A tenant may have chosen the cluster.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a message of a server is kept, in characters.
const LONGEST_MESSAGE: usize = 8 << 10;
/// How large an answer may be, in bytes.
const LARGEST: usize = 64 << 20;

/// A request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// The status code.
        code: u16,
        /// The reason, in one word.
        reason: String,
        /// The message for users.
        message: String,
    },
    /// There was no answer.
    #[error("{0}")]
    NoAnswer(String),
}

impl RequestError {
    /// The status code, 0 if there was no answer.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            RequestError::Refused { code, .. } => *code,
            RequestError::NoAnswer(_) => 0,
        }
    }

    /// Whether the change is not allowed, but the object could be deleted and created again.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        match self {
            RequestError::Refused { code: 409 | 422, .. } => true,
            // The message may name an account that is called so.
            RequestError::Refused { code: 401 | 403, .. } | RequestError::NoAnswer(_) => false,
            RequestError::Refused { message, .. } => message.contains("immutable"),
        }
    }
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => RequestError::Refused {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
            },
            kube::Error::Service(error) => {
                RequestError::NoAnswer(format!("the API server cannot be reached: {}", causes(&*error)))
            }
            other => RequestError::NoAnswer(causes(&other)),
        }
    }
}

/// Sends a request, and reads the answer.
async fn answer(client: &Client, request: Request<Body>) -> Result<(Parts, Bytes), RequestError> {
    let (parts, body) = client.send(request).await?.into_parts();
    let body = Limited::new(body, LARGEST).collect().await;
    let body = body.map_err(|error| RequestError::NoAnswer(error.to_string()))?;
    Ok((parts, body.to_bytes()))
}

/// A client of an API server, possibly with impersonation.
#[derive(Clone)]
pub(super) struct Requests {
    client: Client,
    /// The user to impersonate.
    user: Option<HeaderValue>,
}

impl Requests {
    pub(super) fn new(client: Client) -> Self {
        Requests { client, user: None }
    }

    /// Impersonates a service account.
    pub(super) fn on_behalf_of(&self, namespace: &str, account: &str) -> Result<Self, RequestError> {
        let user = HeaderValue::try_from(format!("system:serviceaccount:{namespace}:{account}"))
            .map_err(|_| RequestError::NoAnswer(format!("{account:?} cannot be a service account")))?;
        Ok(Requests { client: self.client.clone(), user: Some(user) })
    }

    /// The user that is impersonated.
    pub(super) fn user(&self) -> Option<String> {
        self.user.as_ref().and_then(|user| user.to_str().ok()).map(str::to_owned)
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request. Waits and retries if the server asks for that.
    pub(super) async fn send(
        &self,
        method: &str,
        uri: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>), RequestError> {
        let lost = |error: &dyn std::fmt::Display| RequestError::NoAnswer(error.to_string());
        let mut tries = 0;
        loop {
            tries += 1;
            let mut request = Request::builder()
                .method(method)
                .uri(uri)
                .header(header::ACCEPT, "application/json")
                .header(header::CONTENT_TYPE, content_type);
            if let Some(user) = &self.user {
                request = request.header("Impersonate-User", user);
            }
            let request = request.body(Body::from(body.to_vec())).map_err(|error| lost(&error))?;
            let answer = tokio::time::timeout(PATIENCE, answer(&self.client, request)).await;
            let (response, bytes) = answer.map_err(|_| {
                RequestError::NoAnswer(format!("the server did not answer within {} s", PATIENCE.as_secs()))
            })??;
            let code = response.status.as_u16();
            let pause = response
                .headers
                .get(header::RETRY_AFTER)
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.parse().ok());
            if code < 400 {
                return Ok((code, bytes.to_vec()));
            }
            if matches!(code, 429 | 503)
                && tries < MOST_TRIES
                && let Some(pause) = pause
            {
                tokio::time::sleep(Duration::from_secs(std::cmp::min(pause, LONGEST_PAUSE))).await;
                continue;
            }
            return Err(refusal(code, &bytes));
        }
    }

    /// Gets something as JSON.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, RequestError> {
        let (_, body) = self.send("GET", path, "application/json", &[]).await?;
        serde_json::from_slice(&body).map_err(|error| RequestError::NoAnswer(format!("{path}: {error}")))
    }

    /// Posts something as JSON, and returns what the server makes of it.
    pub(super) async fn post<T: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        object: &T,
    ) -> Result<T, RequestError> {
        let lost = |error: serde_json::Error| RequestError::NoAnswer(format!("{path}: {error}"));
        let body = serde_json::to_vec(object).map_err(lost)?;
        let (_, body) = self.send("POST", path, "application/json", &body).await?;
        serde_json::from_slice(&body).map_err(lost)
    }
}

fn refusal(code: u16, body: &[u8]) -> RequestError {
    let status: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = match object::text(&status, &["message"]) {
        "" => format!("the server answered with status {code}"),
        message => message.chars().take(LONGEST_MESSAGE).collect(),
    };
    let reason = object::text(&status, &["reason"]).chars().take(LONGEST_MESSAGE).collect();
    RequestError::Refused { code, reason, message }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;
    use http::Response;
    use tower::service_fn;

    use super::*;

    #[test]
    fn an_account_called_immutable_makes_nothing_immutable() {
        let refused = |code, message: &str| RequestError::Refused {
            code,
            reason: String::new(),
            message: message.to_owned(),
        };
        assert!(refused(422, "spec.selector: field is immutable").is_immutable());
        assert!(refused(400, "this field is immutable").is_immutable());
        assert!(!refused(400, "this field is wrong").is_immutable());
        let user = "User \"system:serviceaccount:apps:immutable\" cannot patch resource \"configmaps\"";
        assert!(!refused(403, user).is_immutable());
    }

    #[tokio::test]
    async fn an_answer_without_end_is_refused() {
        let endless = service_fn(async |_: Request<Body>| {
            let pieces = stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b' '; 1 << 20])));
            Ok::<_, Infallible>(Response::new(reqwest::Body::wrap_stream(pieces)))
        });
        let requests = Requests::new(Client::new(endless, "default"));
        let answer = requests.send("GET", "/api", "application/json", &[]).await;
        assert!(matches!(answer, Err(RequestError::NoAnswer(why)) if why.contains("length limit")));
    }
}
