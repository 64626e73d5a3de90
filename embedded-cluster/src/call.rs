//! A request to a resource, and answers in JSON.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::access::User;
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
    /// Who asks.
    pub(crate) user: &'a User,
    /// What the client is warned of.
    pub(crate) warnings: Mutex<Vec<String>>,
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

    /// Warns the client.
    pub(crate) fn warn(&self, warnings: Vec<String>) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(warnings);
    }

    /// The selector in the query.
    pub(crate) fn selector(&self) -> Result<Selector, ApiError> {
        Selector::parse(self.query.get("labelSelector"), self.query.get("fieldSelector"))
    }
}

/// An answer with warnings for the client.
pub(crate) fn with_warnings(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
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
