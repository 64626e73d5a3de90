//! Metrics and health over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use super::RunError;
use crate::controller::Context;

/// Listens on an address, if one is given.
pub(super) async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>, RunError> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await;
    listener.map(Some).map_err(|source| RunError::Listen { address, source })
}

/// Serves metrics in the format of Prometheus.
pub(super) async fn metrics(listener: Option<TcpListener>, context: &Arc<Context>) {
    let context = Arc::clone(context);
    let text = move || async move {
        let headers = [("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")];
        (headers, context.metrics().text())
    };
    serve(listener, Router::new().route("/metrics", get(text))).await;
}

/// Serves whether this process is alive, and whether it knows what the cluster has.
pub(super) async fn health(listener: Option<TcpListener>, context: &Arc<Context>) {
    let context = Arc::clone(context);
    let ready = move || async move {
        if context.is_ready() {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting")
        }
    };
    let router = Router::new().route("/healthz", get(async || "ok")).route("/readyz", get(ready));
    serve(listener, router).await;
}

/// Serves until the process ends.
pub(super) async fn serve(listener: Option<TcpListener>, router: Router) {
    let Some(listener) = listener else { return };
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "a server ended");
    }
}
