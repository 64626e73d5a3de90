//! The service: who asks, what for, and which handler answers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;

use crate::access;
use crate::call::{Call, object_response, with_warnings};
use crate::request::{Query, Target, verb, wanted_form};
use crate::state::State;
use crate::status::ApiError;
use crate::{delete, discovery, protobuf, read, reviews, watch, write};

/// The largest body that is accepted.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// The API server as a [`tower::Service`] over HTTP requests.
#[derive(Clone)]
pub struct ClusterService {
    state: Arc<State>,
}

impl ClusterService {
    pub(crate) fn new(state: Arc<State>) -> ClusterService {
        ClusterService { state }
    }
}

impl<B> tower::Service<Request<B>> for ClusterService
where
    B: axum::body::HttpBody + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = self.state.clone();
        Box::pin(
            async move { Ok(answer(&state, request).await.unwrap_or_else(|error| error_response(&error))) },
        )
    }
}

async fn answer<B>(state: &Arc<State>, request: Request<B>) -> Result<Response<Body>, ApiError>
where
    B: axum::body::HttpBody + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let query = Query::parse(parts.uri.query());
    let registry = state.registry();
    let user = access::user_of(state, &parts.headers)?;
    let Some(target) = Target::parse(path) else {
        access::check_path(state, &user, &parts.method, path)?;
        return discovery::answer(&registry, &parts.headers, path);
    };
    let body = http_body_util::Limited::new(body, LARGEST_BODY);
    let body = body.collect().await.map_err(|error| {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("cannot read the request's body: {error}"),
        )
    })?;
    let body = protobuf::to_json(&parts.headers, body.to_bytes())?;
    let verb = verb(&parts.method, &target, &query);
    access::check(state, &user, verb, &target)?;
    if let Some(answer) = reviews::answer(state, &user, &target, verb, &body)? {
        return Ok(object_response(StatusCode::CREATED, &answer));
    }
    let kind =
        registry.get(&target.group, &target.version, &target.resource).ok_or_else(ApiError::unknown_path)?;
    if !target.namespace.is_empty() && !kind.namespaced {
        return Err(ApiError::unknown_path());
    }
    let known = ["eviction", "token"].contains(&target.subresource.as_str());
    if !target.subresource.is_empty() && !kind.has(&target.subresource) && !known {
        return Err(ApiError::unknown_path());
    }
    let form = wanted_form(&parts.headers);
    let call = Call {
        state,
        kind,
        target: &target,
        query: &query,
        headers: &parts.headers,
        form,
        body,
        user: &user,
        warnings: Mutex::default(),
    };
    let response = match verb {
        "get" => read::get(&call),
        "list" => read::list(&call),
        "watch" => watch::watch(&call),
        "create" if target.subresource == "token" => reviews::create_token(&call),
        "create" => write::create(&call).await,
        "update" => write::update(&call).await,
        "patch" => write::patch(&call).await,
        "delete" => delete::delete(&call).await,
        "deletecollection" if parts.method == Method::DELETE => delete::delete_collection(&call).await,
        _ => Err(ApiError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )),
    };
    let response = response.unwrap_or_else(|error| error_response(&error));
    let warnings = call.warnings.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(with_warnings(response, &warnings))
}

fn error_response(error: &ApiError) -> Response<Body> {
    object_response(error.code, &error.to_value())
}
