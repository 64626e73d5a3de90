//! The counterpart of a scan: a server that answers as a registry does when it is asked for tags.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Query, State};
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

/// A registry with some images.
#[derive(Clone)]
pub(crate) struct Registry {
    tags: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    address: String,
}

#[derive(Deserialize)]
struct Page {
    last: Option<String>,
}

impl Registry {
    /// Starts a registry with these images and their tags.
    pub(crate) async fn start(images: &[(&str, &[&str])]) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let registry = Registry { tags: Arc::default(), address: listener.local_addr()?.to_string() };
        for (image, tags) in images {
            tags.iter().for_each(|tag| registry.push(image, tag));
        }
        let router = Router::new()
            .route(
                "/v2/",
                get(async |headers: HeaderMap| {
                    login(&headers).unwrap_or_else(|| StatusCode::OK.into_response())
                }),
            )
            .route("/v2/{image}/tags/list", get(list))
            .with_state(registry.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(registry)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Adds a tag to an image.
    pub(crate) fn push(&self, image: &str, tag: &str) {
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.entry(image.to_owned()).or_default().push(tag.to_owned());
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

async fn list(
    State(registry): State<Registry>,
    Path(image): Path<String>,
    Query(page): Query<Page>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = login(&headers) {
        return refusal;
    }
    let known = registry.tags.lock().unwrap_or_else(PoisonError::into_inner).get(&image).cloned();
    let Some(mut tags) = known else { return StatusCode::NOT_FOUND.into_response() };
    tags.sort();
    tags.retain(|tag| page.last.as_ref().is_none_or(|last| tag > last));
    tags.truncate(PAGE);
    Json(json!({"name": image, "tags": tags})).into_response()
}
