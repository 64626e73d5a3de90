//! Requests that a cluster refuses, or whose answers are lost.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Body;
use http::{Request, Response};
use serde_json::json;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    status: u16,
    /// Whether the cluster did what it was asked, and only the answer is lost.
    is_done: bool,
}

/// Decides which requests go wrong: two of three while it lasts.
#[derive(Default)]
pub(crate) struct Storm {
    pub(crate) is_on: AtomicBool,
    /// Whether no request is answered at all.
    pub(crate) is_out: AtomicBool,
    /// Whether changes of ConfigMaps are refused, as by a server that has not read yet who may do what.
    pub(crate) is_starting: AtomicBool,
    requests: AtomicUsize,
    pub(crate) faults: AtomicUsize,
}

impl Storm {
    /// What goes wrong with the next request, if anything.
    pub(crate) fn next<B>(&self, request: &Request<B>) -> Option<Fault> {
        const STATUSES: [u16; 4] = [500, 429, 409, 503];

        let is_change = request.method() == "PATCH" && request.uri().path().contains("/configmaps/");
        if is_change && self.is_starting.load(Ordering::Relaxed) {
            return Some(Fault { status: 403, is_done: false });
        }
        if !self.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(3) {
            return None;
        }
        let fault = self.faults.fetch_add(1, Ordering::Relaxed);
        if request.uri().query().is_some_and(|query| query.contains("watch=")) {
            return Some(Fault { status: 410, is_done: false });
        }
        // A conflict says that nothing was done.
        let status = STATUSES[fault % STATUSES.len()];
        Some(Fault { status, is_done: status != 409 && fault.is_multiple_of(3) })
    }
}

impl Fault {
    /// Whether the request reaches the cluster.
    pub(crate) fn is_done(self) -> bool {
        self.is_done
    }

    /// The answer.
    pub(crate) fn answer(self) -> Response<Body> {
        let reason = match self.status {
            403 => "Forbidden",
            409 => "Conflict",
            410 => "Expired",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalError",
        };
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": self.status,
            "reason": reason, "message": "there is a storm",
        });
        let mut answer = Response::new(Body::from(status.to_string()));
        *answer.status_mut() = http::StatusCode::from_u16(self.status).unwrap_or_default();
        answer
    }
}
