//! Requests about single objects.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use reconciler_core::object;
use reconciler_core::ssa::ObjectId;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::FIELD_MANAGER;
use super::kinds::{ApiKind, Kinds};

/// How often a request is sent again when the server asks for a pause.
const MOST_TRIES: u32 = 5;

/// A request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// The status code.
        code: u16,
        /// Why, in one word.
        reason: String,
        /// Why, for people.
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
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => RequestError::Refused {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
            },
            other => RequestError::NoAnswer(other.to_string()),
        }
    }
}

/// Sends a request. Waits and tries again where the server asks for that.
async fn send(
    client: &Client,
    method: &str,
    uri: &str,
    content_type: &str,
    body: &[u8],
) -> Result<(u16, Vec<u8>), RequestError> {
    let lost = |error: &dyn std::fmt::Display| RequestError::NoAnswer(error.to_string());
    let mut tries = 0;
    loop {
        tries += 1;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, content_type)
            .body(Body::from(body.to_vec()))
            .map_err(|error| lost(&error))?;
        let response = client.send(request).await?;
        let code = response.status().as_u16();
        let pause = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let bytes = response.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
        if code < 400 {
            return Ok((code, bytes.to_vec()));
        }
        if matches!(code, 429 | 503)
            && tries < MOST_TRIES
            && let Some(pause) = pause
        {
            tokio::time::sleep(Duration::from_secs(std::cmp::min(pause, 30))).await;
            continue;
        }
        let status: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let message = match object::text(&status, &["message"]) {
            "" => format!("the server answered with status {code}"),
            message => message.to_owned(),
        };
        return Err(RequestError::Refused {
            code,
            reason: object::text(&status, &["reason"]).to_owned(),
            message,
        });
    }
}

/// Gets something as JSON.
pub(super) async fn get_json<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, RequestError> {
    let (_, body) = send(client, "GET", path, "application/json", &[]).await?;
    serde_json::from_slice(&body).map_err(|error| RequestError::NoAnswer(format!("{path}: {error}")))
}

/// An object after it was applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// As the server has it now.
    pub object: Value,
    /// Whether it is new.
    pub is_created: bool,
}

impl Applied {
    /// Its resource version; empty for a dry run of a new object.
    #[must_use]
    pub fn resource_version(&self) -> &str {
        object::text(&self.object, &["metadata", "resourceVersion"])
    }
}

/// The objects of a cluster.
pub struct Objects {
    client: Client,
    kinds: Kinds,
}

impl Objects {
    /// The objects of the cluster that a client leads to.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Objects { kinds: Kinds::new(client.clone()), client }
    }

    /// The kinds of the cluster.
    #[must_use]
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Applies an object, taking over fields of other managers.
    pub async fn apply(&self, kind: &ApiKind, object: &Value, is_dry: bool) -> Result<Applied, RequestError> {
        let dry_run = if is_dry { "&dryRun=All" } else { "" };
        let path = kind.path(object::namespace(object), object::name(object));
        let uri = format!("{path}?fieldManager={FIELD_MANAGER}&force=true{dry_run}");
        let body = serde_json::to_vec(object).map_err(|error| RequestError::NoAnswer(error.to_string()))?;
        let (code, body) = send(&self.client, "PATCH", &uri, "application/apply-patch+yaml", &body).await?;
        let object = serde_json::from_slice(&body)
            .map_err(|error| RequestError::NoAnswer(format!("{path}: {error}")))?;
        Ok(Applied { object, is_created: code == 201 })
    }

    /// Gets an object. None if it does not exist.
    pub async fn get(&self, kind: &ApiKind, id: &ObjectId) -> Result<Option<Value>, RequestError> {
        match get_json(&self.client, &kind.path(&id.namespace, &id.name)).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.code() == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object; its dependents go in the background. One that is gone already is no error.
    pub async fn delete(&self, kind: &ApiKind, id: &ObjectId, uid: &str) -> Result<(), RequestError> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        });
        let path = kind.path(&id.namespace, &id.name);
        let body = options.to_string();
        match send(&self.client, "DELETE", &path, "application/json", body.as_bytes()).await {
            Ok(_) => Ok(()),
            Err(error) if error.code() == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Names of all namespaces.
    pub async fn namespaces(&self) -> Result<Vec<String>, RequestError> {
        let list: Value = get_json(&self.client, "/api/v1/namespaces").await?;
        let items = list.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Ok(items.iter().map(|item| object::name(item).to_owned()).collect())
    }
}
