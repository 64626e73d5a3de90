//! The webhooks of receivers over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use reconciler_core::receiver::MAX_BODY;
use tokio::net::TcpListener;

use super::serve::serve;
use crate::controller::{self, Context};

/// Serves the webhooks of receivers.
pub(super) async fn receivers(listener: Option<TcpListener>, context: &Arc<Context>) {
    let router = Router::new().route("/hook/{digest}", post(hook)).with_state(Arc::clone(context));
    serve(listener, router).await;
}

async fn hook(State(context): State<Arc<Context>>, request: Request) -> StatusCode {
    let path = request.uri().path().to_owned();
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let Ok(body) = to_bytes(request.into_body(), MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE;
    };
    let status = controller::call_receiver(&context, &path, &headers, &body).await;
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
