//! A registry inside the process, with one repository of artifacts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reconciler_core::source::Archive;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;

use crate::stage::Outcome;
use crate::tls::Tls;

/// The login that it wants.
const LOGIN: &str = "robot:hunter2";
/// The token that it hands out for that.
const TOKEN: &str = "a-token";
/// The type of manifests.
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The type of lists of manifests.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The type of layers as `flux push artifact` makes them.
pub(crate) const CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";

#[derive(Default)]
struct Content {
    tags: BTreeMap<String, String>,
    blobs: BTreeMap<String, Vec<u8>>,
    /// What refers to an artifact, by the digest of that.
    referrers: BTreeMap<String, Vec<Value>>,
    /// What whoever asks for what refers to an artifact is answered with, if not with that.
    refusal: Option<StatusCode>,
    /// How often content was downloaded.
    downloads: usize,
    /// Whether it takes a token in place of the login, which it hands out over TLS.
    wants_tokens: bool,
}

/// A registry with the repository `apps`.
#[derive(Clone)]
pub(crate) struct Registry {
    content: Arc<Mutex<Content>>,
    address: String,
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A list of manifests.
fn index(manifests: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
}

/// The archive of files.
pub(crate) fn archive(files: &[(&str, &str)]) -> Outcome<Vec<u8>> {
    let mut archive = Archive::new(Vec::new())?;
    for (name, text) in files {
        archive.file(name, false, text.len() as u64, text.as_bytes())?;
    }
    Ok(archive.finish()?.0)
}

impl Registry {
    /// Starts an empty registry.
    pub(crate) async fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let registry = Registry { content: Arc::default(), address: listener.local_addr()?.to_string() };
        let router = registry.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(registry)
    }

    fn router(&self) -> Router {
        Router::new()
            .route(
                "/v2/",
                get(async |State(registry): State<Registry>, headers: HeaderMap| {
                    refusal(&registry, &headers).unwrap_or_else(|| StatusCode::OK.into_response())
                }),
            )
            .route("/v2/apps/tags/list", get(tags))
            .route("/v2/apps/manifests/{reference}", get(manifest))
            .route("/v2/apps/blobs/{digest}", get(blob))
            .route("/v2/apps/referrers/{digest}", get(referrers))
            .route("/token", get(token))
            .with_state(self.clone())
    }

    /// Has the registry send clients for a token.
    pub(crate) fn want_tokens(&self) {
        self.content().wants_tokens = true;
    }

    /// The same over TLS.
    pub(crate) async fn start_tls(config: ServerConfig) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let registry = Registry { content: Arc::default(), address: listener.local_addr()?.to_string() };
        let router = registry.router();
        tokio::spawn(async move { axum::serve(Tls::new(listener, config), router).await });
        Ok(registry)
    }

    fn content(&self) -> std::sync::MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Host and port, and the repository.
    pub(crate) fn name(&self) -> String {
        format!("{}/apps", self.address)
    }

    /// The address of the repository, as a source has it.
    pub(crate) fn url(&self) -> String {
        format!("oci://{}/apps", self.address)
    }

    /// How often layers were downloaded.
    pub(crate) fn downloads(&self) -> usize {
        self.content().downloads
    }

    /// A Secret with the login.
    pub(crate) fn secret(&self) -> Value {
        let config = json!({"auths": {&self.address: {"auth": BASE64.encode(LOGIN)}}});
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": BASE64.encode(config.to_string())},
        })
    }

    /// Pushes an artifact with these layers, each with its type. Returns its digest.
    pub(crate) fn push(&self, tag: &str, layers: &[(&str, Vec<u8>)]) -> String {
        let mut content = self.content();
        let mut descriptors = Vec::new();
        for (media_type, bytes) in layers {
            descriptors.push(json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()}));
            content.blobs.insert(digest(bytes), bytes.clone());
        }
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": descriptors,
            "config": {"mediaType": "application/vnd.cncf.flux.config.v1+json", "digest": digest(b"{}"), "size": 2},
            "annotations": {
                "org.opencontainers.image.source": "https://example.org/apps",
                "org.opencontainers.image.revision": format!("{tag}@sha1:0123"),
            },
        });
        let bytes = manifest.to_string().into_bytes();
        let id = digest(&bytes);
        content.blobs.insert(id.clone(), bytes);
        content.tags.insert(tag.to_owned(), id.clone());
        id
    }
}

