//! Events for programs.

use std::fmt::Write;

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::{Event, NotifyError, Target};

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
    if target.provider != "generic-hmac" {
        return;
    }
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(target.token.as_bytes()) else { return };
    mac.update(body.as_bytes());
    let mut signature = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(signature, "{byte:02x}");
    }
    headers.push(("x-signature".to_owned(), signature));
}
