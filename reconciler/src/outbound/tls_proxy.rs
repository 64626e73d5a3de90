//! A proxy inside the process, for a client that cannot show a certificate to servers: the proxy does.
//!
//! The client speaks HTTP to the proxy, which passes every request on over TLS. Nobody else can use it: it asks for a
//! password, which no other process knows.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{HeaderName, HeaderValue, PROXY_AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::{Reach, causes, check_address};

/// The name that goes with the password.
const USER: &str = "client";
/// Headers that are about one connection, and not passed on.
const OWN: [HeaderName; 5] = [
    header::CONNECTION,
    header::HOST,
    header::TRANSFER_ENCODING,
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHORIZATION,
];

/// A proxy that sends requests without a body over TLS. It ends when this is dropped.
pub struct TlsProxy {
    address: SocketAddr,
    password: String,
    failure: Failure,
    task: JoinHandle<()>,
}

/// Why the last request could not be passed on, if it could not.
type Failure = Arc<Mutex<Option<String>>>;

#[derive(Clone)]
struct Shared {
    client: Client,
    reach: Reach,
    login: String,
    failure: Failure,
}

impl TlsProxy {
    /// Opens one on this machine, which sends requests with this client. There has to be a runtime.
    pub fn open(client: Client, reach: Reach) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let (listener, failure) = (TcpListener::from_std(listener)?, Failure::default());
        let (address, password) = (listener.local_addr()?, uuid::Uuid::new_v4().simple().to_string());
        let login = format!("Basic {}", BASE64.encode(format!("{USER}:{password}")));
        let shared = Shared { client, reach, login, failure: Arc::clone(&failure) };
        let router = Router::new().fallback(pass).with_state(shared);
        // Serving ends with the task.
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(TlsProxy { address, password, failure, task })
    }

    /// Its address, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{USER}:{}@{}", self.password, self.address)
    }

    /// Why the last request could not be passed on, if that was not asked for before.
    #[must_use]
    pub fn take_failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for TlsProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(State(shared): State<Shared>, request: Request) -> Response<Body> {
    let given = request.headers().get(PROXY_AUTHORIZATION);
    if given.is_none_or(|given| given.as_bytes() != shared.login.as_bytes()) {
        return refusal(StatusCode::PROXY_AUTHENTICATION_REQUIRED, "this proxy belongs to another process");
    }
    let (parts, _) = request.into_parts();
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "this proxy passes on GET and HEAD only");
    }
    let Some(authority) = parts.uri.authority() else {
        return refusal(StatusCode::BAD_REQUEST, "this is a proxy, and no server");
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("https://{authority}{path}");
    match send(&shared, parts.method, &url, parts.headers).await {
        Ok(answer) => answer,
        Err(message) => {
            let answer = refusal(StatusCode::BAD_GATEWAY, &message);
            *shared.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
            answer
        }
    }
}

/// Sends a request, and has its answer look as if it came from the proxy.
async fn send(
    shared: &Shared,
    method: Method,
    url: &str,
    mut headers: HeaderMap,
) -> Result<Response<Body>, String> {
    let url = Url::parse(url).map_err(|error| format!("'{url}' is no address: {error}"))?;
    // Servers choose where tokens are asked for.
    check_address(&url, shared.reach).map_err(|refused| refused.to_string())?;
    OWN.iter().for_each(|name| drop(headers.remove(name)));
    let answer = shared.client.request(method, url).headers(headers).send().await;
    let mut answer = Response::<reqwest::Body>::from(answer.map_err(|error| causes(&error.without_url()))?);
    OWN.iter().for_each(|name| drop(answer.headers_mut().remove(name)));
    lead_back(answer.headers_mut());
    Ok(answer.map(Body::new))
}

fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(message.to_owned()));
    *answer.status_mut() = status;
    answer
}

/// Has the client ask for a token by way of the proxy, too.
fn lead_back(headers: &mut HeaderMap) {
    for (name, value) in headers.iter_mut() {
        if *name != WWW_AUTHENTICATE {
            continue;
        }
        let text = value.to_str().map(|text| text.replace("=\"https://", "=\"http://"));
        if let Ok(Ok(changed)) = text.map(|text| HeaderValue::from_str(&text)) {
            *value = changed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_else_can_use_it() -> Result<(), Box<dyn std::error::Error>> {
        let proxy = TlsProxy::open(Client::new(), Reach::Everywhere)?;
        for (login, status) in [("", 407), ("client:guess@", 407)] {
            let url = format!("http://{login}{}", proxy.address);
            let client = Client::builder().proxy(reqwest::Proxy::http(url)?).build()?;
            assert_eq!(client.get("http://127.0.0.1:1/").send().await?.status(), status, "{login}");
            assert_eq!(proxy.take_failure(), None);
        }
        let client = Client::builder().proxy(reqwest::Proxy::http(proxy.url())?).build()?;
        assert_eq!(client.post("http://127.0.0.1:1/").send().await?.status(), 405);
        assert_eq!(client.get("http://127.0.0.1:1/").send().await?.status(), 502);
        let why = proxy.take_failure().unwrap_or_default();
        assert!(why.to_lowercase().contains("connection refused"), "{why}");
        assert_eq!(client.get("http://169.254.169.254/").send().await?.status(), 502);
        let why = proxy.take_failure().unwrap_or_default();
        assert!(why.contains("link-local address"), "{why}");
        Ok(())
    }

    #[test]
    fn tokens_are_asked_for_by_way_of_it() {
        let mut headers = HeaderMap::new();
        let bearer = r#"Bearer realm="https://example.org/token",service="https.example.org""#;
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"x\""));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(bearer));
        lead_back(&mut headers);
        let found: Vec<_> =
            headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        let changed = r#"Bearer realm="http://example.org/token",service="https.example.org""#;
        assert_eq!(found, ["Basic realm=\"x\"", changed]);
    }
}
