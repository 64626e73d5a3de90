//! The counterpart of providers over HTTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
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

#[derive(Default)]
pub(crate) struct Received {
    /// Whether requests are taken.
    pub(crate) is_up: bool,
    /// How many were refused.
    pub(crate) refused: usize,
    pub(crate) taken: Vec<Taken>,
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

async fn take(State(server): State<Server>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut received = server.received();
    if !received.is_up {
        received.refused += 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    received.taken.push(Taken { path: uri.path().to_owned(), headers, body });
    StatusCode::OK
}
