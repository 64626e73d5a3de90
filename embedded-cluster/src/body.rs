//! Bodies of requests: JSON or YAML, and how large an object may be.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use kustomize_yaml::Sources;
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
        Err(_) => read_yaml(body).map_err(wrong)?,
    };
    check_size(&value, MOST_VALUES)?;
    Ok(value)
}

/// Reads YAML with a reader that bounds nesting and aliases. libyaml takes quadratic time for nested lists.
fn read_yaml(body: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let file = Sources::default().add("body", text.into(), None);
    let node = kustomize_yaml::read_config(text, file).map_err(|error| error.to_string())?;
    serde_json::to_value(node).map_err(|error| error.to_string())
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    fn read_as(content: &'static str, body: &str) -> Result<Value, ApiError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
        read(&headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn yaml_is_read_where_it_is_declared() -> Result<(), ApiError> {
        let yaml = "a: 1\nb: [\"2\", 1.5, null, true]\n";
        let wanted = json!({"a": 1, "b": ["2", 1.5, null, true]});
        for content in ["application/yaml", "application/apply-patch+yaml; charset=utf-8"] {
            assert_eq!(read_as(content, yaml)?, wanted);
            assert_eq!(read_as(content, &wanted.to_string())?, wanted);
        }
        assert_eq!(
            read_as("application/json", yaml).err().map(|error| error.code),
            Some(StatusCode::BAD_REQUEST)
        );
        Ok(())
    }

    #[test]
    fn nested_and_large_bodies_are_refused_at_once() {
        let start = Instant::now();
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES));
        let aliases = (0..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, index| {
            format!("{text}a{}: &a{0} [*a{index}, *a{index}]\n", index + 1, index = index)
        });
        for (body, code) in [
            (format!("a: {}", "[".repeat(1_000_000)), 400),
            (format!("a: {}", "{a: ".repeat(500_000)), 400),
            ("- ".repeat(1_000_000), 400),
            ("? ".repeat(1_000_000), 400),
            (format!("a: {}1{}", "[".repeat(110), "]".repeat(110)), 400),
            (aliases, 400),
            (many, 413),
        ] {
            let error = read_as("application/yaml", &body).err();
            assert_eq!(error.map(|error| error.code.as_u16()), Some(code), "{}", &body[..20]);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it took {:?}", start.elapsed());
    }
}
