//! A git server over http or https, on the program `git http-backend`.

#[path = "../../../embedded-cluster/tests/behavior/tls.rs"]
mod tls;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::serve::Listener;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use tls::Tls;

use crate::world::{Outcome, World, run};

/// Who may ask.
#[derive(Clone)]
pub(crate) enum Access {
    Anyone,
    /// Who has this name and password.
    Basic(&'static str, &'static str),
    /// Who has this token.
    Bearer(&'static str),
}

#[derive(Clone)]
struct Served {
    root: Arc<String>,
    access: Access,
    /// Answers are cut off in the middle.
    is_broken: bool,
    /// The server knows the first version of the protocol only.
    is_old: bool,
    /// The logins that were given.
    logins: Logins,
}

/// The logins that a server was given, and an empty text for each request without one.
#[derive(Clone, Default)]
pub(crate) struct Logins(Arc<Mutex<Vec<String>>>);

impl Logins {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The same as [`serve`], and what logins it is given.
pub(crate) async fn serve_and_note(world: &World, access: Access) -> Outcome<(String, Logins)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let (address, served) = (listener.local_addr()?, served(world, access));
    let logins = served.logins.clone();
    start(listener, served);
    Ok((format!("http://{address}/repository.git"), logins))
}

/// The same as [`serve`] by a server that hands out nothing but branches and tags.
pub(crate) async fn serve_old(world: &World) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    start(listener, Served { is_old: true, ..served(world, Access::Anyone) });
    Ok(format!("http://{address}/repository.git"))
}

/// Serves the repositories of a world. Returns the address of its repository.
pub(crate) async fn serve(world: &World, access: Access) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    start(listener, served(world, access));
    Ok(format!("http://{address}/repository.git"))
}

/// The same, but answers end in the middle.
pub(crate) async fn serve_cut_off(world: &World) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    start(listener, Served { is_broken: true, ..served(world, Access::Anyone) });
    Ok(format!("http://{address}/repository.git"))
}

/// The same over TLS. Returns the address, and the certificate of the authority that vouches for it.
pub(crate) async fn serve_tls(world: &World, access: Access) -> Outcome<(String, String)> {
    let (key, certificate) = (world.path("tls.key"), world.path("tls.crt"));
    let alternative = "subjectAltName=IP:127.0.0.1";
    run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-addext",
            alternative,
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
    )?;
    let chain: Vec<_> = CertificateDer::pem_file_iter(&certificate)?.collect::<Result<_, _>>()?;
    let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(&key)?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    start(Tls::new(listener, config), served(world, access));
    Ok((format!("https://{address}/repository.git"), std::fs::read_to_string(certificate)?))
}

/// The same for those only who show a certificate.
pub(crate) async fn serve_demanding(world: &World, config: ServerConfig) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    start(Tls::new(listener, config), served(world, Access::Anyone));
    Ok(format!("https://{address}/repository.git"))
}

fn served(world: &World, access: Access) -> Served {
    Served {
        root: Arc::new(world.path("served")),
        access,
        is_broken: false,
        is_old: false,
        logins: Logins::default(),
    }
}

fn start<L: Listener<Addr = SocketAddr>>(listener: L, served: Served) {
    let router = Router::new().fallback(answer).with_state(served);
    tokio::spawn(async move { axum::serve(listener, router).await });
}

async fn answer(State(served): State<Served>, mut request: Request) -> Response<Body> {
    let plain = |code: StatusCode, text: String| {
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = code;
        response
    };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let login = given.unwrap_or_default().to_owned();
    served.logins.0.lock().unwrap_or_else(PoisonError::into_inner).push(login);
    let wanted = match &served.access {
        Access::Anyone => None,
        Access::Basic(name, password) => {
            Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
        }
        Access::Bearer(token) => Some(format!("Bearer {token}")),
    };
    if wanted.is_some() && wanted.as_deref() != given {
        let mut response = plain(StatusCode::UNAUTHORIZED, "who are you?".to_owned());
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic"));
        return response;
    }
    if served.is_old {
        request.headers_mut().remove("git-protocol");
    }
    match backend(&served.root, served.is_broken, request).await {
        Ok(response) => response,
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// Has `git http-backend` answer, which is a CGI program, for the repositories in a directory.
pub(crate) async fn backend(root: &str, is_broken: bool, request: Request) -> Outcome<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await?;
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .envs([
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_VALUE_0", "*"),
        ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(&body).await?;
    }
    let output = Bytes::from(child.wait_with_output().await?.stdout);
    let end =
        output.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("no answer of git http-backend")?;
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").ok_or("no header")?;
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap_or("200")),
            _ => response.header(name, value),
        };
    }
    let content = output.slice(end + 4..);
    // The answer to a fetch is cut; what is announced before is whole.
    let content = match is_broken && body.windows(5).any(|bytes| bytes == b"fetch") {
        true => content.slice(..content.len() / 2),
        false => content,
    };
    Ok(response.body(Body::from(content))?)
}
