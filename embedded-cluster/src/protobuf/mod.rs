//! Bodies of requests in protobuf, which kubectl sends for built-in kinds.
//!
//! They become JSON as Go's types have it before anything else reads them. Answers are always JSON, which such
//! clients accept as well. See <https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>.

mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use kubernetes_types::{Field, Omitted, Shape, TYPES, TypeId};
use serde_json::{Map, Value};

use crate::status::ApiError;
use wire::{Fault, Reader, Scalar};

const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What a body begins with.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may be nested. No type of the table comes near it.
const DEEPEST: usize = 64;

/// The body in JSON, if it is protobuf, and the body as it is otherwise.
///
/// # Errors
/// - 400 if it cannot be decoded
/// - 415 if its kind is not one of the table, such as a custom resource
pub(crate) fn to_json(headers: &HeaderMap, body: Bytes) -> Result<Bytes, ApiError> {
    let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content.split(';').next().unwrap_or_default().trim() != MEDIA_TYPE || body.is_empty() {
        return Ok(body);
    }
    let envelope = Envelope::read(&body).map_err(|_| unreadable("the envelope"))?;
    if envelope.content == "application/json" {
        return Ok(Bytes::copy_from_slice(envelope.raw));
    }
    let kind = format!("{} {}", envelope.api_version, envelope.kind);
    // Options of deletions are of every version.
    let version = if envelope.kind == "DeleteOptions" { "v1" } else { envelope.api_version };
    let message = TYPES.of_kind(version, envelope.kind).ok_or_else(|| {
        let message =
            format!("the embedded cluster does not read {kind} in protobuf: send application/json instead");
        ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    })?;
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), envelope.api_version.into());
    object.insert("kind".to_owned(), envelope.kind.into());
    read_message(message, envelope.raw, DEEPEST, &mut object).map_err(|_| unreadable(&kind))?;
    Ok(Value::Object(object).to_string().into())
}

fn unreadable(what: &str) -> ApiError {
    ApiError::bad_request(format!("cannot read the protobuf of {what} in the request's body"))
}

/// What every body consists of: `k8s.io.apimachinery.pkg.runtime.Unknown`.
#[derive(Default)]
struct Envelope<'a> {
    api_version: &'a str,
    kind: &'a str,
    raw: &'a [u8],
    content: &'a str,
}

impl<'a> Envelope<'a> {
    fn read(body: &'a [u8]) -> Result<Self, Fault> {
        let mut envelope = Envelope::default();
        let mut outer = Reader::new(body.strip_prefix(MAGIC).ok_or(Fault)?);
        while let Some((number, value)) = outer.next()? {
            match number {
                1 => {
                    let mut inner = Reader::new(value.bytes()?);
                    while let Some((number, value)) = inner.next()? {
                        match number {
                            1 => envelope.api_version = value.text()?,
                            2 => envelope.kind = value.text()?,
                            _ => {}
                        }
                    }
                }
                2 => envelope.raw = value.bytes()?,
                4 => envelope.content = value.text()?,
                _ => {}
            }
        }
        Ok(envelope)
    }
}

/// Adds the fields of a message to an object.
fn read_message(
    message: TypeId,
    bytes: &[u8],
    depth: usize,
    object: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let depth = depth.checked_sub(1).ok_or(Fault)?;
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        // Clients may know more fields than we do.
        let Some(field) = TYPES.field(message, number) else { continue };
        match (&field.shape, field.name) {
            (Shape::Type(part), None) => read_message(*part, scalar.bytes()?, depth, object)?,
            (_, None) => return Err(Fault),
            (shape, Some(name)) => add(field, name, shape, scalar, depth, object)?,
        }
    }
    Ok(())
}