impl Content {
    /// Stores a manifest with layers and their annotations, and returns its digest.
    fn manifest(&mut self, layers: &[Value], further: &Value) -> String {
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": layers,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(b"{}"), "size": 2},
        });
        if let (Some(into), Some(further)) = (manifest.as_object_mut(), further.as_object()) {
            into.extend(further.clone());
        }
        self.blob(manifest.to_string().into_bytes())
    }

    fn blob(&mut self, bytes: Vec<u8>) -> String {
        let id = digest(&bytes);
        self.blobs.insert(id.clone(), bytes);
        id
    }
}

/// Signatures, where cosign stores them.
impl Registry {
    /// Adds a payload with its signature to those of an artifact, in the older format.
    pub(crate) fn sign(&self, artifact: &str, payload: &[u8], signature: &str) {
        let mut content = self.content();
        let tag = format!("{}.sig", artifact.replace(':', "-"));
        let id = content.blob(payload.to_vec());
        let layer = json!({
            "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": id, "size": payload.len(),
            "annotations": {"dev.cosignproject.cosign/signature": signature},
        });
        let manifest = content.manifest(&[layer], &json!({}));
        content.tags.insert(tag, manifest);
    }

    /// Has the registry answer every question for what refers to an artifact with a status.
    pub(crate) fn refuse_referrers(&self, status: StatusCode) {
        self.content().refusal = Some(status);
    }

    /// Adds a bundle that refers to an artifact.
    pub(crate) fn attach(&self, artifact: &str, bundle: &[u8]) {
        const TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
        let mut content = self.content();
        let id = content.blob(bundle.to_vec());
        let layer = json!({"mediaType": TYPE, "digest": id, "size": bundle.len()});
        let subject = json!({"mediaType": MANIFEST, "digest": artifact, "size": 1});
        let manifest = content.manifest(&[layer], &json!({"artifactType": TYPE, "subject": subject}));
        let entry = json!({"mediaType": MANIFEST, "digest": manifest, "size": 1, "artifactType": TYPE});
        content.referrers.entry(artifact.to_owned()).or_default().push(entry);
        if content.refusal.is_some() {
            let index = index(&content.referrers[artifact]);
            let id = content.blob(index.to_string().into_bytes());
            content.tags.insert(artifact.replace(':', "-"), id);
        }
    }
}

/// What whoever has not logged in is told.
fn refusal(registry: &Registry, headers: &HeaderMap) -> Option<Response> {
    let basic = format!("Basic {}", BASE64.encode(LOGIN));
    let (wanted, challenge) = match registry.content().wants_tokens {
        true => {
            let realm = format!("https://{}/token", registry.address);
            (format!("Bearer {TOKEN}"), format!("Bearer realm=\"{realm}\",service=\"test\""))
        }
        false => (basic, "Basic realm=\"test\"".to_owned()),
    };
    if headers.get(header::AUTHORIZATION).is_some_and(|given| *given == *wanted) {
        return None;
    }
    Some((StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response())
}

async fn token(headers: HeaderMap) -> Response {
    let wanted = format!("Basic {}", BASE64.encode(LOGIN));
    match headers.get(header::AUTHORIZATION).is_some_and(|given| *given == *wanted) {
        true => Json(json!({"token": TOKEN})).into_response(),
        false => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn tags(State(registry): State<Registry>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&registry, &headers) {
        return refusal;
    }
    let tags: Vec<String> = registry.content().tags.keys().cloned().collect();
    Json(json!({"name": "apps", "tags": tags})).into_response()
}

async fn manifest(
    State(registry): State<Registry>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&registry, &headers) {
        return refusal;
    }
    let content = registry.content();
    let id = content.tags.get(&reference).unwrap_or(&reference);
    match content.blobs.get(id) {
        Some(bytes) => {
            let is_index = String::from_utf8_lossy(bytes).contains(INDEX);
            let headers = [
                (header::CONTENT_TYPE, if is_index { INDEX } else { MANIFEST }),
                (header::HeaderName::from_static("docker-content-digest"), id),
            ];
            (headers, bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn blob(State(registry): State<Registry>, Path(digest): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refusal(&registry, &headers) {
        return refusal;
    }
    let mut content = registry.content();
    content.downloads += 1;
    match content.blobs.get(&digest) {
        Some(bytes) => Body::from(bytes.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn referrers(
    State(registry): State<Registry>,
    Path(digest): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refusal(&registry, &headers) {
        return refusal;
    }
    let content = registry.content();
    if let Some(status) = content.refusal {
        return status.into_response();
    }
    let manifests = content.referrers.get(&digest).cloned().unwrap_or_default();
    ([(header::CONTENT_TYPE, INDEX)], index(&manifests).to_string()).into_response()
}
