//! The counterpart of providers over HTTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;

use crate::tls::Tls;
use crate::world::Outcome;

/// A request that was taken.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is answered in place of `200`, if anything.
type Refusal = Box<dyn Fn(&Taken) -> Option<Response> + Send>;

#[derive(Default)]
pub(crate) struct Received {
    /// Whether requests are taken.
    pub(crate) is_up: bool,
    /// How many were refused.
    pub(crate) refused: usize,
    pub(crate) taken: Vec<Taken>,
    /// What is refused while it is up.
    pub(crate) refusal: Option<Refusal>,
    /// When requests were refused for that.
    pub(crate) refusals: Vec<Instant>,
}

/// A server that refuses everything until it is up.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Received>>);

impl Server {
    /// Starts it.
    pub(crate) async fn start() -> Outcome<(Self, SocketAddr)> {
        let (server, listener) = (Server::default(), TcpListener::bind("127.0.0.1:0").await?);
        let address = listener.local_addr()?;
        let router = Router::new().fallback(take).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok((server, address))
    }

    /// The same over TLS.
    pub(crate) async fn start_tls(config: ServerConfig) -> Outcome<(Self, SocketAddr)> {
        let (server, listener) = (Server::default(), TcpListener::bind("127.0.0.1:0").await?);
        let address = listener.local_addr()?;
        let router = Router::new().fallback(take).with_state(server.clone());
        tokio::spawn(async move { axum::serve(Tls::new(listener, config), router).await });
        Ok((server, address))
    }

    pub(crate) fn received(&self) -> MutexGuard<'_, Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(server): State<Server>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut received = server.received();
    if !received.is_up {
        received.refused += 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let taken = Taken { path: uri.path().to_owned(), headers, body };
    if let Some(answer) = received.refusal.as_ref().and_then(|refusal| refusal(&taken)) {
        received.refusals.push(Instant::now());
        return answer;
    }
    received.taken.push(taken);
    StatusCode::OK.into_response()
}
