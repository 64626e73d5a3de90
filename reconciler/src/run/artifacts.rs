//! Artifacts over HTTP, for other controllers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures::stream;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::serve::serve;
use crate::controller::Context;

/// How much is read of an archive at once.
const CHUNK: usize = 64 << 10;

/// Serves the archives of sources.
pub(super) async fn artifacts(listener: Option<TcpListener>, context: &Arc<Context>) {
    serve(listener, Router::new().fallback(artifact).with_state(Arc::clone(context))).await;
}

async fn artifact(State(context): State<Arc<Context>>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let path = request.uri().path();
    let (file, summary) = match context.pack(path).await {
        Ok(Some(packed)) => packed,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            let fields = json!({"path": path, "error": error.to_string()});
            context.log.error("an artifact could not be made", fields);
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/gzip".to_owned()),
        (header::CONTENT_LENGTH, summary.size.to_string()),
        (header::ETAG, format!("\"{}\"", summary.digest)),
    ];
    let chunks = stream::try_unfold(tokio::fs::File::from_std(file), async |mut file| {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (chunk.freeze(), file)))
    });
    (headers, Body::from_stream(chunks)).into_response()
}
