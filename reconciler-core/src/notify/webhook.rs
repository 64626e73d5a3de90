//! Events for programs.

use serde_json::Value;

use super::{Event, NotifyError, Target};
use crate::receiver;

/// The event as it is.
pub(super) fn body(event: &Event) -> Result<Value, NotifyError> {
    serde_json::to_value(event).map_err(|failure| NotifyError::Payload(failure.to_string()))
}

/// The headers: who reports, those of the secret, and for `generic-hmac` a signature of the body.
pub(super) fn add_headers(target: &Target, event: &Event, body: &str, headers: &mut Vec<(String, String)>) {
    headers.push(("gotk-component".to_owned(), event.reporting_controller.clone()));
    for (name, value) in &target.headers {
        headers.push((name.to_lowercase(), value.clone()));
    }
    if target.provider == "generic-hmac" {
        let signature = receiver::sign(target.token.as_bytes(), body.as_bytes());
        headers.push(("x-signature".to_owned(), signature));
    }
}
