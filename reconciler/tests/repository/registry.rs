//! A registry that has an empty chart under every name.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use reconciler_core::source::Archive;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::Outcome;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

struct Content {
    layer: Vec<u8>,
    manifest: String,
}

/// Starts the registry, and returns its host and port.
pub(crate) async fn start() -> Outcome<String> {
    let mut archive = Archive::new(Vec::new())?;
    let chart = "apiVersion: v2\nname: empty\nversion: 1.0.0\n";
    archive.file("empty/Chart.yaml", false, chart.len() as u64, chart.as_bytes())?;
    let layer = archive.finish()?.0;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": digest(b"{}"), "size": 2},
        "layers": [{"mediaType": CHART, "digest": digest(&layer), "size": layer.len()}],
    });
    let content = Arc::new(Content { layer, manifest: manifest.to_string() });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let router = Router::new().fallback(answer).with_state(content);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

async fn answer(State(content): State<Arc<Content>>, request: Request) -> Response<Body> {
    let path = request.uri().path();
    let (kind, body) = if path.contains("/manifests/") {
        (MANIFEST, content.manifest.clone().into_bytes())
    } else if path.contains("/blobs/") {
        ("application/octet-stream", content.layer.clone())
    } else if path.ends_with("/tags/list") {
        // One for each major version that a range may ask for.
        let tags: Vec<String> = (0..100).map(|major| format!("{major}.99.0")).collect();
        ("application/json", json!({"name": path, "tags": tags}).to_string().into_bytes())
    } else {
        ("application/json", b"{}".to_vec())
    };
    let mut response = Response::new(Body::from(body));
    if path.contains("/referrers/") {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    if path.contains("/manifests/")
        && let Ok(digest) = digest(content.manifest.as_bytes()).parse()
    {
        response.headers_mut().insert("docker-content-digest", digest);
    }
    response
}
