//! A store inside the process that answers as S3 does, and checks signatures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;

use crate::stage::Outcome;
use crate::tls::Tls;

/// The key and its secret.
pub(crate) const LOGIN: (&str, &str) = ("reader", "a-secret-key");
/// The bucket.
const BUCKET: &str = "/apps";
/// How many objects it lists at once.
const PAGE: usize = 2;

/// A store with one bucket.
#[derive(Clone)]
pub(crate) struct ObjectStore {
    objects: Arc<Mutex<BTreeMap<String, String>>>,
    downloads: Arc<Mutex<Vec<String>>>,
    address: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// The tag of a content.
fn tag(content: &str) -> String {
    hex(&Sha256::digest(content))[..32].to_owned()
}

impl ObjectStore {
    /// Starts a store with these objects.
    pub(crate) async fn start(objects: &[(&str, &str)]) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let store = ObjectStore {
            objects: Arc::default(),
            downloads: Arc::default(),
            address: listener.local_addr()?.to_string(),
        };
        objects.iter().for_each(|(name, content)| store.put(name, content));
        let router = Router::new().fallback(answer).with_state(store.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(store)
    }

    /// The same over TLS.
    pub(crate) async fn start_tls(config: ServerConfig, objects: &[(&str, &str)]) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let store = ObjectStore { objects: Arc::default(), downloads: Arc::default(), address };
        objects.iter().for_each(|(name, content)| store.put(name, content));
        let router = Router::new().fallback(answer).with_state(store.clone());
        tokio::spawn(async move { axum::serve(Tls::new(listener, config), router).await });
        Ok(store)
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    fn objects(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds or changes an object.
    pub(crate) fn put(&self, name: &str, content: &str) {
        self.objects().insert(name.to_owned(), content.to_owned());
    }

    /// The objects that were downloaded.
    pub(crate) fn downloads(&self) -> Vec<String> {
        self.downloads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The revision that Flux has for these objects.
    pub(crate) fn revision(&self, names: &[&str]) -> String {
        let objects = self.objects();
        let lines: String = names
            .iter()
            .map(|name| format!("{name} {}\n", tag(objects.get(*name).map_or("", String::as_str))))
            .collect();
        format!("sha256:{}", hex(&Sha256::digest(lines)))
    }
}

/// Whether the signature in an address is the right one.
fn is_signed(method: &Method, host: &str, path: &str, query: &str) -> bool {
    let mut parts: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let get =
        |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| *value).unwrap_or_default();
    let (given, date) = (get("X-Amz-Signature").to_owned(), get("X-Amz-Date").to_owned());
    let credential = get("X-Amz-Credential").replace("%2F", "/");
    let Some((key, scope)) = credential.split_once('/') else { return false };
    if key != LOGIN.0 {
        return false;
    }
    parts.retain(|(name, _)| *name != "X-Amz-Signature");
    parts.sort_unstable();
    let canonical: Vec<String> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = format!("{method}\n{path}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD", canonical.join("&"));
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let seed = format!("AWS4{}", LOGIN.1).into_bytes();
    let signing = scope.split('/').fold(seed, |key, part| sign(&key, part));
    hex(&sign(&signing, &text)) == given
}

async fn answer(State(store): State<ObjectStore>, request: Request) -> Response {
    let (method, uri) = (request.method(), request.uri());
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let query = uri.query().unwrap_or_default();
    if !is_signed(method, host, uri.path(), query) {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>The signature does not match.</Message></Error>";
        return (StatusCode::FORBIDDEN, body).into_response();
    }
    let Some(rest) = uri.path().strip_prefix(BUCKET) else { return StatusCode::NOT_FOUND.into_response() };
    let name = rest.trim_start_matches('/');
    if !name.is_empty() {
        store.downloads.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        return match store.objects().get(name) {
            Some(content) => {
                ([(header::ETAG, format!("\"{}\"", tag(content)))], content.clone()).into_response()
            }
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        };
    }
    if method == Method::HEAD {
        return StatusCode::OK.into_response();
    }
    let value = |key: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.replace("%2F", "/"))
    };
    let (prefix, after) =
        (value("prefix").unwrap_or_default(), value("continuation-token").unwrap_or_default());
    let objects = store.objects();
    let mut names: Vec<&String> =
        objects.keys().filter(|name| name.starts_with(&prefix) && **name > after).collect();
    let is_more = names.len() > PAGE;
    names.truncate(PAGE);
    let mut body = "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><MaxKeys>1000</MaxKeys>".to_owned();
    for name in &names {
        let content = &objects[*name];
        body.push_str(&format!(
            "<Contents><Key>{name}</Key><LastModified>2026-11-29T00:00:00.000Z</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass></Contents>",
            tag(content),
            content.len()
        ));
    }
    body.push_str(&format!("<IsTruncated>{is_more}</IsTruncated>"));
    if let (true, Some(last)) = (is_more, names.last()) {
        body.push_str(&format!("<NextContinuationToken>{last}</NextContinuationToken>"));
    }
    body.push_str("</ListBucketResult>");
    body.into_response()
}