/// Adds one occurrence of a field to an object.
fn add(
    field: &Field,
    name: &str,
    shape: &Shape,
    scalar: Scalar<'_>,
    depth: usize,
    object: &mut Map<String, Value>,
) -> Result<(), Fault> {
    match shape {
        Shape::List(items) => {
            let list = object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            let list = list.as_array_mut().ok_or(Fault)?;
            // Numbers may be packed.
            if let (Shape::Int, Scalar::Bytes(packed)) = (&**items, scalar) {
                let mut packed = Reader::new(packed);
                while !packed.is_empty() {
                    list.push(packed.varint()?.cast_signed().into());
                }
            } else {
                list.push(read_value(items, scalar, depth)?);
            }
        }
        Shape::Map(values) => {
            let (mut key, mut value) = ("", None);
            let mut entry = Reader::new(scalar.bytes()?);
            while let Some((number, part)) = entry.next()? {
                match number {
                    1 => key = part.text()?,
                    2 => value = Some(part),
                    _ => {}
                }
            }
            let value = match value {
                Some(value) => read_value(values, value, depth)?,
                None => zero(values),
            };
            let map = object.entry(name).or_insert_with(|| Value::Object(Map::new()));
            map.as_object_mut().ok_or(Fault)?.insert(key.to_owned(), value);
        }
        _ => {
            let value = read_value(shape, scalar, depth)?;
            if !is_left_out(field, &value) {
                object.insert(name.to_owned(), value);
            }
        }
    }
    Ok(())
}

fn read_value(shape: &Shape, scalar: Scalar<'_>, depth: usize) -> Result<Value, Fault> {
    Ok(match shape {
        Shape::Text => scalar.text()?.into(),
        Shape::Bool => (scalar.number()? != 0).into(),
        Shape::Int => scalar.number()?.into(),
        Shape::Float => scalar.float()?.into(),
        Shape::Bytes => BASE64.encode(scalar.bytes()?).into(),
        Shape::Type(message) => {
            let mut object = Map::new();
            read_message(*message, scalar.bytes()?, depth, &mut object)?;
            Value::Object(object)
        }
        // A list in a map is a message with the list.
        Shape::List(items) => {
            let (mut list, mut reader) = (Vec::new(), Reader::new(scalar.bytes()?));
            while let Some((_, item)) = reader.next()? {
                list.push(read_value(items, item, depth.checked_sub(1).ok_or(Fault)?)?);
            }
            Value::Array(list)
        }
        Shape::Map(_) => return Err(Fault),
        Shape::Pointer(shape) => read_value(shape, scalar, depth)?,
        Shape::Quantity => {
            first(scalar)?.map_or(Ok(Value::from("0")), |text| text.text().map(Value::from))?
        }
        Shape::Raw => {
            let raw = first(scalar)?.map_or(Ok(&[][..]), |raw| raw.bytes())?;
            if raw.is_empty() { Value::Null } else { serde_json::from_slice(raw).map_err(|_| Fault)? }
        }
        Shape::IntOrString => {
            let (mut is_text, mut number, mut text) = (false, 0, "");
            let mut reader = Reader::new(scalar.bytes()?);
            while let Some((field, value)) = reader.next()? {
                match field {
                    1 => is_text = value.number()? == 1,
                    2 => number = value.number()?,
                    3 => text = value.text()?,
                    _ => {}
                }
            }
            if is_text { text.into() } else { number.into() }
        }
        Shape::Time => read_time(scalar, 0)?,
        Shape::MicroTime => read_time(scalar, 6)?,
    })
}

/// Whether JSON has no such field for this value. Protobuf has every field that is not a pointer.
fn is_left_out(field: &Field, value: &Value) -> bool {
    let is_zero = match value {
        Value::Null => return true,
        // What is there is not the null pointer.
        _ if matches!(field.shape, Shape::Pointer(_)) => return false,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(value) => value.is_empty(),
        Value::Object(value) => return field.omitted == Omitted::IfZero && value.is_empty(),
    };
    is_zero && field.omitted != Omitted::Never
}

/// The value of a key in a map that has none.
fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Text | Shape::Bytes => "".into(),
        Shape::Bool => false.into(),
        Shape::Int => 0.into(),
        Shape::Quantity => "0".into(),
        Shape::List(_) => Value::Array(Vec::new()),
        Shape::Type(_) | Shape::Map(_) => Value::Object(Map::new()),
        _ => Value::Null,
    }
}

