//! The counterpart of a scan: a server that answers as a registry does when it is asked for tags.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

use super::Outcome;

/// The login that it wants.
pub(crate) const LOGIN: (&str, &str) = ("robot", "hunter2");
/// How many tags it gives at once, whatever it is asked for.
const PAGE: usize = 2;

/// A registry with one image.
#[derive(Clone)]
pub(crate) struct Registry {
    tags: Arc<Mutex<Vec<String>>>,
    address: String,
}

#[derive(Deserialize)]
struct Page {
    last: Option<String>,
}

impl Registry {
    /// Starts a registry with these tags.
    pub(crate) async fn start(tags: &[&str]) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let tags = Arc::new(Mutex::new(tags.iter().map(|tag| (*tag).to_owned()).collect()));
        let registry = Registry { tags, address: listener.local_addr()?.to_string() };
        let router = Router::new()
            .route(
                "/v2/",
                get(async |headers: HeaderMap| {
                    login(&headers).unwrap_or_else(|| StatusCode::OK.into_response())
                }),
            )
            .route("/v2/nginx/tags/list", get(list))
            .with_state(registry.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(registry)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Adds a tag.
    pub(crate) fn push(&self, tag: &str) {
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).push(tag.to_owned());
    }
}

/// What whoever has not logged in is told.
fn login(headers: &HeaderMap) -> Option<Response> {
    let wanted = format!("Basic {}", STANDARD.encode(format!("{}:{}", LOGIN.0, LOGIN.1)));
    if headers.get(header::AUTHORIZATION).is_some_and(|given| *given == *wanted) {
        return None;
    }
    Some((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"test\"")]).into_response())
}

async fn list(State(registry): State<Registry>, Query(page): Query<Page>, headers: HeaderMap) -> Response {
    if let Some(refusal) = login(&headers) {
        return refusal;
    }
    let mut tags = registry.tags.lock().unwrap_or_else(PoisonError::into_inner).clone();
    tags.sort();
    tags.retain(|tag| page.last.as_ref().is_none_or(|last| tag > last));
    tags.truncate(PAGE);
    Json(json!({"name": "nginx", "tags": tags})).into_response()
}
