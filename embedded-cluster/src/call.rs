//! A request to a resource, and answers in JSON.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::kinds::Kind;
use crate::request::{Form, Query, Target};
use crate::selector::Selector;
use crate::state::State;
use crate::status::ApiError;
use crate::storage::{Name, Object};

/// A request to a resource, taken apart.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a Arc<State>,
    pub(crate) kind: &'a Arc<Kind>,
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) form: Form,
    pub(crate) body: Bytes,
}

impl Call<'_> {
    /// The name in the path.
    pub(crate) fn name(&self) -> Name {
        Name { namespace: self.target.namespace.clone(), name: self.target.name.clone() }
    }

    /// The object that the path names.
    pub(crate) fn stored(&self) -> Result<Arc<Object>, ApiError> {
        let found = self.state.store.get(&self.kind.resource, &self.name());
        found.ok_or_else(|| ApiError::not_found(self.kind.subject(&self.target.name)))
    }

    /// The selector in the query.
    pub(crate) fn selector(&self) -> Result<Selector, ApiError> {
        Selector::parse(self.query.get("labelSelector"), self.query.get("fieldSelector"))
    }
}

/// A JSON answer.
pub(crate) fn json_response(code: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn object_response(code: StatusCode, value: &Value) -> Response<Body> {
    json_response(code, value.to_string())
}