/// The first field of a message.
fn first(scalar: Scalar<'_>) -> Result<Option<Scalar<'_>>, Fault> {
    let mut reader = Reader::new(scalar.bytes()?);
    while let Some((number, value)) = reader.next()? {
        if number == 1 {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// A time with that many digits after the second; `null` for no time.
fn read_time(scalar: Scalar<'_>, digits: usize) -> Result<Value, Fault> {
    let bytes = scalar.bytes()?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (mut seconds, mut nanoseconds) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some((number, value)) = reader.next()? {
        match number {
            1 => seconds = value.number()?,
            2 => nanoseconds = i32::try_from(value.number()?).map_err(|_| Fault)?,
            _ => {}
        }
    }
    let time = Timestamp::new(seconds, nanoseconds).map_err(|_| Fault)?;
    Ok(format!("{time:.digits$}").into())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(body: &[u8]) -> Result<Value, ApiError> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))]);
        let json = to_json(&headers, Bytes::copy_from_slice(body))?;
        serde_json::from_slice(&json).map_err(|error| ApiError::internal(error.to_string()))
    }

    /// Fields that Go prints although they hold nothing.
    fn without_null(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|_, field| !field.is_null());
                fields.values_mut().for_each(without_null);
            }
            Value::Array(items) => items.iter_mut().for_each(without_null),
            _ => {}
        }
    }

    #[test]
    #[ignore = "needs Go and the samples in k8s.io/api: cargo xtask e2e runs it"]
    fn samples_of_kubernetes() -> Result<(), Box<dyn std::error::Error>> {
        let directory = std::env::var("KUBERNETES_SAMPLES").map_err(|_| "KUBERNETES_SAMPLES is not set")?;
        let mut read_kinds = 0;
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "pb") {
                continue;
            }
            let mut wanted: Value = serde_json::from_slice(&std::fs::read(path.with_extension("json"))?)?;
            without_null(&mut wanted);
            match read(&std::fs::read(&path)?) {
                Ok(mut found) => {
                    without_null(&mut found);
                    assert_eq!(found, wanted, "{}", path.display());
                    read_kinds += 1;
                }
                Err(error) => {
                    assert_eq!(error.code, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}: {error}", path.display());
                    // Lists, options and what servers send are in no body.
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                    let (version, kind) = stem.rsplit_once('.').unwrap_or_default();
                    let is_sent =
                        !["List", "Options", "Status", "WatchEvent"].iter().any(|end| kind.ends_with(end))
                            && !kind.starts_with("API")
                            && kind != "AdmissionReview";
                    let is_stable = !version.contains("alpha") && !version.contains("beta");
                    assert!(!is_sent || !is_stable, "{}", path.display());
                }
            }
        }
        assert!(read_kinds > 60, "only {read_kinds} samples were read");
        Ok(())
    }

    #[test]
    fn broken_bodies_are_refused() -> Result<(), Box<dyn std::error::Error>> {
        let body = include_bytes!("../../tests/behavior/protobuf/deployment.pb");
        read(body)?;
        // Up to 27 bytes there is only the kind, and the last four say nothing.
        for length in 28..body.len() - 4 {
            let code = read(&body[..length]).map_err(|error| error.code);
            let is_refused =
                matches!(code, Err(StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE));
            assert!(is_refused, "{length} bytes: {code:?}");
        }
        for at in 0..body.len() {
            for other in [0, 0x0a, 0x7f, 0xff] {
                let mut body = body.to_vec();
                body[at] = other;
                // Another value is as good as this one, but nothing panics.
                let _ = read(&body);
            }
        }
        Ok(())
    }

    #[test]
    fn kinds_without_a_message_are_named() {
        let body = b"k8s\0\x0a\x14\x0a\x0aexample/v1\x12\x06Widget\x12\x00\x1a\x00\x22\x00";
        let error = read(body).map_err(|error| (error.code, error.message));
        let message =
            "the embedded cluster does not read example/v1 Widget in protobuf: send application/json instead";
        assert_eq!(error, Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message.to_owned())));
    }
}
