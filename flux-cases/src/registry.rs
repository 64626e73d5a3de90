//! A registry of containers that forgets everything when it ends: enough for one client that pushes and pulls.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use sha2::{Digest, Sha256};

/// A registry on a loopback port.
pub(crate) struct Registry {
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

/// What was pushed, by path; manifests with their media type.
type Content = Arc<Mutex<HashMap<String, (String, Bytes)>>>;

impl Registry {
    /// Starts a registry on a free port.
    pub(crate) async fn start() -> Result<Self, String> {
        let listener =
            tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let router = Router::new().fallback(answer).with_state(Content::default());
        tokio::spawn(async move {
            let stopped = async move { drop(stopped.await) };
            // A server that ends too early shows in the commands that ask it.
            let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        });
        Ok(Registry { address, stop: Some(stop) })
    }

    /// Where it listens, as a host that clients take for local.
    pub(crate) fn address(&self) -> String {
        format!("localhost:{}", self.address.port())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may have ended already.
            let _ = stop.send(());
        }
    }
}

async fn answer(
    State(content): State<Content>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mut content = content.lock().unwrap_or_else(PoisonError::into_inner);
    let path = uri.path().to_owned();
    let digest = format!("sha256:{:x}", Sha256::digest(&body));
    let media_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match method {
        _ if path == "/v2/" => response(StatusCode::OK, &[], Bytes::new()),
        Method::POST if path.ends_with("/blobs/uploads/") => {
            let place = format!("{path}{}", content.len());
            response(StatusCode::ACCEPTED, &[("location", &place)], Bytes::new())
        }
        Method::PATCH => {
            let known = content.remove(&path).map(|(_, bytes)| bytes).unwrap_or_default();
            let whole = Bytes::from([known, body].concat());
            let range = format!("0-{}", whole.len().saturating_sub(1));
            content.insert(path.clone(), (String::new(), whole));
            response(StatusCode::ACCEPTED, &[("location", &path), ("range", &range)], Bytes::new())
        }
        Method::PUT if path.contains("/blobs/uploads/") => {
            let known = content.remove(&path).map(|(_, bytes)| bytes).unwrap_or_default();
            let whole = Bytes::from([known, body].concat());
            let repository = path.split("/blobs/").next().unwrap_or_default().to_owned();
            let digest = format!("sha256:{:x}", Sha256::digest(&whole));
            let place = format!("{repository}/blobs/{digest}");
            content.insert(place.clone(), ("application/octet-stream".to_owned(), whole));
            response(
                StatusCode::CREATED,
                &[("location", &place), ("docker-content-digest", &digest)],
                Bytes::new(),
            )
        }
        Method::PUT => {
            let repository = path.split("/manifests/").next().unwrap_or_default().to_owned();
            let place = format!("{repository}/manifests/{digest}");
            content.insert(place.clone(), (media_type.to_owned(), body.clone()));
            content.insert(path, (media_type.to_owned(), body));
            response(
                StatusCode::CREATED,
                &[("location", &place), ("docker-content-digest", &digest)],
                Bytes::new(),
            )
        }
        _ => match content.get(&path) {
            Some((media_type, bytes)) => {
                let digest = format!("sha256:{:x}", Sha256::digest(bytes));
                let headers =
                    [("content-type", media_type.as_str()), ("docker-content-digest", digest.as_str())];
                response(StatusCode::OK, &headers, bytes.clone())
            }
            None => response(StatusCode::NOT_FOUND, &[], Bytes::new()),
        },
    }
}

fn response(status: StatusCode, headers: &[(&str, &str)], body: Bytes) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body)).unwrap_or_default()
}
