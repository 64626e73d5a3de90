//! Bodies of requests: JSON or YAML, and how large an object may be.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::status::ApiError;

/// How many values the object in a body may have, and how many a stored object, which has defaults and field owners as
/// well. Each takes a hundred bytes and more, so that a body of 3 MiB could take gigabytes.
const MOST_VALUES: usize = 100_000;
pub(crate) const MOST_STORED: usize = 4 * MOST_VALUES;

/// How deep an object may be nested. Objects are read from the file with serde_json, which reads 127 levels, and the
/// field owners of an object are nested deeper than the object.
pub(crate) const DEEPEST: usize = 100;

/// The media type of a request's body, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content.split(';').next().unwrap_or_default().trim()
}

/// Reads a body. It is JSON unless its media type is that of YAML.
pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Value, ApiError> {
    let wrong =
        |error: String| ApiError::bad_request(format!("the object provided is unrecognized: {error}"));
    let is_yaml = matches!(media_type(headers), "application/yaml" | "application/apply-patch+yaml");
    let value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) if !is_yaml => return Err(wrong(error.to_string())),
        Err(_) => serde_yaml::from_slice(body).map_err(|error| wrong(error.to_string()))?,
    };
    check_size(&value, MOST_VALUES)?;
    Ok(value)
}

/// Refuses what is too large or nested too deeply.
pub(crate) fn check_size(value: &Value, most: usize) -> Result<(), ApiError> {
    let (mut count, mut open) = (0, vec![(value, 1)]);
    while let Some((value, depth)) = open.pop() {
        count += 1;
        if depth > DEEPEST {
            return Err(ApiError::bad_request(format!(
                "the object is nested more than {DEEPEST} levels deep, which the embedded cluster does not accept"
            )));
        }
        if count > most {
            return Err(too_large(&format!(
                "the object has more than {most} values, which the embedded cluster does not accept; split it"
            )));
        }
        match value {
            Value::Array(list) => open.extend(list.iter().map(|child| (child, depth + 1))),
            Value::Object(map) => open.extend(map.values().map(|child| (child, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn too_large(detail: &str) -> ApiError {
    let message = format!("Request entity too large: {detail}");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
}
